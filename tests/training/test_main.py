import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from training.__main__ import app

ROOT = Path(__file__).parents[2]
TOML = """
name = "tiny"
encoder = "hashing"
feature_layers = [0, 1, 2]
output = "model"
[data]
texts = "texts"
folds = 2
[heads.sentiment]
kinds = ["softmax"]
[heads.urgency]
kinds = ["softmax"]
[heads.topics]
kinds = ["sigmoid"]
"""


@pytest.fixture
def toml(tmp_path, data_root):
    path = tmp_path / "tiny.toml"
    path.write_text(TOML)
    return path


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


def test_evaluating_a_folder_that_is_no_model_ends_with_status_2(toml, tmp_path):
    done = call("evaluate", toml, "--model", tmp_path)
    assert done.exit_code == 2
    assert "expected a model folder" in done.output


def test_run_then_evaluate_agree(toml):
    assert call("run", toml).exit_code == 0
    done = call("evaluate", toml, "--model", "model")
    assert done.exit_code == 0
    assert "gold urgency macro_f1 all" in done.output


def test_evaluating_a_model_whose_figures_differ_ends_with_status_1(toml, tmp_path):
    call("run", toml)
    path = tmp_path / "model" / "manifest.json"
    text = path.read_text()
    place = text.index('"value":', text.index('"measurements"'))
    end = text.index(",", place)
    path.write_text(text[:place] + '"value": 0.123456' + text[end:])
    assert call("evaluate", toml, "--model", "model").exit_code == 1


def test_texts_prints_the_tables_of_the_data_card(data_root):
    done = call("texts", "texts")
    assert done.exit_code == 0
    assert "| en | 60 |" in done.output


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
