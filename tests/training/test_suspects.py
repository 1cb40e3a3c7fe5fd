import numpy as np
import pytest

from models.labels import SENTIMENTS, URGENCIES
from training.datasets.example import Example
from training.suspects import find_suspects

COUNT, WIDTH = 120, 6
WRONG = {7: "positive", 40: "positive", 43: "positive", 61: "positive", 101: "neutral", 5: "neutral"}
"""Rows whose label says something else than their features."""


def example(number, **labels):
    return Example(
        id=f"texts/{number}",
        text=str(number),
        lang="en",
        source="texts",
        group=str(number),
        role="train",
        **labels,
    )


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    centres = np.eye(3, WIDTH) * 4
    return (centres[np.arange(COUNT) % 3] + rng.normal(size=(COUNT, WIDTH)) * 0.4).astype(np.float32)


def rows():
    told = {number: SENTIMENTS[number % 3] for number in range(COUNT)} | WRONG
    return [example(number, sentiment=told[number]) for number in range(COUNT)]


def test_no_rows_have_no_suspects(features):
    assert list(find_suspects([], features[:0], seed=0)) == []


def test_rows_without_a_label_of_a_head_are_no_suspects(features):
    examples = [example(number) for number in range(COUNT)]
    assert list(find_suspects(examples, features, seed=0)) == []


def test_labels_that_contradict_their_features_are_found_with_the_likely_one(features):
    found = {suspect.example.id: suspect for suspect in find_suspects(rows(), features, seed=0)}
    assert set(found) == {f"texts/{number}" for number in WRONG}
    for number, given in WRONG.items():
        suspect = found[f"texts/{number}"]
        assert (suspect.head, suspect.given, suspect.likely) == ("sentiment", given, SENTIMENTS[number % 3])
        assert suspect.given_probability < 0.5


def test_the_least_believable_label_comes_first(features):
    beliefs = [suspect.given_probability for suspect in find_suspects(rows(), features, seed=0)]
    assert beliefs == sorted(beliefs)


def test_only_labelled_rows_are_judged_in_their_places(features):
    mixed = [
        row if number % 2 else example(number, urgency=URGENCIES[number % 3])
        for number, row in enumerate(rows())
    ]
    suspects = list(find_suspects(mixed, features, seed=0))
    found = {suspect.example.id for suspect in suspects if suspect.head == "sentiment"}
    assert found >= {f"texts/{number}" for number in WRONG if number % 2}
    assert all(getattr(suspect.example, suspect.head) == suspect.given for suspect in suspects)
