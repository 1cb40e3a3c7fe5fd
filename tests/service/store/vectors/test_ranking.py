from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.store.vectors.ranking import TIE_GROWTH, as_cosine, engine_threshold, first_request, page_of

scores = st.lists(st.sampled_from([0.1, 0.2, 0.3]), max_size=60)


@pytest.mark.parametrize(("limit", "offset"), [(0, 0), (-1, 0), (1, -1)])
def test_a_page_without_length_or_before_the_first_is_refused(limit, offset):
    with pytest.raises(ValueError, match="expected a limit"):
        first_request(limit, offset)


@pytest.mark.parametrize("threshold", [float("nan"), float("inf"), 1.01, -1.01])
def test_a_threshold_that_is_no_cosine_is_refused(threshold):
    with pytest.raises(ValueError, match="cosine"):
        engine_threshold(threshold)


def test_equal_scores_past_the_end_of_what_was_found_ask_for_more():
    ties = [(0.5, UUID(int=n)) for n in range(3)]
    assert page_of(ties, asked=3, limit=2, offset=0) is None
    assert page_of(ties, asked=4, limit=2, offset=0) == ties[:2]


@given(scores, st.integers(1, 10), st.integers(0, 20), st.randoms())
def test_any_order_of_ties_an_engine_may_choose_gives_the_same_page(values, limit, offset, chance):
    points = [(score, UUID(int=n)) for n, score in enumerate(values)]

    def engine(asked):
        chance.shuffle(points)
        return sorted(points, key=lambda point: -point[0])[:asked]

    asked = first_request(limit, offset)
    while (page := page_of(engine(asked), asked=asked, limit=limit, offset=offset)) is None:
        asked *= TIE_GROWTH
    assert page == sorted(points, key=lambda point: (-point[0], point[1]))[offset : offset + limit]


@given(st.floats(-1, 1))
def test_an_engines_threshold_lies_just_below_so_that_equal_scores_are_found(threshold):
    below = engine_threshold(threshold)
    assert below < np.float32(threshold)
    assert below == pytest.approx(threshold, abs=1e-6)


def test_a_threshold_cuts_the_page_inclusively_and_none_cuts_nothing():
    found = [(0.9, UUID(int=1)), (0.5, UUID(int=2)), (0.49, UUID(int=3))]
    assert page_of(found, asked=9, limit=5, offset=1, score_threshold=0.5) == found[1:2]
    assert page_of(found, asked=9, limit=5, offset=0) == found
    assert engine_threshold(None) is None


def test_rounding_errors_never_leave_the_range_of_a_cosine():
    assert [as_cosine(score) for score in (1.0000001, -1.0000001, 0.5)] == [1.0, -1.0, 0.5]
