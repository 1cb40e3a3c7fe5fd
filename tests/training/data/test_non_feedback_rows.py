"""What is no feedback, as it lies in the tree."""

from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from training.datasets.near_copies import plain_characters
from training.datasets.non_feedback import Kind, non_feedback_examples, read_non_feedback
from training.datasets.texts import read_texts
from training.experiment import read_experiment

ROOT = Path(__file__).parents[3]
DATA = ROOT / "training" / "data"


@pytest.fixture(scope="module")
def rows():
    return read_non_feedback(DATA / "non_feedback.jsonl")


def test_ids_are_unique(rows):
    assert [name for name, count in Counter(row.id for row in rows).items() if count > 1] == []


def test_no_text_is_there_twice(rows):
    assert [text for text, count in Counter(row.text for row in rows).items() if count > 1] == []


def test_every_kind_occurs_often_enough_to_learn(rows):
    counts = Counter(row.kind for row in rows)
    assert set(counts) == set(get_args(Kind))
    assert min(counts.values()) >= 20


def test_what_never_trains_is_of_every_kind(rows):
    held_out = read_experiment(ROOT / "training" / "experiments" / "default.toml").data.held_out
    kind_of = {f"non_feedback/{row.id}": row.kind for row in rows}
    examples = non_feedback_examples(rows, held_out=held_out)
    assert {kind_of[row.id] for row in examples if row.role == "validation"} == set(get_args(Kind))


def test_none_is_feedback_of_the_written_texts_too(rows):
    written = {plain_characters(text.text) for texts in read_texts(DATA / "texts").values() for text in texts}
    assert [
        row.id for row in rows if len(row.text) > 12 and plain_characters(row.text) in written - {""}
    ] == []
