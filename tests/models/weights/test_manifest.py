import hashlib

import pytest

from models.errors import WeightsError
from models.weights.manifest import MANIFEST, damage, file_sha256, read_manifest, write_manifest


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "1_Pooling" / "config.json").write_text("{}", encoding="utf-8")
    write_manifest(tmp_path, name="tiny", weights_sha256="ab" * 32, revision=3)
    return tmp_path


def test_a_folder_without_a_manifest_has_none(tmp_path):
    assert read_manifest(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "x"}', '{"name": "x", "other": 1}'])
def test_a_damaged_manifest_is_refused(folder, content):
    (folder / MANIFEST).write_text(content, encoding="utf-8")

    with pytest.raises(WeightsError, match=r"Expected the manifest of an encoder in .*closeloop\.json"):
        read_manifest(folder)


def test_a_changed_byte_is_found(folder):
    (folder / "model.safetensors").write_bytes(b"weighty")

    assert damage(folder, read_manifest(folder)).startswith("model.safetensors has SHA-256")


def test_a_missing_file_is_found(folder):
    (folder / "1_Pooling" / "config.json").unlink()

    assert (
        damage(folder, read_manifest(folder))
        == "1_Pooling/config.json cannot be read (No such file or directory)"
    )


def test_an_untouched_folder_has_no_damage(folder):
    manifest = read_manifest(folder)

    assert (manifest.name, manifest.weights_sha256, manifest.revision) == ("tiny", "ab" * 32, 3)
    assert set(manifest.files) == {"model.safetensors", "1_Pooling/config.json"}
    assert damage(folder, manifest) is None


def test_the_checksum_is_sha_256(tmp_path):
    (tmp_path / "file").write_bytes(b"closeloop" * 100_000)

    assert file_sha256(tmp_path / "file") == hashlib.sha256(b"closeloop" * 100_000).hexdigest()
