"""Labels by the guideline for texts of public data sets, as they lie in the tree."""

from pathlib import Path

import pytest

from training.datasets.catalogue import LICENCES, read_data_file
from training.datasets.judged import COLUMNS, judged_examples, judged_path, judged_splits

FOLDER = Path(__file__).parents[3] / "training" / "data" / "labels"
SPLITS = judged_splits(FOLDER)


def rows_of(source, split):
    lines = judged_path(FOLDER, source, split).read_text(encoding="utf-8").splitlines()
    return [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines[1:]]


def test_there_are_labels():
    assert SPLITS


@pytest.mark.parametrize(("source", "split"), SPLITS)
def test_a_source_that_trains_may_be_shipped_with(source, split):
    assert LICENCES[source].permissive


@pytest.mark.parametrize(("source", "split"), SPLITS)
def test_a_split_to_report_on_has_no_labels_to_train_on(source, split):
    assert "test" not in split.split(".")


@pytest.mark.parametrize(("source", "split"), SPLITS)
def test_a_text_is_labelled_once_and_its_topics_differ(source, split):
    rows = rows_of(source, split)
    assert len({row["key"] for row in rows}) == len(rows)
    assert [row["key"] for row in rows if row["topic"] == row["second_topic"]] == []


@pytest.mark.parametrize(("source", "split"), SPLITS)
def test_nothing_is_declared_beside_a_claim(source, split):
    claims = [row["declares"].split(",") for row in rows_of(source, split)]
    assert [
        claim for claim in claims if len(claim) > 1 and ("-" in claim or len(set(claim)) < len(claim))
    ] == []


@pytest.mark.data
@pytest.mark.parametrize(("source", "split"), SPLITS)
def test_every_label_has_its_text_in_the_data_set(source, split, data_dir):
    found = judged_examples(FOLDER, read_data_file(data_dir, source, split), weight=1.0, held_out=0.1)
    assert len(found) == len(rows_of(source, split))
