from datetime import UTC, datetime

import pytest

from models.manifest import (
    HeadManifest,
    HeadsManifest,
    LearntThreshold,
    Manifest,
    Measurement,
    UrgentThreshold,
)
from training.experiment import Gate
from training.gate import losses
from training.labels import LABELS
from training.readings import KINDS

GATE = Gate(margin=0.01, language_margin=0.05, least_rows=50)


def figure(value, **changes):
    told = {"rows": "gold", "head": "urgency", "metric": "macro_f1", "n": 200}
    return Measurement.model_validate(told | {"value": value} | changes)


def accuracy(value, **changes):
    return figure(value, **{"metric": "accuracy", "language": "fi", "n": 80} | changes)


def manifest(*figures):
    heads = {head: HeadManifest(kind=KINDS[head], labels=labels) for head, labels in LABELS.items()}
    return Manifest(
        name="m",
        revision="1",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        encoder="e",
        feature_layers=(1,),
        dimensions=1,
        heads=HeadsManifest(**heads),
        urgent=UrgentThreshold(value=0.5, method="none"),
        relevance=LearntThreshold(value=0.5, method="none"),
        similar=LearntThreshold(value=0.5, method="none"),
        measurements=figures,
        files={},
    )


def found(current, new, gate=GATE):
    return losses(manifest(current), manifest(new), gate)


@pytest.mark.parametrize("head", ["sentiment", "urgency", "topics"])
def test_a_head_that_loses_more_than_the_margin_is_named(head):
    lost = found(figure(0.75, head=head), figure(0.7399, head=head))
    assert [(loss.where, loss.metric, loss.current, loss.new) for loss in lost] == [
        (("gold", head, "all"), "macro_f1", 0.75, 0.7399)
    ]


def test_a_language_that_loses_more_than_its_margin_is_named_with_all_figures():
    (loss,) = found(accuracy(0.8), accuracy(0.7))
    assert str(loss) == (
        "urgency of fi on gold: accuracy 0.700, the current model has 0.800 and 0.050 less is allowed"
    )


def test_every_loss_is_found_not_only_the_first():
    current = manifest(figure(0.8), figure(0.8, head="topics"), accuracy(0.8), accuracy(0.8, language="sv"))
    new = manifest(figure(0.7), figure(0.7, head="topics"), accuracy(0.7), accuracy(0.7, language="sv"))
    assert len(losses(current, new, GATE)) == 4


@pytest.mark.parametrize(
    ("current", "new"),
    [
        (figure(0.75), figure(0.75)),
        (figure(0.75), figure(0.7401)),
        (figure(0.75), figure(0.9)),
        (accuracy(0.8), accuracy(0.7501)),
    ],
)
def test_what_is_as_good_within_the_margin_passes(current, new):
    assert found(current, new) == []


@pytest.mark.parametrize("gate", [Gate(margin=0.0), Gate(margin=0.0, language_margin=0.0)])
def test_without_a_margin_nothing_may_be_lost(gate):
    assert len(found(figure(0.75), figure(0.7499), gate)) == 1
    assert found(figure(0.75), figure(0.75), gate) == []


def test_a_language_of_few_rows_is_too_noisy_to_compare():
    assert found(accuracy(0.8, n=49), accuracy(0.2, n=49)) == []
    assert len(found(accuracy(0.8, n=50), accuracy(0.2, n=50))) == 1


def test_a_head_is_compared_however_few_its_rows():
    assert len(found(figure(0.8, n=10), figure(0.2, n=10))) == 1


@pytest.mark.parametrize(
    "new",
    [
        figure(0.1, n=199),
        figure(0.1, rows="texts"),
        figure(0.1, head="topics"),
        figure(0.1, metric="brier"),
    ],
)
def test_figures_of_other_rows_say_nothing(new):
    assert found(figure(0.75), new) == []


def test_a_first_model_has_nothing_to_lose():
    assert losses(manifest(), manifest(figure(0.1)), GATE) == []
