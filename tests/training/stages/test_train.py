import json

import pytest

import training.fit
from training.pipeline import run_stages
from training.stages import STAGES
from training.stages.train import HISTORY, LAYERS, limits_of, read_branch, read_layers


def epochs(context):
    return [epoch["number"] for epoch in json.loads(context.path(HISTORY).read_text())]


def test_the_history_of_a_run_that_was_killed_tells_every_epoch_too(finished, monkeypatch):
    everything = epochs(finished)
    finished.path(LAYERS).unlink()
    original, saved = training.fit._save, []

    def save_and_die(*arguments):
        original(*arguments)
        saved.append(1)
        if len(saved) == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training.fit, "_save", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            run_stages(STAGES, finished, until="train")
    run_stages(STAGES, finished, until="train")
    assert epochs(finished) == everything


def test_a_forced_training_fits_again_and_tells_every_epoch(finished):
    everything = epochs(finished)
    assert run_stages(STAGES, finished, until="train", force=True) == ["prepare", "train"]
    assert epochs(finished) == everything


def test_a_finished_training_leaves_no_checkpoint(finished):
    assert list(finished.experiment.run_folder.glob("checkpoint-*")) == []


def test_another_fitting_does_not_go_on_from_the_checkpoint_of_the_first(finished):
    fitting = finished.experiment.fitting.model_copy(update={"epochs": 2})
    other = finished.experiment.model_copy(update={"fitting": fitting})
    context = type(finished)(
        experiment=other, features=finished.features, tokens=finished.tokens, console=finished.console
    )
    assert run_stages(STAGES, context, until="train") == ["train"]
    assert epochs(context) == [1, 2]


def test_what_was_trained_is_read_back(finished):
    layers = read_layers(finished)
    assert {head: layer.weight.shape for head, layer in layers.items()} == {
        "sentiment": (3, 1152),
        "urgency": (3, 1152),
        "topics": (15, 1152),
        "signals": (5, 1152),
    }
    assert read_branch(finished) is None


def test_limits_are_named_as_the_ids_of_rows_are(experiment):
    first = experiment.data.train[1].model_copy(update={"rows_per_epoch": 7})
    data = experiment.data.model_copy(update={"train": (first, experiment.data.train[0])})
    found = limits_of(experiment.model_copy(update={"data": data}))
    assert found == {"banking77/train/urgency+topics": 7}
