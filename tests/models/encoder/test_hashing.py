import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.encoder import HashingEncoder

PRINT = """
from models.encoder import HashingEncoder
print(HashingEncoder().encode(["the app", "日本語 ☃"]).vectors.tolist())
"""


@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_text_gets_vectors_of_length_one(texts):
    encoding = HashingEncoder().encode(texts)

    assert encoding.vectors.shape == (len(texts), 384)
    assert encoding.features.shape == (len(texts), 3 * 384)
    np.testing.assert_allclose(np.linalg.norm(encoding.vectors, axis=1), 1, rtol=1e-5)
    for layer in np.split(encoding.features, 3, axis=1):
        np.testing.assert_allclose(np.linalg.norm(layer, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("text", ["", "   ", "!!!", "🎉🎉", "\ud83d", "\x00"])
def test_texts_without_words_share_one_vector(text):
    vectors = HashingEncoder().encode([text, "?"]).vectors

    np.testing.assert_array_equal(vectors[0], vectors[1])


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("the app crashes at checkout", "checkout crashes the app again", "lovely food and friendly people"),
        ("sovellus kaatuu maksaessa", "maksu ei onnistu, sovellus kaatui", "ruoka oli hyvää"),
        ("应用在付款时崩溃", "付款时应用总是崩溃", "服务很好"),
        ("приложение не работает", "не работает ваше приложение", "спасибо за помощь"),
        ("ＡＰＰ ＣＲＡＳＨ", "app crash", "lovely food"),
    ],
)
def test_shared_words_bring_texts_together(text, near, far):
    vectors = HashingEncoder().encode([text, near, far]).vectors

    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


def test_another_process_gets_the_same_vectors(start_python):
    said, _ = start_python(PRINT, PYTHONHASHSEED="12345").communicate()

    expected = HashingEncoder().encode(["the app", "日本語 ☃"]).vectors
    np.testing.assert_array_equal(np.float32(json.loads(said)), expected)
