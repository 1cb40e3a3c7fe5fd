import shutil

from models.artefact import load_artefact
from training.pipeline import run_stages
from training.stages import STAGES
from training.stages.register import registered_folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_of_another_kind_in_the_way_is_replaced_whole(finished, encoder):
    output = finished.experiment.output
    shutil.rmtree(output)
    output.mkdir()
    (output / "leftover.txt").write_text("of something else")
    assert run_stages(STAGES, finished) == ["register"]
    assert contents(output) == contents(finished.experiment.package_folder)


def test_leftovers_of_a_copy_that_was_killed_are_no_obstacle(finished):
    output = finished.experiment.output
    for name in (f".{output.name}.new", f".{output.name}.old"):
        (output.parent / name).mkdir()
        (output.parent / name / "half").write_text("written")
    shutil.rmtree(output)
    assert run_stages(STAGES, finished) == ["register"]
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_a_damaged_model_in_use_is_put_there_again(finished, encoder):
    weights = finished.experiment.output / "heads.safetensors"
    weights.write_bytes(b"damaged")
    assert run_stages(STAGES, finished) == ["register"]
    assert load_artefact(finished.experiment.output, encoder_name=encoder.name).name == "tiny"


def test_what_is_kept_stays_when_another_revision_comes(finished, encoder):
    kept = registered_folder(finished)
    before = contents(kept)
    gate = finished.experiment.gate.model_copy(update={"margin": 1.0, "language_margin": 1.0})
    seeded = finished.experiment.model_copy(update={"gate": gate, "seed": 1})
    context = type(finished)(
        experiment=seeded, features=finished.features, tokens=finished.tokens, console=finished.console
    )
    run_stages(STAGES, context)
    assert registered_folder(context) != kept
    assert contents(kept) == before
    assert contents(registered_folder(context)) == contents(seeded.output)
