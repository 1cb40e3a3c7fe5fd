from pathlib import Path

import pytest

from training.errors import ExperimentError
from training.experiment import HEADS, read_experiment

MINIMAL = """
name = "tiny"
feature_layers = [1]
output = "model"
[data]
texts = "texts"
"""
BRANCH = """
[branch]
from_layer = 8
first_layer = 9
layers = 4
queries = 4
hidden = 384
"""
TABLE = """
[[data.tables]]
name = "own"
path = "own.csv"
licence = "ours"
permissive = true
"""
USE = """
[[data.train]]
source = "umsab"
split = "train"
heads = ["sentiment"]
"""
SHIPPED = sorted((Path(__file__).parents[2] / "training" / "experiments").glob("*.toml"))


def read(tmp_path, text):
    path = tmp_path / "experiment.toml"
    path.write_text(text)
    return read_experiment(path)


def refused(tmp_path, text, match):
    with pytest.raises(ExperimentError, match=match):
        read(tmp_path, text)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(ExperimentError, match="expected an experiment file at"):
        read_experiment(tmp_path / "none.toml")


def test_a_folder_is_no_experiment_file(tmp_path):
    with pytest.raises(ExperimentError, match="expected an experiment file at"):
        read_experiment(tmp_path)


def test_file_that_is_not_toml_is_refused(tmp_path):
    refused(tmp_path, "name = ", "is not a valid experiment")


@pytest.mark.parametrize(
    "line", ['name = "tiny"', "feature_layers = [1]", 'output = "model"', 'texts = "texts"']
)
def test_what_must_be_said_is_asked_for(tmp_path, line):
    refused(tmp_path, MINIMAL.replace(line, ""), f"{line.split(' ')[0]}\n  Field required")


@pytest.mark.parametrize(
    "extra",
    [
        '[heads.sentiment]\nkinds = ["softmax"]',  # of an earlier form
        "[data]\nfolds = 2",
        "[fitting]\nsurprise = 1",
        "[calibration]\nsurprise = 1",
        "[gate]\nsurprise = 1",
        BRANCH + "surprise = 1",
        USE + "surprise = 1",
        TABLE + "surprise = 1",
        TABLE + "[data.tables.columns]\nsurprise = 'a'",
    ],
)
def test_unknown_field_is_refused(tmp_path, extra):
    head, _, _ = MINIMAL.partition("[data]")
    start = f'{head}[data]\ntexts = "texts"\n'
    text = start + extra.removeprefix("[data]\n") if extra.startswith("[data]") else start + extra
    refused(tmp_path, text, "Extra inputs are not permitted")


@pytest.mark.parametrize(
    ("extra", "match"),
    [
        ("[fitting]\nepochs = 0", "epochs"),
        ("[fitting]\nbatch_rows = 0", "batch_rows"),
        ("[fitting]\nlearning_rate = 0.0", "learning_rate"),
        ("[fitting]\nhead_learning_rate = -1.0", "head_learning_rate"),
        ("[fitting]\nlearning_rate = inf", "learning_rate"),
        ("[fitting]\ndropout = 1.5", "dropout"),
        ("[fitting]\naveraging = 2.0", "averaging"),
        ("[fitting]\ntoken_dropout = -0.1", "token_dropout"),
        ("[fitting]\ntokens_max = 1", "tokens_max"),
        ("[fitting.loss_weights]\nmood = 1.0", "loss_weights.mood"),
        ("[fitting.loss_weights]\nurgency = -1.0", "loss_weights.urgency"),
        ("[calibration]\nfolds = 1", "folds"),
        ("[calibration]\nsuggest_coverage = 1.1", "suggest_coverage"),
        ("[calibration.apply_accuracy]\nmood = 0.9", "apply_accuracy.mood"),
        ("[gate]\nmargin = -0.1", "margin"),
        ("[gate]\nsignal_margin = -0.1", "signal_margin"),
        (BRANCH.replace("layers = 4", "layers = 0"), "branch.layers"),
        (BRANCH.replace("queries = 4\n", ""), "branch.queries"),
        (USE.replace('["sentiment"]', "[]"), "heads"),
        (USE.replace('["sentiment"]', '["mood"]'), "heads"),
        (USE + "weight = 0.0", "weight"),
        (USE + "limit = 0", "limit"),
        (USE + "rows_per_epoch = 0", "rows_per_epoch"),
        (TABLE.replace('"own"', '"Own Table"'), "name"),
        (TABLE + 'role = "report"', "role"),
    ],
)
def test_value_outside_its_range_is_refused(tmp_path, extra, match):
    refused(tmp_path, MINIMAL + extra, match)


@pytest.mark.parametrize(
    ("before", "after", "match"),
    [
        ('name = "tiny"', 'name = "../tiny"', "name"),
        ('name = "tiny"', 'name = "Tiny"', "name"),
        ('name = "tiny"', 'name = "tiny"\ndevice = "tpu"', "device"),
        ('texts = "texts"', 'texts = "texts"\nheld_out = 1.0', "held_out"),
        ('texts = "texts"', 'texts = "texts"\nheld_out = 0.0', "held_out"),
        ('texts = "texts"', 'texts = "texts"\ngold_weight = 0.0', "gold_weight"),
    ],
)
def test_value_of_another_kind_is_refused(tmp_path, before, after, match):
    refused(tmp_path, MINIMAL.replace(before, after, 1), match)


@pytest.mark.parametrize("part", ["train", "validation", "benchmark"])
def test_unknown_source_is_refused(tmp_path, part):
    extra = f'[[data.{part}]]\nsource = "elsewhere"\nsplit = "train"\nheads = ["topics"]\n'
    refused(tmp_path, MINIMAL + extra, "expected a source of the catalogue")


def test_training_on_a_source_that_is_not_permissive_is_refused(tmp_path):
    extra = '[[data.train]]\nsource = "tatoeba"\nsplit = "test"\nheads = ["topics"]\n'
    refused(tmp_path, MINIMAL + extra, "tatoeba may not train what ships")


def test_evaluating_on_a_source_that_is_not_permissive_is_allowed(tmp_path):
    extra = '[[data.benchmark]]\nsource = "xsid"\nsplit = "test"\nheads = ["topics"]\n'
    assert read(tmp_path, MINIMAL + extra).data.benchmark[0].source == "xsid"


@pytest.mark.parametrize("place", ["", 'path = "own.csv"\nhub = "owner/own"'])
def test_a_table_lies_in_one_place(tmp_path, place):
    extra = TABLE.replace('path = "own.csv"', place)
    refused(tmp_path, MINIMAL + extra, "expected either a path or a hub name for the table 'own'")


def test_a_hub_table_without_a_revision_is_refused(tmp_path):
    extra = TABLE.replace('path = "own.csv"', 'hub = "owner/own"')
    refused(tmp_path, MINIMAL + extra, "expected a revision for owner/own")


@pytest.mark.parametrize("name", ["gold", "texts", "umsab", "judged", "non_feedback"])
def test_a_table_cannot_take_the_name_of_other_rows(tmp_path, name):
    extra = TABLE.replace('"own"', f'"{name}"')
    refused(tmp_path, MINIMAL + extra, "expected a name that the catalogue does not use")


def test_a_table_says_whether_what_it_trains_may_be_passed_on(tmp_path):
    refused(tmp_path, MINIMAL + TABLE.replace("permissive = true", ""), "permissive\n  Field required")


def test_a_table_has_the_columns_of_exported_corrections(tmp_path):
    (table,) = read(tmp_path, MINIMAL + TABLE).data.tables
    assert (table.columns.text, table.columns.language, table.columns.topics) == (
        "text",
        "language",
        "topics",
    )
    assert (table.role, table.weight, table.split) == ("train", 1.0, "train")


def test_minimal_experiment_has_defaults(tmp_path):
    found = read(tmp_path, MINIMAL)
    assert (found.encoder, found.device, found.branch) == ("bundled", "auto", None)
    assert found.run_folder == Path("runs/tiny")
    assert found.package_folder == Path("runs/tiny/model")


def test_a_branch_has_its_shape(tmp_path):
    assert read(tmp_path, MINIMAL + BRANCH).branch.width == 384 * 5


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_experiments_that_ship_are_valid(path):
    assert set(read_experiment(path).calibration.apply_accuracy) <= set(HEADS)


def test_the_default_experiment_makes_the_model_that_ships():
    (default,) = [path for path in SHIPPED if path.name == "default.toml"]
    assert read_experiment(default).output == Path("models/default")
