import numpy as np
import pytest

from training.features import FeatureCache

TEXTS = [f"text number {number}" for number in range(600)]


def test_no_texts_give_empty_arrays(tmp_path, encoder):
    found = FeatureCache(tmp_path, encoder).load([])
    assert found.features.shape == (0, 1152)
    assert found.vectors.shape == (0, 384)


def test_a_killed_run_encodes_only_what_is_missing(tmp_path, encoder):
    encoder.stop_after = 256
    with pytest.raises(KeyboardInterrupt):
        FeatureCache(tmp_path, encoder).ensure(TEXTS)
    assert encoder.encoded == 256
    encoder.stop_after = None
    FeatureCache(tmp_path, encoder).ensure(TEXTS)
    assert encoder.encoded == 600


def test_a_chunk_without_its_list_of_keys_does_not_count(tmp_path, encoder):
    FeatureCache(tmp_path, encoder).ensure(TEXTS[:10])
    next(tmp_path.rglob("*.keys")).unlink()
    assert FeatureCache(tmp_path, encoder).missing(TEXTS[:10]) == TEXTS[:10]


def test_features_come_in_the_order_asked_for_duplicates_included(tmp_path, encoder):
    asked = [TEXTS[5], TEXTS[500], TEXTS[5], TEXTS[0]]
    cache = FeatureCache(tmp_path, encoder)
    cache.ensure(TEXTS)
    found, expected = cache.load(asked), encoder.encode(asked)
    np.testing.assert_array_equal(found.features, expected.features)
    np.testing.assert_array_equal(found.vectors, expected.vectors)


def test_a_text_is_encoded_once(tmp_path, encoder):
    cache = FeatureCache(tmp_path, encoder)
    cache.load(["a", "a", "b"])
    cache.load(["b", "a"])
    assert encoder.encoded == 2


def test_another_encoder_does_not_find_the_features_of_the_first(tmp_path, encoder):
    FeatureCache(tmp_path, encoder).ensure(["a"])

    class Other(type(encoder)):
        @property
        def space(self):
            return "other:space"

    assert FeatureCache(tmp_path, Other()).missing(["a"]) == ["a"]


def test_progress_is_told_chunk_by_chunk(tmp_path, encoder):
    told = []
    FeatureCache(tmp_path, encoder).ensure(TEXTS, advance=told.append)
    assert told == [256, 256, 88]


def test_half_a_character_is_no_obstacle(tmp_path, encoder):
    assert FeatureCache(tmp_path, encoder).load(["\ud83d alone"]).features.shape == (1, 1152)
