from dataclasses import replace

import numpy as np
import pytest

from models.branch import Branch, BranchShape
from models.errors import EncoderMismatchError
from models.predictions import LanguageGuess
from models.scorer import Scorer


class Counting:
    """Calls every text Finnish, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def identify(self, texts):
        self.asked += texts
        return [LanguageGuess(code="fi", confidence=0.7) for _ in texts]


@pytest.fixture
def languages():
    return Counting()


@pytest.fixture
def scorer(hashing_encoder, tiny_artefact, languages):
    return Scorer(hashing_encoder, tiny_artefact, languages)


def test_another_number_of_languages_than_texts_is_refused(scorer):
    with pytest.raises(ValueError, match=r"expected one language \(or None\) a text, got 1 for 2"):
        scorer.score(["a", "b"], [None])


def test_a_text_that_is_no_string_is_refused(scorer):
    with pytest.raises(ValueError, match="str"):
        scorer.score([b"bytes"], [None])


def test_an_encoder_that_cannot_run_the_models_branch_is_refused_at_once(
    hashing_encoder, tiny_artefact, languages
):
    shape = BranchShape(from_layer=1, first_layer=2, layers=1, queries=1, hidden=2)
    shapes = {"queries": (1, 2), "key.weight": (2, 2), "key.bias": (2,), "layers.0.w": (2, 2)}
    branch = Branch(shape=shape, tensors={name: np.ones(size, np.float16) for name, size in shapes.items()})
    with pytest.raises(EncoderMismatchError, match="a branch needs an encoder with layers"):
        Scorer(hashing_encoder, replace(tiny_artefact, branch=branch), languages)


def test_no_texts_ask_nobody(scorer, languages):
    assert scorer.score([], []) == []
    assert languages.asked == []


def test_without_heads_texts_get_vector_and_language_only(hashing_encoder, languages):
    scored = Scorer(hashing_encoder, None, languages).score(["the app crashes"], [None])
    assert scored[0].predictions is None
    assert scored[0].language.code == "fi"
    np.testing.assert_array_equal(scored[0].vector, hashing_encoder.encode(["the app crashes"]).vectors[0])


def test_a_given_language_wins_and_the_identifier_is_not_asked_about_it(scorer, languages):
    scored = scorer.score(["eins", "kaksi", "trois"], ["de", None, "fr"])
    assert [text.predictions.language for text in scored] == [
        LanguageGuess(code="de", confidence=1.0),
        LanguageGuess(code="fi", confidence=0.7),
        LanguageGuess(code="fr", confidence=1.0),
    ]
    assert languages.asked == ["kaksi"]


def test_texts_are_scored_in_order(scorer):
    texts = ["the app crashes at checkout", "lovely food and friendly people"]
    there = scorer.score(texts, [None, None])
    back = scorer.score(texts[::-1], [None, None])
    assert [text.predictions.topics.best for text in there] == ["bug_crash", "product_quality"]
    assert there[0].predictions == back[1].predictions
