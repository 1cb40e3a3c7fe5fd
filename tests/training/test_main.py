import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from training.__main__ import app
from training.agreement import COLUMNS

ROOT = Path(__file__).parents[2]
TOML = """
name = "tiny"
encoder = "hashing"
device = "cpu"
feature_layers = [0, 1, 2]
output = "model"
[data]
texts = "texts"
labels = "labels"
non_feedback = "non_feedback.jsonl"
held_out = 0.3
[fitting]
epochs = 3
head_learning_rate = 0.02
warmup_steps = 5
averaging = 0.9
[calibration]
folds = 2
"""


@pytest.fixture
def toml(tmp_path, data_root):
    path = tmp_path / "tiny.toml"
    path.write_text(TOML)
    return path


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory, data_writer):
    """Where the command has run once."""
    folder = tmp_path_factory.mktemp("run")
    data_writer(folder / "data")
    (folder / "tiny.toml").write_text(TOML)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CLOSELOOP_DATA", str(folder / "data"))
        assert call("run", "tiny.toml").exit_code == 0
    return folder


@pytest.fixture
def made(run_folder, tmp_path, monkeypatch):
    """The experiment file beside what it made; whatever a test does to it is its own."""
    shutil.copytree(run_folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("CLOSELOOP_DATA", str(tmp_path / "data"))
    return tmp_path / "tiny.toml"


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_missing_experiment_ends_with_a_sentence_and_status_2(tmp_path):
    done = call("run", tmp_path / "none.toml")
    assert done.exit_code == 2
    assert "expected an experiment file at" in done.output
    assert "Traceback" not in done.output


def test_unset_data_folder_ends_with_a_sentence_and_status_2(toml, monkeypatch):
    monkeypatch.delenv("CLOSELOOP_DATA")
    done = call("run", toml)
    assert done.exit_code == 2
    assert "CLOSELOOP_DATA" in done.output


def test_unknown_stage_ends_with_status_2(toml):
    assert call("run", toml, "--until", "bake").exit_code == 2


def test_a_file_that_is_no_experiment_ends_with_a_sentence_and_status_2(toml):
    toml.write_text(TOML + "surprise = 1")
    done = call("run", toml)
    assert done.exit_code == 2
    assert "surprise" in done.output


def test_a_branch_on_an_encoder_without_layers_ends_with_a_sentence_and_status_2(toml):
    shape = {"from_layer": 1, "first_layer": 2, "layers": 1, "queries": 1, "hidden": 8}
    toml.write_text("\n".join([TOML, "[branch]", *(f"{name} = {value}" for name, value in shape.items())]))
    done = call("run", toml)
    assert done.exit_code == 2
    assert "a branch needs an encoder with layers" in done.output


@pytest.mark.parametrize("name", ["[runs]", "[/runs]"])
def test_brackets_in_a_name_are_said_as_they_are(tmp_path, name):
    done = call("run", f"{name}.toml")
    assert done.exit_code == 2
    assert name in done.output


@pytest.mark.parametrize("command", ["evaluate", "suspects"])
def test_unset_data_folder_ends_every_command_with_status_2(toml, monkeypatch, command):
    monkeypatch.delenv("CLOSELOOP_DATA")
    assert call(command, toml).exit_code == 2


def test_evaluating_a_folder_that_is_no_model_ends_with_status_2(toml, tmp_path):
    done = call("evaluate", toml, "--model", tmp_path)
    assert done.exit_code == 2
    assert "expected a model folder" in done.output


def test_run_then_evaluate_agree(made):
    done = call("evaluate", made, "--model", "model")
    assert done.exit_code == 0
    assert "gold urgency macro_f1 all" in done.output


def test_evaluating_a_model_whose_figures_differ_ends_with_status_1(made, tmp_path):
    path = tmp_path / "model" / "manifest.json"
    text = path.read_text()
    place = text.index('"value":', text.index('"measurements"'))
    end = text.index(",", place)
    path.write_text(text[:place] + '"value": 0.123456' + text[end:])
    assert call("evaluate", made, "--model", "model").exit_code == 1


def test_a_model_that_is_worse_than_the_current_one_ends_with_status_2(made, tmp_path):
    path = tmp_path / "model" / "manifest.json"
    before = path.read_bytes()
    made.write_text(TOML.replace("head_learning_rate = 0.02", "head_learning_rate = 1e-6"))
    done = call("run", made)
    assert done.exit_code == 2
    assert "may not replace" in done.output
    assert path.read_bytes() == before


def test_texts_of_a_folder_without_any_ends_with_status_2(tmp_path):
    done = call("texts", tmp_path)
    assert done.exit_code == 2
    assert "expected files such as fi.jsonl" in " ".join(done.output.split())


def test_texts_prints_the_tables_of_the_data_card(data_root):
    done = call("texts", "texts")
    assert done.exit_code == 0
    assert "| en | 60 |" in done.output


def test_texts_prints_how_far_second_labels_agree_where_there_are_any(data_root, tmp_path):
    row = json.loads((tmp_path / "texts" / "en.jsonl").read_text().split("\n")[0])
    cells = [row["id"], row["urgency"], row["topic"], "-", row["sentiment"], "0", "-"]
    lines = ["\t".join(COLUMNS), "\t".join(cells)]
    (tmp_path / "second_labels.tsv").write_text("\n".join(lines) + "\n")
    assert "| urgency, quadratic | 1.00 |" in call("texts", "texts").output


def test_suspects_prints_labels_that_contradict_the_others(toml, tmp_path):
    path = tmp_path / "texts" / "en.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    wrong = next(row for row in rows if row["sentiment"] == "positive" and not row["pair"])
    wrong["sentiment"] = "negative"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = call("suspects", toml, "--source", "texts")
    assert done.exit_code == 0
    found = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == 4]
    assert found[0] == ["head", "given", "likely", "probability of given", "id"]
    by_row = {(row[0], row[4]): row[1:3] for row in found}
    assert by_row["sentiment", f"texts/{wrong['id']}"] == ["negative", "positive"]


@pytest.mark.slow
def test_a_process_killed_while_it_trains_goes_on_where_it_was(toml, tmp_path, data_root):
    command = [sys.executable, "-m", "training", "run", str(toml)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CLOSELOOP_DATA": str(data_root)}
    stamp = tmp_path / "runs" / "tiny" / "prepare.stamp.json"
    first = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 (our own)
    while not stamp.exists() and first.poll() is None:
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert stamp.exists()
    again = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 (our own)
    assert "prepare: unchanged, skipped" in again.stderr
    assert (tmp_path / "model" / "manifest.json").exists()
