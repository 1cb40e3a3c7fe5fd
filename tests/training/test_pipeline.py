import json

import numpy as np
import pytest
from safetensors.numpy import load_file

import training.fit
from models.artefact import load_artefact
from models.errors import ArtefactError
from training.comparison import compare_with_card
from training.errors import DataError, ExperimentError, GateError
from training.pipeline import Stage, run_stages
from training.stages import STAGES
from training.stages.evaluate import MEASUREMENT_LIST, MEASUREMENTS
from training.stages.train import HISTORY, LAYERS

NAMES = ["prepare", "train", "calibrate", "evaluate", "package", "register"]


def changed(context, **updates):
    """The same context with another experiment."""
    experiment = context.experiment.model_copy(update=updates)
    return type(context)(
        experiment=experiment, features=context.features, tokens=context.tokens, console=context.console
    )


def test_unknown_stage_is_refused_before_anything_runs(context):
    with pytest.raises(ExperimentError, match=r"expected a stage .* got 'bake'"):
        run_stages(STAGES, context, until="bake")
    assert not context.path("examples.jsonl").exists()


def test_unset_data_folder_is_said_plainly(context, monkeypatch):
    monkeypatch.delenv("CLOSELOOP_DATA")
    with pytest.raises(DataError, match="expected CLOSELOOP_DATA to name the folder"):
        run_stages(STAGES, context)


def test_missing_file_is_said_by_name(context, data_root):
    (data_root / "umsab" / "val.jsonl.gz").unlink()
    with pytest.raises(DataError, match="expected umsab/val at"):
        run_stages(STAGES, context)


def test_damaged_file_is_said_by_name(context, data_root):
    path = data_root / "umsab" / "val.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"val\.jsonl\.gz is not JSON Lines"):
        run_stages(STAGES, context)


def test_a_run_leaves_a_model_that_has_learnt(finished, experiment, encoder):
    artefact = load_artefact(experiment.output, encoder_name=encoder.name)
    overall = {(m.rows, m.head, m.metric): m for m in artefact.manifest.measurements if m.language == "all"}
    for head in ("urgency", "sentiment", "topics"):
        figure = overall["gold", head, "macro_f1"]
        assert figure.value > figure.baselines["commonest label"].high
        assert 0 < figure.baselines["frozen linear"].value <= 1
        assert figure.n == 60
    assert overall["umsab/test", "sentiment", "macro_f1"].value > 0.8
    assert overall["non_feedback", "signals", "non_feedback_recall"].value > 0.5
    assert {source.name for source in artefact.manifest.sources} >= {
        "texts",
        "gold/dev",
        "umsab/train",
        "judged/banking77/train",
        "non_feedback",
    }


def test_a_run_keeps_the_model_under_its_revision(finished, experiment, encoder):
    manifest = load_artefact(experiment.output, encoder_name=encoder.name).manifest
    kept = experiment.registry / manifest.name / manifest.revision
    assert load_artefact(kept, encoder_name=encoder.name).manifest == manifest


def test_the_history_tells_every_epoch(finished, experiment):
    history = json.loads(finished.path(HISTORY).read_text())
    assert [epoch["number"] for epoch in history] == list(range(1, experiment.fitting.epochs + 1))
    assert history[-1]["losses"]["urgency"] < history[0]["losses"]["urgency"]
    assert {"urgency/gold", "sentiment/umsab", "topics/texts"} <= set(history[-1]["validation"])


def test_a_second_run_skips_everything_and_encodes_nothing(finished, experiment, encoder):
    before = (experiment.output / "manifest.json").read_bytes()
    assert run_stages(STAGES, finished) == []
    assert (experiment.output / "manifest.json").read_bytes() == before
    assert encoder.encoded == 0


def test_until_stops_and_the_next_run_goes_on_from_there(context):
    assert run_stages(STAGES, context, until="train") == NAMES[:2]
    assert run_stages(STAGES, context, until="calibrate") == NAMES[2:3]


def test_force_runs_again_what_is_unchanged(finished):
    assert run_stages(STAGES, finished, until="prepare", force=True) == ["prepare"]


def test_a_fit_that_was_killed_ends_at_the_same_weights(finished, monkeypatch):
    uninterrupted, history = load_file(finished.path(LAYERS)), finished.path(HISTORY).read_text()
    original, saved = training.fit._save, []

    def save_and_die(*arguments):
        original(*arguments)
        saved.append(1)
        if len(saved) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training.fit, "_save", save_and_die)
        finished.path(LAYERS).unlink()
        with pytest.raises(KeyboardInterrupt):
            run_stages(STAGES, finished, until="train")
    assert run_stages(STAGES, finished, until="train") == ["train"]
    again = load_file(finished.path(LAYERS))
    for name, weights in uninterrupted.items():
        np.testing.assert_array_equal(again[name], weights)
    assert finished.path(HISTORY).read_text() == history


def test_a_model_folder_half_written_is_packaged_again(finished, experiment, encoder):
    (experiment.package_folder / "manifest.json").unlink()
    with pytest.raises(ArtefactError):
        load_artefact(experiment.package_folder, encoder_name=encoder.name)
    assert run_stages(STAGES, finished)[0] == "package"
    assert load_artefact(experiment.output, encoder_name=encoder.name).name == "tiny"


def test_a_damaged_output_is_made_again(finished):
    finished.path(HISTORY).write_text("{}")
    assert run_stages(STAGES, finished, until="train") == ["train"]


def test_changed_calibration_runs_neither_preparing_nor_training_again(finished, experiment):
    calibration = experiment.calibration.model_copy(update={"urgent_recall": 0.5})
    assert run_stages(STAGES, changed(finished, calibration=calibration), until="calibrate") == ["calibrate"]


def test_a_new_text_runs_everything_that_depends_on_it(finished, experiment, encoder):
    path = experiment.data.texts / "fi.jsonl"
    row = json.loads(path.read_text().split("\n")[0]) | {"id": "fi-9999", "text": "uusi teksti", "pair": None}
    path.write_text(path.read_text() + json.dumps(row) + "\n")
    assert run_stages(STAGES, finished, until="train") == ["prepare", "train"]
    assert encoder.encoded == 1


def test_training_again_from_nothing_gives_the_same_heads(finished):
    before = finished.path(LAYERS).read_bytes()
    run_stages(STAGES, finished, until="train", force=True)
    assert finished.path(LAYERS).read_bytes() == before


def test_evaluating_the_model_again_reproduces_every_figure(finished, experiment):
    assert compare_with_card(finished, experiment.output, finished.console) == 0


def test_figures_that_are_no_longer_so_are_counted(finished, experiment):
    path = experiment.output / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["measurements"][0]["value"] += 0.1
    manifest["similar"]["value"] -= 0.1
    path.write_text(json.dumps(manifest))
    assert compare_with_card(finished, experiment.output, finished.console) == 2


def test_a_calibration_that_does_not_fit_its_rows_is_noticed(finished, experiment):
    path = experiment.output / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["heads"]["urgency"]["temperature"][0] *= 4
    manifest["urgent"]["value"] = 0.97
    path.write_text(json.dumps(manifest))
    assert compare_with_card(finished, experiment.output, finished.console) >= 2


def test_a_model_that_is_worse_than_the_current_one_does_not_pass(finished, experiment):
    before = (experiment.output / "manifest.json").read_bytes()
    fitting = experiment.fitting.model_copy(update={"epochs": 1, "head_learning_rate": 1e-6})
    with pytest.raises(GateError, match=r"may not replace .*\n- .*macro_f1"):
        run_stages(STAGES, changed(finished, fitting=fitting))
    assert (experiment.output / "manifest.json").read_bytes() == before


def test_a_current_model_of_an_older_form_is_no_reason_to_pass(finished, experiment):
    path = experiment.output / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 1}))
    with pytest.raises(ArtefactError, match="schema version 1"):
        run_stages(STAGES, finished, force=True)


def test_forced_training_trains_again_and_leaves_no_checkpoint(finished, experiment):
    finished.path(HISTORY).write_text("[]")
    run_stages(STAGES, finished, until="train", force=True)
    assert len(json.loads(finished.path(HISTORY).read_text())) == experiment.fitting.epochs
    assert list(experiment.run_folder.glob("checkpoint-*")) == []


def test_forcing_does_not_go_on_from_where_a_killed_training_was(finished, experiment, monkeypatch):
    finished.path(LAYERS).unlink()
    original, saved = training.fit._save, []

    def save(*arguments):
        original(*arguments)
        saved.append(arguments[0])
        if len(saved) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(training.fit, "_save", save)
    with pytest.raises(KeyboardInterrupt):
        run_stages(STAGES, finished, until="train")
    assert [path.name for path in experiment.run_folder.glob("checkpoint-*")] == [saved[0].name]
    run_stages(STAGES, finished, until="train", force=True)
    assert len(saved) == 3 + experiment.fitting.epochs


@pytest.fixture
def unfinished_stage(context):
    """A stage that tells which files of a killed run it finds, and leaves one of its own."""
    found = []

    def run(context):
        found.append(sorted(path.name for path in context.experiment.run_folder.glob("part-*")))
        context.path("part-new").touch()
        context.path("done").touch()

    stage = Stage(
        name="half",
        run=run,
        settings=lambda _: {},
        inputs=lambda _: {},
        reads=(),
        writes=lambda context: [context.path("done")],
        unfinished=("part-*",),
    )
    context.experiment.run_folder.mkdir(parents=True)
    context.path("part-old").touch()
    context.path("parted").touch()
    return stage, found


@pytest.mark.parametrize(("force", "expected"), [(False, ["part-old"]), (True, [])])
def test_only_a_forced_stage_removes_unfinished_files_before_it_runs(
    context, unfinished_stage, force, expected
):
    stage, found = unfinished_stage
    assert run_stages([stage], context, force=force) == ["half"]
    assert found == [expected]
    assert sorted(path.name for path in context.experiment.run_folder.iterdir()) == [
        "done",
        "half.stamp.json",
        "parted",
    ]


def test_no_row_that_is_reported_on_has_trained(finished):
    found = MEASUREMENT_LIST.validate_json(finished.path(MEASUREMENTS).read_bytes())
    examples = [json.loads(line) for line in finished.path("examples.jsonl").read_text().splitlines()]
    trained = {row["text"] for row in examples if row["role"] == "train"}
    reported = {row["text"] for row in examples if row["role"] != "train"}
    assert not trained & reported
    assert {m.rows for m in found} >= {"gold", "umsab/test", "umsab", "texts", "non_feedback"}
    assert np.isfinite([m.value for m in found]).all()
