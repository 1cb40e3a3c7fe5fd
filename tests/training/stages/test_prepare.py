import pytest

from training.datasets.example import Example
from training.stages.prepare import without_leaks


def example(number, role, text="The same TEXT", **labels):
    return Example(
        id=f"{role}/{number}",
        text=text,
        lang="en",
        source="umsab",
        group=str(number),
        role=role,
        **labels or {"sentiment": "neutral"},
    )


def kept(*examples):
    return [row.id for row in without_leaks(list(examples))]


@pytest.mark.parametrize("role", ["folds", "validation", "extra"])
@pytest.mark.parametrize("reported", ["report", "benchmark"])
def test_a_text_to_report_on_is_dropped_from_training_whatever_comes_first(role, reported):
    rows = [example(1, role, text="the same   text"), example(2, reported)]
    assert kept(*rows) == kept(*rows[::-1]) == [f"{reported}/2"]


def test_a_text_to_choose_by_is_dropped_from_the_extra_rows():
    assert kept(example(1, "extra"), example(2, "validation")) == ["validation/2"]


def test_within_the_rows_to_report_on_nothing_is_dropped():
    assert kept(example(1, "report"), example(2, "report")) == ["report/1", "report/2"]


def test_a_text_that_trains_is_kept_once():
    assert kept(example(1, "extra"), example(2, "extra")) == ["extra/1"]


def test_labels_of_another_head_are_no_leak():
    rows = (example(1, "extra", topics=("other",)), example(2, "benchmark", sentiment="neutral"))
    assert kept(*rows) == ["extra/1", "benchmark/2"]
