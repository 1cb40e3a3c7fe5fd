"""What every encoder promises, on every implementation."""

import numpy as np
import pytest

from models.encoder import Encoder, HashingEncoder, SentenceEncoder

TEXTS = [
    "the app crashes at checkout",
    "",
    "maksu ei onnistu",
    "!!! 🎉",
    "支払いができない",
    "the " * 300,
    "\ud83d half of a character",
    "a",
    "the app crashes, the payment crashes, the query crashes and nobody is answering",
]


@pytest.fixture(scope="session")
def tiny_encoder(tiny_folder):
    return SentenceEncoder(tiny_folder, threads=1)


@pytest.fixture(scope="session")
def real_encoder(real_folder):
    return SentenceEncoder(real_folder)


@pytest.fixture(
    params=["hashing", "tiny_encoder", pytest.param("real_encoder", marks=pytest.mark.weights)],
    scope="session",
)
def encoder(request) -> Encoder:
    return HashingEncoder() if request.param == "hashing" else request.getfixturevalue(request.param)


@pytest.mark.parametrize("wrong", [None, 3, b"bytes", ["list"]])
def test_what_is_no_text_is_refused(encoder, wrong):
    with pytest.raises(ValueError, match=f"type str, got {type(wrong).__name__}"):
        encoder.encode(["fine", wrong])
    with pytest.raises(ValueError, match=f"type str, got {type(wrong).__name__}"):
        encoder.count_tokens(["fine", wrong])


def test_no_texts_are_an_empty_encoding(encoder):
    encoding, one = encoder.encode([]), encoder.encode(["one"])

    assert encoding.vectors.shape == (0, encoder.dimensions)
    assert encoding.features.shape == (0, one.features.shape[1])
    assert encoder.count_tokens([]) == []


def test_vectors_and_features_are_finite_float32_of_the_promised_shape(encoder):
    encoding = encoder.encode(TEXTS)

    assert encoding.vectors.dtype == encoding.features.dtype == np.float32
    assert encoding.vectors.shape == (len(TEXTS), encoder.dimensions)
    assert encoding.features.shape[0] == len(TEXTS)
    assert np.isfinite(encoding.vectors).all()
    assert np.isfinite(encoding.features).all()


def test_each_vector_and_each_feature_layer_has_length_one(encoder):
    encoding = encoder.encode(TEXTS)

    np.testing.assert_allclose(np.linalg.norm(encoding.vectors, axis=1), 1, rtol=1e-5)
    for layer in np.split(encoding.features, 3, axis=1):
        np.testing.assert_allclose(np.linalg.norm(layer, axis=1), 1, rtol=1e-5)


def test_alone_batched_and_shuffled_are_the_same(encoder):
    order = np.random.default_rng(3).permutation(len(TEXTS))
    batched, shuffled = encoder.encode(TEXTS), encoder.encode([TEXTS[place] for place in order])

    for place, text in enumerate(TEXTS):
        alone = encoder.encode([text])
        other = int(np.flatnonzero(order == place)[0])
        assert alone.vectors[0] @ batched.vectors[place] >= 0.9999
        assert shuffled.vectors[other] @ batched.vectors[place] >= 0.9999
        assert alone.features[0] @ batched.features[place] >= 3 * 0.9999


def test_a_longer_text_has_more_tokens(encoder):
    short, longer, longest = encoder.count_tokens(["the", "the app crashes", "the app crashes " * 100])

    assert 0 < short < longer < longest


def test_the_name_carries_a_hash_and_the_space_carries_more(encoder):
    name, hash_of_weights = encoder.name.split(":")

    assert name
    assert len(hash_of_weights) == 8
    assert encoder.space.startswith(hash_of_weights)
    assert encoder.space != hash_of_weights
