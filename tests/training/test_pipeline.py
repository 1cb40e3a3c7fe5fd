import json

import numpy as np
import pytest

import training.stages.train as train_stage
from models.artefact import load_artefact
from models.errors import ArtefactError
from training.comparison import compare_with_card
from training.errors import DataError, ExperimentError
from training.pipeline import run_stages
from training.stages import STAGES
from training.stages.evaluate import MEASUREMENT_LIST, MEASUREMENTS

NAMES = ["prepare", "train", "calibrate", "evaluate", "package"]


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
    assert overall["gold", "urgency", "macro_f1"].value > overall["gold", "urgency", "macro_f1"].majority
    assert overall["gold", "sentiment", "macro_f1"].n == 60
    assert overall["umsab/test", "sentiment", "macro_f1"].value > 0.8
    assert {source.name for source in artefact.manifest.sources} >= {"texts", "gold/dev", "umsab/train"}


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


def test_a_run_killed_while_training_takes_up_there(context, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train_stage, "fit_on", killed)
        with pytest.raises(KeyboardInterrupt):
            run_stages(STAGES, context)
    assert run_stages(STAGES, context, until="train") == ["train"]


def test_a_model_folder_half_written_is_packaged_again(finished, experiment, encoder):
    (experiment.output / "manifest.json").unlink()
    with pytest.raises(ArtefactError):
        load_artefact(experiment.output, encoder_name=encoder.name)
    assert run_stages(STAGES, finished) == ["package"]
    assert load_artefact(experiment.output, encoder_name=encoder.name).name == "tiny"


def test_a_damaged_output_is_made_again(finished):
    finished.path("choices.json").write_text("{}")
    assert run_stages(STAGES, finished, until="train") == ["train"]


def test_changed_calibration_runs_neither_preparing_nor_training_again(finished, experiment):
    calibration = experiment.calibration.model_copy(update={"urgent_recall": 0.5})
    changed = experiment.model_copy(update={"calibration": calibration})
    again = type(finished)(experiment=changed, features=finished.features, console=finished.console)
    assert run_stages(STAGES, again, until="calibrate") == ["calibrate"]


def test_a_new_text_runs_everything_that_depends_on_it(finished, experiment, encoder):
    path = experiment.data.texts / "fi.jsonl"
    row = json.loads(path.read_text().split("\n")[0]) | {"id": "fi-9999", "text": "uusi teksti", "pair": None}
    path.write_text(path.read_text() + json.dumps(row) + "\n")
    assert run_stages(STAGES, finished, until="train") == ["prepare", "train"]
    assert encoder.encoded == 1


def test_training_again_from_nothing_gives_the_same_heads(finished, experiment):
    before = finished.path("layers.safetensors").read_bytes()
    run_stages(STAGES, finished, until="train", force=True)
    assert finished.path("layers.safetensors").read_bytes() == before


def test_evaluating_the_model_again_reproduces_every_figure(finished, experiment):
    assert compare_with_card(finished, experiment.output, finished.console) == 0


def test_figures_that_are_no_longer_so_are_counted(finished, experiment):
    path = experiment.output / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["measurements"][0]["value"] += 0.1
    manifest["similar"]["value"] -= 0.1
    manifest["measurements"].pop()
    path.write_text(json.dumps(manifest))
    # The changed value and threshold; and of the measurement that is not stated: n, value, low, high.
    assert compare_with_card(finished, experiment.output, finished.console) == 6


def test_rows_that_may_not_train_are_the_only_gold_rows_reported_on(finished):
    found = MEASUREMENT_LIST.validate_json(finished.path(MEASUREMENTS).read_bytes())
    examples = [json.loads(line) for line in finished.path("examples.jsonl").read_text().splitlines()]
    trained = {row["text"] for row in examples if row["role"] in {"folds", "extra"}}
    reported = {row["text"] for row in examples if row["role"] in {"report", "benchmark"}}
    assert not trained & reported
    assert {m.rows for m in found} == {"gold", "umsab/test"}
    assert np.isfinite([m.value for m in found]).all()
