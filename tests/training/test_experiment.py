from pathlib import Path

import pytest

from training.errors import ExperimentError
from training.experiment import read_experiment

MINIMAL = """
name = "tiny"
feature_layers = [1]
output = "model"
[data]
texts = "texts"
[heads.sentiment]
kinds = ["softmax"]
[heads.urgency]
kinds = ["sequential"]
[heads.topics]
kinds = ["sigmoid"]
"""
SHIPPED = Path(__file__).parents[2] / "training" / "experiments" / "default.toml"


def refused(tmp_path, text, match):
    path = tmp_path / "experiment.toml"
    path.write_text(text)
    with pytest.raises(ExperimentError, match=match):
        read_experiment(path)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(ExperimentError, match="expected an experiment file at"):
        read_experiment(tmp_path / "none.toml")


def test_file_that_is_not_toml_is_refused(tmp_path):
    refused(tmp_path, "name = ", "is not a valid experiment")


def test_unknown_field_is_refused(tmp_path):
    refused(tmp_path, f"surprise = 1\n{MINIMAL}", "surprise")


@pytest.mark.parametrize(
    ("before", "after", "match"),
    [
        ('kinds = ["softmax"]', 'kinds = ["forest"]', "kinds"),
        ('kinds = ["softmax"]', "kinds = []", "kinds"),
        ('kinds = ["softmax"]', 'kinds = ["softmax"]\nc = [0.0]', "greater than 0"),
        ('name = "tiny"', 'name = "../tiny"', "name"),
        ('texts = "texts"', 'texts = "texts"\nfolds = 1', "folds"),
    ],
)
def test_value_outside_its_range_is_refused(tmp_path, before, after, match):
    refused(tmp_path, MINIMAL.replace(before, after, 1), match)


def test_unknown_source_is_refused(tmp_path):
    extra = '[[data.extra]]\nsource = "elsewhere"\nsplit = "train"\nheads = ["topics"]\n'
    refused(tmp_path, MINIMAL + extra, "expected a source of the catalogue")


def test_training_on_a_source_that_is_not_permissive_is_refused(tmp_path):
    extra = '[[data.extra]]\nsource = "tatoeba"\nsplit = "test"\nheads = ["topics"]\n'
    refused(tmp_path, MINIMAL + extra, "tatoeba may not train what ships")


def test_minimal_experiment_has_defaults(tmp_path):
    (tmp_path / "tiny.toml").write_text(MINIMAL)
    found = read_experiment(tmp_path / "tiny.toml")
    assert found.encoder == "bundled"
    assert found.run_folder == Path("runs/tiny")


def test_the_experiment_that_ships_is_valid():
    assert read_experiment(SHIPPED).output == Path("models/default")
