import numpy as np
import pytest

from models.complaints.language_means import LanguageMeans, shipped_means


def unit(rows):
    rows = np.array(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def many(chance, count, offset):
    return unit(chance.normal(size=(count, 16)) * 0.3 + np.array([2, *offset, *[0] * 13]))


def test_what_a_language_has_in_common_is_gone_after_centring():
    chance = np.random.default_rng(0)
    vectors = np.concatenate([many(chance, 300, (1, 0)), many(chance, 300, (0, 1))])
    languages = ["en"] * 300 + ["fi"] * 300
    centred = LanguageMeans.of(vectors, languages).centre(vectors, languages)
    within = centred[:300].mean(axis=0) @ centred[:300].mean(axis=0)
    across = centred[:300].mean(axis=0) @ centred[300:].mean(axis=0)
    assert within < 0.01
    assert abs(across) < 0.01


def test_the_order_of_rows_changes_no_bit():
    chance = np.random.default_rng(1)
    vectors, languages = many(chance, 200, (1, 0)), np.array(["en", "fi"] * 100)
    mixed = chance.permutation(200)
    one = LanguageMeans.of(vectors, languages.tolist())
    other = LanguageMeans.of(vectors[mixed], languages[mixed].tolist())
    assert np.array_equal(one.means, other.means)
    assert np.array_equal(one.overall, other.overall)


def test_few_texts_of_a_language_lean_on_what_is_known_of_it():
    chance = np.random.default_rng(2)
    known = np.concatenate([many(chance, 300, (1, 0)), many(chance, 300, (0, 1))])
    prior = LanguageMeans.of(known, ["en"] * 300 + ["fi"] * 300)
    few = np.concatenate([many(chance, 5, (1, 0)), many(chance, 5, (0, 1))])
    languages = ["en"] * 5 + ["fi"] * 5
    truth = many(chance, 2000, (0, 1)).mean(axis=0)
    alone = np.linalg.norm(LanguageMeans.of(few, languages).means[1] - truth)
    leaning = np.linalg.norm(LanguageMeans.of(few, languages, prior=prior).means[1] - truth)
    assert leaning < alone


def test_means_ship_with_the_bundled_encoder_and_with_no_other():
    shipped = shipped_means("1571fc98-c1-f32-r1")
    assert len(shipped.languages) >= 20
    assert shipped.means.shape == (len(shipped.languages), 384)
    assert shipped_means("another") is None


def test_other_bytes_are_refused():
    with pytest.raises(ValueError, match="expected stored means"):
        LanguageMeans.from_bytes(b"other")
