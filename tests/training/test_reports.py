from dataclasses import replace

import numpy as np
import pytest

from models.calibration import Calibration
from models.labels import NON_FEEDBACK, SIGNALS
from training.datasets.example import Example, read_examples
from training.readings import calibrate, cross_fitted
from training.reports import read_report, report_rows
from training.rows import EXAMPLES, gold_rows, signal_rows
from training.stages.evaluate import trained_judge


def example(name, source, role, **labels):
    return Example(id=name, text=name, lang="en", source=source, group=name, role=role, **labels)


GOLD = example("gold/g1", "gold", "validation", urgency="low", sentiment="neutral", topics=("other",))
ROWS = [
    example("gold/g2", "gold", "train", urgency="high"),
    GOLD,
    example("texts/fi-1", "texts", "validation", urgency="low", signals=()),
    example("texts/fi-2", "texts", "train", urgency="low", signals=()),
    example("umsab/val/sentiment/ab", "umsab", "validation", sentiment="neutral"),
    example("umsab/test/sentiment/cd", "umsab", "benchmark", sentiment="neutral"),
    example("xsid/test.fi/topics/ef", "xsid", "benchmark", topics=("other",)),
    example("judged/umsab/train/gh", "umsab", "validation", urgency="low", signals=()),
]
NOISE = example("non_feedback/nf-1", "non_feedback", "validation", signals=(NON_FEEDBACK,))


def test_rows_that_train_are_neither_reported_on_nor_calibrated_by():
    reported = [row for rows in report_rows([*ROWS, NOISE]).values() for row in rows]
    told = [*reported, *gold_rows(ROWS), *signal_rows([*ROWS, NOISE])]
    assert {row.role for row in told} == {"validation", "benchmark"}


def test_rows_are_reported_on_by_source_and_benchmarks_by_split_too():
    found = {name: [row.id for row in rows] for name, rows in report_rows(ROWS).items()}
    assert found == {
        "gold": ["gold/g1"],
        "texts": ["texts/fi-1"],
        "umsab": ["umsab/val/sentiment/ab"],
        "umsab/test": ["umsab/test/sentiment/cd"],
        "xsid/test.fi": ["xsid/test.fi/topics/ef"],
        "judged": ["judged/umsab/train/gh"],
    }


def test_real_feedback_stands_beside_non_feedback_as_what_it_is_not():
    noise, real = report_rows([*ROWS, NOISE])["non_feedback"]
    assert noise == NOISE
    assert (real.id, real.signals, real.urgency, real.sentiment, real.topics) == (
        "gold/g1",
        (),
        None,
        None,
        None,
    )
    assert report_rows([*ROWS, NOISE])["gold"] == [GOLD]


def test_gold_rows_calibrate_signals_though_nobody_looked_for_them():
    assert [row.id for row in signal_rows([*ROWS, NOISE])] == [
        "texts/fi-1",
        "judged/umsab/train/gh",
        "non_feedback/nf-1",
        "gold/g1",
    ]


def test_what_is_taken_for_no_feedback_is_reported_as_abstained_in_every_head(finished):
    report = read_report(finished, trained_judge(finished), baselines=False)
    noise = {rows.name: rows for rows in report}["non_feedback"]
    called = noise.readings["signals"].called[:, SIGNALS.index(NON_FEEDBACK)]
    assert called.any()
    assert not (noise.readings["signals"].suggested & called).any()


def crying(head):
    """A head that calls every signal in every text."""
    bias = np.full_like(head.bias, 6.0)
    calibration = Calibration(temperature=(1.0,) * len(bias), shift=(0.0,) * len(bias))
    return replace(
        head,
        weight=np.zeros_like(head.weight),
        bias=bias,
        calibration=calibration,
        thresholds=(0.5,) * len(bias),
    )


def test_a_model_that_takes_everything_for_no_feedback_abstains_everywhere_and_says_the_same(finished):
    judge = trained_judge(finished)
    silent = replace(judge, heads=replace(judge.heads, signals=crying(judge.heads.signals)))
    before, after = (read_report(finished, asked, baselines=False) for asked in (judge, silent))
    assert {rows.name for rows in after} == {"gold", "texts", "judged", "umsab", "umsab/test", "non_feedback"}
    for was, now in zip(before, after, strict=True):
        for head, reading in now.readings.items():
            assert not (reading.suggested | reading.applied).any()
            if head != "signals":
                assert was.readings[head].suggested.any()
                np.testing.assert_array_equal(reading.probabilities, was.readings[head].probabilities)


@pytest.fixture
def read(finished):
    """What is said about the rows to report on, by name; and what calibrates signals, with their logits."""
    judge = trained_judge(finished)
    told = signal_rows(read_examples(finished.path(EXAMPLES)))
    logits = judge.heads.signals.logits(finished.features.load([row.text for row in told]).features)
    report = read_report(finished, judge, baselines=False)
    return {rows.name: rows for rows in report}, told, logits


@pytest.mark.parametrize("name", ["texts", "judged", "non_feedback"])
def test_signals_of_rows_that_calibrated_are_read_by_the_other_folds(read, finished, name):
    report, told, logits = read
    settings, seed = finished.experiment.calibration, finished.experiment.seed
    expected = cross_fitted("signals", logits, told, settings, seed=seed)
    place_of = {row.id: place for place, row in enumerate(told)}
    places = [place_of[row.id] for row in report[name].examples]
    assert report[name].readings["signals"].probabilities.tolist() == expected.probabilities[places].tolist()
    assert report[name].readings["signals"].called.tolist() == expected.called[places].tolist()
    flattered = calibrate("signals", logits, told, settings).read(logits[places])
    assert not np.allclose(expected.probabilities[places], flattered.probabilities, rtol=1e-9)


def test_baselines_are_asked_only_when_they_are_wanted(finished):
    without = read_report(finished, trained_judge(finished), baselines=False)
    with_them = read_report(finished, trained_judge(finished), baselines=True)
    assert [rows.baselines for rows in without] == [{}] * len(without)
    gold = {rows.name: rows for rows in with_them}["gold"]
    assert set(gold.baselines["sentiment"]) == {"frozen linear", "word list"}
    assert set(gold.baselines["urgency"]) == {"frozen linear"}
