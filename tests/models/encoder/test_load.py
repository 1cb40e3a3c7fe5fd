import pytest

from models.encoder import HashingEncoder, SentenceEncoder, load_encoder
from models.errors import RuntimeMissingError, WeightsError


def test_an_unknown_runtime_is_refused(tmp_path):
    with pytest.raises(RuntimeMissingError, match="Expected a runtime among auto, torch, got 'abacus'"):
        load_encoder("hashing", tmp_path, "abacus", report=print)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="Expected a sentence-transformers folder"):
        load_encoder(str(tmp_path), tmp_path, report=print)


def test_the_encoder_without_weights_needs_no_cache(tmp_path):
    assert isinstance(load_encoder("hashing", tmp_path / "cache", report=print), HashingEncoder)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("runtime", ["auto", "torch"])
def test_a_folder_is_loaded(tiny_folder, tmp_path, runtime):
    encoder = load_encoder(str(tiny_folder), tmp_path, runtime, report=print, threads=1)

    assert isinstance(encoder, SentenceEncoder)
    assert encoder.dimensions == 32
