import numpy as np
import pytest

from models.labels import TOPICS
from training.candidates import Candidate, first_candidate, neighbours, targets_of, truth_of, weights_of
from training.datasets.example import Example
from training.experiment import Search


def example(number, **changes):
    values = {
        "id": str(number),
        "text": str(number),
        "lang": "en",
        "source": "texts",
        "group": str(number),
        "role": "folds",
        "urgency": "low",
        "sentiment": "neutral",
        "topics": ("other",),
    }
    return Example(**values | changes)


def candidate(**changes):
    search = Search(kinds=("softmax",))
    return Candidate(**first_candidate(search).described() | changes)


def test_neighbours_differ_in_one_field_and_leave_out_the_candidate_itself():
    search = Search(kinds=("softmax",), c=(0.1, 0.2, 0.3))
    found = neighbours(first_candidate(search), search, "c")
    assert [other.c for other in found] == [0.2, 0.3]
    assert {other.kind for other in found} == {"softmax"}


def test_truth_of_topics_is_the_main_one():
    rows = [example(1, topics=("bug_crash", "other")), example(2)]
    assert truth_of("topics", rows).tolist() == [TOPICS.index("bug_crash"), TOPICS.index("other")]


@pytest.mark.parametrize(("kind", "expected"), [("softmax", [[0, 0, 1, 0]]), ("sequential", [[1, 1, 0]])])
def test_targets_of_urgency_follow_the_kind(kind, expected):
    assert targets_of("urgency", kind, [example(1, urgency="high")]).tolist() == expected


def test_targets_of_topics_hold_every_topic_that_applies():
    found = targets_of("topics", "sigmoid", [example(1, topics=("other", "bug_crash"))])
    assert sorted(np.flatnonzero(found[0])) == sorted([TOPICS.index("other"), TOPICS.index("bug_crash")])


def test_weights_average_one_and_keep_their_ratios():
    rows = [
        example(1),
        example(2, source="gold"),
        example(3, role="extra", source="umsab", weight=0.5),
    ]
    found = weights_of(candidate(gold_weight=3.0, extra_weight=0.2), "sentiment", rows)
    assert found.mean() == pytest.approx(1)
    assert (found / found[0]).tolist() == pytest.approx([1, 3, 0.1])


def test_full_language_balance_gives_each_language_the_same_total():
    rows = [example(n, lang="fi" if n < 2 else "en") for n in range(10)]
    found = weights_of(candidate(language_balance=1.0), "sentiment", rows)
    assert found[:2].sum() == pytest.approx(found[2:].sum())


def test_full_class_balance_gives_each_label_the_same_total():
    rows = [example(n, urgency="critical" if n < 1 else "low") for n in range(10)]
    found = weights_of(candidate(class_balance=1.0), "urgency", rows)
    assert found[:1].sum() == pytest.approx(found[1:].sum())


def test_half_balance_lies_between_none_and_full():
    rows = [example(n, urgency="critical" if n < 1 else "low") for n in range(10)]
    shares = [
        weights_of(candidate(class_balance=power), "urgency", rows)[0] / len(rows)
        for power in (0.0, 0.5, 1.0)
    ]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(0.1)
    assert shares[2] == pytest.approx(0.5)


def test_a_step_of_a_scale_is_learnt_from_rows_that_reached_it():
    rows = [example(1, urgency="low"), example(2, urgency="high"), example(3, urgency="critical")]
    found = weights_of(candidate(kind="sequential"), "urgency", rows)
    assert (found > 0).tolist() == [[True, False, False], [True, True, True], [True, True, True]]


def test_a_second_topic_counts_as_much_as_said_and_only_it():
    row = example(1, topics=("other", "bug_crash"))
    found = weights_of(candidate(kind="sigmoid", second_topic_weight=0.25), "topics", [row])[0]
    assert found[TOPICS.index("bug_crash")] == pytest.approx(0.25)
    assert np.delete(found, TOPICS.index("bug_crash")).tolist() == pytest.approx([1.0] * 14)
