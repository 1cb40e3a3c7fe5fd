import shutil

import pytest

from models.encoder.identity import encoder_identity
from models.errors import WeightsError
from models.weights.manifest import write_manifest


@pytest.fixture
def folder(tmp_path, tiny_folder):
    return shutil.copytree(tiny_folder, tmp_path / "my-model")


def test_a_folder_without_weights_has_no_identity(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"Expected weights .* in .*my-model, found none"):
        encoder_identity(folder)


def test_a_converted_folder_is_named_by_its_manifest(folder):
    write_manifest(folder, name="e5-small-q4", weights_sha256="1571fc98" + "0" * 56, revision=7)

    assert encoder_identity(folder) == ("e5-small-q4:1571fc98", "1571fc98-c7")


def test_another_folder_is_named_after_itself(folder):
    name, short = encoder_identity(folder)

    assert name == f"my-model:{short}"


def test_a_snapshot_of_a_hub_is_named_after_its_model(folder, tmp_path):
    snapshot = tmp_path / "models--somebody--some-model" / "snapshots" / "0a1b2c"
    shutil.copytree(folder, snapshot)

    assert encoder_identity(snapshot)[0].startswith("some-model:")


@pytest.mark.parametrize(
    "name", ["model.safetensors", "tokenizer.json", "1_Pooling/config.json", "modules.json"]
)
def test_what_changes_vectors_changes_the_hash(folder, name):
    before = encoder_identity(folder)[1]
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")

    assert encoder_identity(folder)[1] != before


def test_a_readme_does_not_change_the_hash(folder):
    before = encoder_identity(folder)
    (folder / "README.md").write_text("Hello", encoding="utf-8")

    assert encoder_identity(folder) == before
