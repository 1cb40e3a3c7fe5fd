import shutil

import pytest

from models.artefact import load_artefact, write_artefact
from models.errors import ArtefactError
from training.pipeline import run_stages
from training.stages import STAGES
from training.stages.register import _place


def registered_folder(context):
    package = context.experiment.package_folder
    manifest = load_artefact(package, encoder_name=context.features.encoder.name).manifest
    return context.experiment.registry / manifest.name / manifest.revision


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_leftovers_of_a_copy_that_was_killed_are_no_obstacle(finished):
    output = finished.experiment.output
    for name in (f".{output.name}.new", f".{output.name}.old"):
        (output.parent / name).mkdir()
        (output.parent / name / "half").write_text("written")
    shutil.rmtree(output)
    assert run_stages(STAGES, finished) == ["register"]
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_a_damaged_model_in_use_is_no_reason_to_pass_the_gate(finished, encoder):
    weights = finished.experiment.output / "heads.safetensors"
    weights.write_bytes(b"damaged")
    with pytest.raises(ArtefactError, match="is damaged"):
        run_stages(STAGES, finished)
    shutil.rmtree(finished.experiment.output)
    assert run_stages(STAGES, finished) == ["register"]
    assert load_artefact(finished.experiment.output, encoder_name=encoder.name).name == "tiny"


def test_a_copy_that_was_killed_between_two_renames_finds_the_old_model_again(tmp_path):
    package, folder = tmp_path / "package", tmp_path / "used"
    for name in (package, tmp_path / ".used.old"):
        name.mkdir()
        (name / "told").write_text(name.name)
    _place(package, folder)
    assert (folder / "told").read_text() == "package"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["package", "used"]


def better_model(context):
    """Put a model into use that nothing trained here can replace: it knows the gold rows by heart."""
    output = context.experiment.output
    artefact = load_artefact(output, encoder_name=context.features.encoder.name)
    manifest = artefact.manifest.model_copy(update={"revision": "another", "files": {}})
    heads = artefact.heads
    write_artefact(output, manifest=manifest, heads=heads, branch=None, card="# another\n")
    return artefact


def test_a_model_that_came_into_use_meanwhile_is_compared_again(finished, monkeypatch):
    better_model(finished)
    asked = []
    monkeypatch.setattr("training.stages.register.pass_gate", lambda *told: asked.append(told[-1]))
    assert run_stages(STAGES, finished) == ["register"]
    assert len(asked) == 1


def test_what_is_kept_stays_when_another_revision_comes(finished, encoder):
    kept = registered_folder(finished)
    before = contents(kept)
    gate = finished.experiment.gate.model_copy(
        update={"margin": 1.0, "language_margin": 1.0, "signal_margin": 1.0}
    )
    seeded = finished.experiment.model_copy(update={"gate": gate, "seed": 1})
    context = type(finished)(
        experiment=seeded, features=finished.features, tokens=finished.tokens, console=finished.console
    )
    run_stages(STAGES, context)
    assert registered_folder(context) != kept
    assert contents(kept) == before
    assert contents(registered_folder(context)) == contents(seeded.output)
