import pytest

from models.complaints import Decisions


def test_merges_are_followed_to_the_end_and_circles_refused():
    assert Decisions(merged={"a": "b", "b": "c"}).survivor("a") == "c"
    with pytest.raises(ValueError, match="leads back"):
        Decisions(merged={"a": "b", "b": "a"})


def test_a_pair_apart_stays_apart_after_one_of_it_was_merged_on():
    decisions = Decisions(merged={"b": "c"}, apart=frozenset({frozenset({"a", "b"})}))
    assert decisions.forbids("a", "c")
    assert not decisions.forbids("a", "d")


def test_a_pair_of_one_is_refused():
    with pytest.raises(ValueError, match="pairs of two"):
        Decisions(apart=frozenset({frozenset({"a"})}))
