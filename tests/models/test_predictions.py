import numpy as np
import pytest

from models.predictions import LabelPrediction, LanguageGuess, ScoredText, vector_from_stored


@pytest.mark.parametrize(("decision", "abstained"), [("apply", False), ("suggest", False), ("abstain", True)])
def test_only_what_a_person_should_look_at_has_abstained(decision, abstained):
    made = LabelPrediction(label="low", confidence=0.5, probabilities={"low": 0.5}, decision=decision)
    assert made.abstained is abstained


def test_a_stored_vector_that_was_cut_off_is_refused():
    with pytest.raises(ValueError, match="multiple of element size"):
        vector_from_stored(b"\x00\x3c\x00")


def test_a_vector_comes_back_from_its_stored_form_to_the_precision_of_float16():
    vector = np.random.default_rng(0).normal(size=384).astype(np.float32)
    vector /= np.linalg.norm(vector)
    language = LanguageGuess(code="en", confidence=1.0)
    stored = ScoredText(vector=vector, language=language, predictions=None).stored_vector()

    assert len(stored) == 2 * 384
    back = vector_from_stored(stored)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, vector, rtol=1e-3, atol=1e-4)
