from pathlib import Path

import pytest

from models.errors import WeightsError
from models.weights import default_cache, prepare_encoder
from models.weights.manifest import damage, read_manifest


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"found no modules\.json and no config\.json"):
        prepare_encoder(str(tmp_path), tmp_path / "cache", report=print)


def test_a_local_weights_file_with_another_content_is_refused(tmp_path, tiny_e5s):
    path = tiny_e5s().write(tmp_path / "tiny.bin")

    with pytest.raises(WeightsError, match=r"Expected SHA-256 1571fc98"):
        prepare_encoder(str(path), tmp_path / "cache", report=print)
    assert not [path for path in (tmp_path / "cache" / "encoders").iterdir() if path.is_dir()]


def test_a_cache_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(WeightsError, match=r"Cannot write the encoder to .*file"):
        prepare_encoder("bundled", tmp_path / "file", report=print)


def test_a_folder_is_used_where_it_is(tmp_path, tiny_folder):
    said = []

    assert prepare_encoder(str(tiny_folder), tmp_path, report=said.append) == tiny_folder
    assert not said


def test_the_cache_follows_the_users_cache_directory(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_cache() == Path("/somewhere/closeloop")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache() == Path.home() / ".cache" / "closeloop"


@pytest.mark.weights
def test_the_bundled_weights_are_ready_and_whole(real_folder):
    manifest = read_manifest(real_folder)

    assert manifest.name == "e5-small-q4"
    assert manifest.weights_sha256.startswith("1571fc98")
    assert damage(real_folder, manifest) is None


@pytest.mark.weights
def test_a_second_call_says_nothing_and_does_nothing(real_folder, model_cache):
    said = []
    before = (real_folder / "model.safetensors").stat().st_mtime_ns

    prepare_encoder("bundled", model_cache, report=said.append)

    assert not said
    assert (real_folder / "model.safetensors").stat().st_mtime_ns == before
