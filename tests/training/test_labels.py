import numpy as np
import pytest

from models.labels import SENTIMENTS, SIGNALS, TOPICS, URGENCIES
from training.datasets.example import Example
from training.labels import EXCLUSIVE_HEADS, LABELS, flags_of, labelled, truth_of


def row(**labels):
    return Example(id="1", text="a", lang="en", source="s", group="1", role="train", **labels)


def test_a_label_that_is_not_of_the_closed_set_is_refused():
    with pytest.raises(ValueError, match="not in tuple"):
        truth_of("urgency", [row(urgency="urgent")])


@pytest.mark.parametrize("head", EXCLUSIVE_HEADS)
def test_a_row_without_a_label_has_no_truth(head):
    with pytest.raises(ValueError, match="not in tuple"):
        truth_of(head, [row()])


@pytest.mark.parametrize(
    ("head", "labels"),
    [("sentiment", SENTIMENTS), ("urgency", URGENCIES), ("topics", TOPICS), ("signals", SIGNALS)],
)
def test_labels_stand_in_the_order_of_the_closed_sets(head, labels):
    assert LABELS[head] == labels


def test_truth_is_the_place_of_the_label_and_of_the_main_topic():
    rows = [row(urgency="low", topics=("other", "bug_crash")), row(urgency="critical", topics=("bug_crash",))]
    assert truth_of("urgency", rows).tolist() == [0, 3]
    assert truth_of("topics", rows).tolist() == [TOPICS.index("other"), TOPICS.index("bug_crash")]


def test_flags_mark_every_topic_that_applies():
    flags = flags_of("topics", [row(topics=("other", "bug_crash")), row()])
    assert {TOPICS[place] for place in np.flatnonzero(flags[0])} == {"other", "bug_crash"}
    assert flags[1].sum() == 0


def test_nobody_looked_is_not_labelled_and_nothing_found_is():
    rows = [row(), row(signals=()), row(signals=("legal",))]
    assert labelled("signals", rows) == [1, 2]
    assert flags_of("signals", rows).sum(axis=1).tolist() == [0, 0, 1]


def test_no_rows_have_arrays_of_no_rows():
    assert truth_of("sentiment", []).shape == (0,)
    assert flags_of("topics", []).shape == (0, 15)
    assert labelled("topics", []) == []
