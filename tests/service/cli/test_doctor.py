import json
from datetime import UTC, datetime

import numpy as np
import pytest

from models.artefact import write_artefact
from models.branch import Branch, BranchShape
from models.encoder.identity import encoder_identity


@pytest.fixture
def folders(tmp_path, tiny_artefact, cli):
    """An encoder folder and heads that were trained on it."""
    encoder, model = tmp_path / "encoder", tmp_path / "model"
    encoder.mkdir()
    (encoder / "model.safetensors").write_bytes(b"weights")
    name, _ = encoder_identity(encoder)
    manifest = tiny_artefact.manifest.model_copy(update={"encoder": name, "created": datetime.now(UTC)})
    write_artefact(model, manifest=manifest, heads=tiny_artefact.heads, branch=None, card="card")
    cli.set(encoder=str(encoder), model=str(model))
    return encoder, model


def findings(cli):
    result = cli("doctor", "--json")
    return result.exit_code, {row["check"]: row for row in json.loads(result.stdout)}


def test_no_service_is_a_failure_with_the_command_that_mends_it(cli, free_port, folders, tmp_path):
    cli.set(url=f"http://127.0.0.1:{free_port}", data_dir=str(tmp_path / "none"))
    exit_code, found = findings(cli)
    assert exit_code == 1
    assert found["service"]["level"] == "failure"
    assert found["service"]["fix"] == "closeloop serve"
    assert found["database"]["level"] == "note"
    assert not (tmp_path / "none").exists(), "looking must not make anything"


def test_a_bad_key_is_a_failure_that_says_how_to_make_one(closeloop, folders):
    closeloop.set(key="cl_bad_key")
    exit_code, found = findings(closeloop)
    assert exit_code == 1
    assert found["key"]["level"] == "failure"
    assert "closeloop keys create" in found["key"]["fix"]


def test_a_damaged_model_folder_is_a_failure(closeloop, folders):
    _, model = folders
    (model / "heads.safetensors").write_bytes(b"damaged")
    exit_code, found = findings(closeloop)
    assert exit_code == 1
    assert "is damaged" in found["heads"]["detail"]
    assert found["heads"]["fix"]


def test_a_model_of_an_earlier_form_is_a_failure_that_says_which_form_is_read(closeloop, folders):
    _, model = folders
    manifest = json.loads((model / "manifest.json").read_text())
    (model / "manifest.json").write_text(json.dumps(manifest | {"schema_version": 1}))
    exit_code, found = findings(closeloop)
    assert exit_code == 1
    assert "has schema version 1, this program reads 2" in found["heads"]["detail"]
    assert "install this release again" in found["heads"]["fix"]


def test_a_damaged_branch_is_a_failure(closeloop, folders, tiny_artefact):
    encoder, model = folders
    shape = BranchShape(from_layer=1, first_layer=2, layers=1, queries=1, hidden=2)
    shapes = {"queries": (1, 2), "key.weight": (2, 2), "key.bias": (2,), "layers.0.w": (2, 2)}
    branch = Branch(shape=shape, tensors={name: np.ones(size, np.float16) for name, size in shapes.items()})
    manifest = tiny_artefact.manifest.model_copy(
        update={"encoder": encoder_identity(encoder)[0], "branch": shape}
    )
    write_artefact(model, manifest=manifest, heads=tiny_artefact.heads, branch=branch, card="card")
    (model / "branch.safetensors").write_bytes(b"damaged")
    exit_code, found = findings(closeloop)
    assert exit_code == 1
    assert "branch.safetensors is damaged" in found["heads"]["detail"]


def test_heads_of_another_encoder_are_a_failure_that_names_the_training(closeloop, folders):
    encoder, _ = folders
    (encoder / "model.safetensors").write_bytes(b"other weights")
    _, found = findings(closeloop)
    assert "were trained on encoder" in found["heads"]["detail"]
    assert "python -m training" in found["heads"]["detail"]


def test_an_encoder_that_was_not_prepared_is_a_failure(closeloop, tmp_path):
    closeloop.set(encoder="bundled", model_cache=str(tmp_path / "cache"), model=str(tmp_path))
    _, found = findings(closeloop)
    assert found["encoder"]["level"] == "failure"
    assert found["encoder"]["fix"] == "closeloop prepare"
    assert found["heads"]["level"] == "failure"


def test_a_damaged_encoder_is_a_failure(closeloop, folders, tmp_path):
    from models.weights.manifest import write_manifest  # noqa: PLC0415

    encoder, _ = folders
    write_manifest(encoder, name="e", weights_sha256="0" * 64, revision=1)
    (encoder / "model.safetensors").write_bytes(b"damaged")
    _, found = findings(closeloop)
    assert "has SHA-256" in found["encoder"]["detail"]


def test_an_unreachable_database_is_a_failure_without_its_password(closeloop, folders):
    closeloop.set(database_url="postgresql://a:geheim@127.0.0.1:1/b")
    exit_code, found = findings(closeloop)
    assert exit_code == 1
    assert found["database"]["level"] == "failure"
    assert "geheim" not in json.dumps(found)


def test_all_well_is_a_table_that_ends_well(closeloop, folders):
    result = closeloop("doctor")
    assert result.exit_code == 0, result.stdout
    assert result.stdout.rstrip().endswith("all well")
    for check in ("service: database", "service: index", "service: heads", "service: vectors", "disk: data"):
        assert check in result.stdout
    assert "FAIL" not in result.stdout


def test_of_a_service_elsewhere_this_machine_is_not_looked_at(cli):
    cli.set(url="http://closeloop.invalid")
    _, found = findings(cli)
    assert "database" not in found
    assert found["this machine"]["level"] == "note"
