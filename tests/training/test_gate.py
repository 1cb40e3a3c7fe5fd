from types import SimpleNamespace

import numpy as np
import pytest

from models.labels import NON_FEEDBACK, SIGNALS, URGENCIES
from training.datasets.example import Example
from training.evaluation import ReportRows
from training.experiment import Gate
from training.gate import compare
from training.readings import Reading

COUNT = 200


def examples(**labels):
    return tuple(
        Example(
            id=f"gold/{n}",
            text=str(n),
            lang="fi" if n % 4 == 0 else "de",
            source="gold",
            group=str(n),
            role="validation",
            **{name: value(n) for name, value in labels.items()},
        )
        for n in range(COUNT)
    )


URGENT = examples(urgency=lambda n: URGENCIES[n % 4])
NOISE = examples(signals=lambda n: (NON_FEEDBACK,) if n % 2 else ())


def reading(probabilities, called=None):
    flags = np.ones(COUNT, dtype=bool)
    return Reading(
        probabilities=probabilities,
        suggested=flags,
        applied=flags,
        called=np.zeros_like(probabilities, dtype=bool) if called is None else called,
        urgent=flags,
    )


def urgency(wrong, rows=URGENT):
    """A model that is right about all rows but some."""
    probabilities = np.full((COUNT, 4), 0.01)
    for n in range(COUNT):
        probabilities[n, (n + (n in set(wrong))) % 4] = 0.97
    return [ReportRows(name="gold", examples=rows, readings={"urgency": reading(probabilities)})]


def noise(missed=0, alarms=0):
    called = np.zeros((COUNT, len(SIGNALS)), dtype=bool)
    place = SIGNALS.index(NON_FEEDBACK)
    called[1::2, place] = True
    called[1 : 2 * missed : 2, place] = False
    called[0 : 2 * alarms : 2, place] = True
    told = reading(np.full((COUNT, len(SIGNALS)), 0.5), called)
    return [ReportRows(name="non_feedback", examples=NOISE, readings={"signals": told})]


def refused(current, new, **margins):
    found = compare(current, new, Gate(**margins), seed=0)
    return [(comparison.where, comparison.metric) for comparison in found if comparison.refused]


def test_a_head_that_loses_more_than_the_margin_is_refused_and_says_by_how_much():
    found = compare(urgency([]), urgency(range(1, 8, 2)), Gate(language_margin=1), seed=0)
    (comparison,) = [row for row in found if row.refused]
    assert str(comparison) == (
        "urgency of all on gold: macro_f1 0.980, the current model has 1.000 and a margin of 0.010 is allowed"
    )


def test_a_loss_within_the_margin_passes():
    assert refused(urgency([]), urgency([3])) == []


def test_a_model_that_gains_passes():
    assert refused(urgency(range(40)), urgency([])) == []


def test_a_language_that_loses_more_than_chance_explains_is_refused():
    finnish = [n for n in range(COUNT) if n % 4 == 0]
    assert refused(urgency([]), urgency(finnish[:20]), margin=1) == [(("gold", "urgency", "fi"), "accuracy")]


def test_a_language_of_few_rows_is_refused_only_when_the_loss_is_certain():
    few = tuple(row for row in URGENT if row.lang == "de" or int(row.group) < 24)
    places = [int(row.group) for row in few]

    def of_few(wrong):
        (rows,) = urgency(wrong)
        return [
            ReportRows(name="gold", examples=few, readings={"urgency": rows.readings["urgency"].of(places)})
        ]

    assert refused(of_few([]), of_few([0]), margin=1) == []
    assert refused(of_few([]), of_few(range(0, 24, 4)), margin=1) == [(("gold", "urgency", "fi"), "accuracy")]


@pytest.mark.parametrize(
    ("new", "metric"),
    [(noise(missed=20), "non_feedback_recall"), (noise(alarms=20), "non_feedback_false_alarms")],
)
def test_a_signal_that_finds_less_or_cries_wolf_more_is_refused(new, metric):
    assert refused(noise(), new) == [(("non_feedback", "signals", "all"), metric)]


def test_a_signal_that_finds_more_with_fewer_alarms_passes():
    assert refused(noise(missed=20, alarms=20), noise()) == []


def test_models_that_were_asked_about_other_rows_cannot_be_compared():
    with pytest.raises(ValueError, match="shorter"):
        compare(urgency([]), [], SimpleNamespace(), seed=0)
