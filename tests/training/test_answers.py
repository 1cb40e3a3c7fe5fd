import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    cohen_kappa_score,
    f1_score,
    precision_score,
    recall_score,
)

from models.labels import SENTIMENTS, SIGNALS, TOPICS, URGENCIES
from training.answers import metrics_of
from training.datasets.example import Example
from training.labels import flags_of, truth_of
from training.metrics import calibration_error, calibration_p_value, expected_calibration_error
from training.readings import Reading

COUNT = 150
ALL = np.arange(COUNT)
SUBSETS = st.lists(st.integers(0, COUNT - 1), min_size=5, max_size=80).map(np.array)


def example(number, **labels):
    return Example(
        id=str(number),
        text=str(number),
        lang="en",
        source="gold",
        group=str(number),
        role="validation",
        **labels,
    )


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    return [
        example(
            number,
            sentiment=str(rng.choice(SENTIMENTS)),
            urgency=str(rng.choice(URGENCIES)),
            topics=tuple(map(str, rng.choice(TOPICS, size=1 + number % 2, replace=False))),
            signals=tuple(map(str, rng.choice(SIGNALS[1:], size=number % 3, replace=False))),
        )
        for number in range(COUNT)
    ]


def reading(labels, seed=2, *, independent=False):
    rng = np.random.default_rng(seed)
    probabilities = rng.random((COUNT, labels)) if independent else rng.dirichlet(np.ones(labels), COUNT)
    confidence = probabilities.max(axis=1)
    return Reading(
        probabilities=probabilities,
        suggested=confidence >= 0.5,
        applied=confidence >= 0.7,
        called=probabilities >= 0.6,
        urgent=probabilities[:, 2:].sum(axis=1) >= 0.4,
    )


SAID = {
    "sentiment": reading(3),
    "urgency": reading(4),
    "topics": reading(15, independent=True),
    "signals": reading(5, independent=True),
}


def figures(head, rows, places=ALL):
    return {name: metric(places) for name, metric in metrics_of(head, SAID[head], rows).items()}


def some(found, expected):
    assert {name: found[name] for name in expected} == pytest.approx(expected)


@given(SUBSETS)
def test_urgency_figures_of_any_rows_equal_scikit_learn(rows, places):
    truth, probabilities = truth_of("urgency", rows)[places], SAID["urgency"].probabilities[places]
    chosen, urgent = probabilities.argmax(axis=1), SAID["urgency"].urgent[places]
    given_zero = {"zero_division": 0}
    some(
        figures("urgency", rows, places),
        {
            "macro_f1": f1_score(truth, chosen, average="macro", **given_zero),
            "accuracy": accuracy_score(truth, chosen),
            "brier": brier_score_loss(truth, probabilities, labels=range(4), scale_by_half=False),
            "urgent_recall_of_labels": recall_score(truth >= 2, chosen >= 2, **given_zero),
            "urgent_precision_of_labels": precision_score(truth >= 2, chosen >= 2, **given_zero),
            "urgent_recall": recall_score(truth >= 2, urgent, **given_zero),
            "urgent_precision": precision_score(truth >= 2, urgent, **given_zero),
            "urgent_flagged": urgent.mean(),
        },
    )


def test_quadratic_kappa_of_urgency_equals_scikit_learn(rows):
    chosen = SAID["urgency"].probabilities.argmax(axis=1)
    expected = cohen_kappa_score(truth_of("urgency", rows), chosen, weights="quadratic")
    assert figures("urgency", rows)["quadratic_kappa"] == pytest.approx(expected)


def test_topic_figures_are_those_of_the_main_topic_and_of_all_topics(rows):
    said, applies = SAID["topics"], flags_of("topics", rows)
    truth, chosen = truth_of("topics", rows), said.probabilities.argmax(axis=1)
    some(
        figures("topics", rows),
        {
            "macro_f1": f1_score(truth, chosen, average="macro", zero_division=0),
            "accuracy": accuracy_score(truth, chosen),
            "micro_f1_all_topics": f1_score(applies, said.called, average="micro"),
            "best_is_one_of_the_topics": applies[ALL, chosen].mean(),
            "brier": ((said.probabilities - applies) ** 2).sum(axis=1).mean(),
        },
    )


@pytest.mark.parametrize("head", ["sentiment", "topics"])
def test_coverage_is_a_share_of_all_and_accuracy_of_those_covered(head, rows):
    said = SAID[head]
    chosen = said.probabilities.argmax(axis=1)
    right = chosen == truth_of(head, rows)
    if head == "topics":
        right = flags_of("topics", rows)[ALL, chosen] > 0
    confidence = said.probabilities.max(axis=1)
    some(
        figures(head, rows),
        {
            "suggest_coverage": said.suggested.mean(),
            "suggest_accuracy": right[said.suggested].mean(),
            "apply_coverage": said.applied.mean(),
            "apply_accuracy": right[said.applied].mean(),
            "ece": expected_calibration_error(confidence, right),
            "calibration_error": calibration_error(confidence, right),
            "calibration_p": calibration_p_value(confidence, right),
        },
    )


def test_where_nothing_is_covered_accuracy_is_zero_and_no_error(rows):
    unsure = np.flatnonzero(~SAID["sentiment"].suggested)
    found = figures("sentiment", rows, unsure)
    assert (found["suggest_coverage"], found["suggest_accuracy"], found["apply_accuracy"]) == (0, 0, 0)


def test_only_signals_that_occur_have_figures_and_they_equal_scikit_learn(rows):
    found = figures("signals", rows)
    assert {name.rpartition("_")[0] for name in found if name.endswith("recall")} == set(SIGNALS[1:])
    present = flags_of("signals", rows) > 0
    for place, signal in enumerate(SIGNALS[1:], start=1):
        there, called = present[:, place], SAID["signals"].called[:, place]
        some(
            found,
            {
                f"{signal}_recall": recall_score(there, called),
                f"{signal}_precision": precision_score(there, called),
                f"{signal}_false_alarms": called[~there].mean(),
                f"{signal}_brier": brier_score_loss(there, SAID["signals"].probabilities[:, place]),
            },
        )


def test_urgency_alone_has_an_operating_point_and_a_scale(rows):
    for head in ("sentiment", "topics"):
        assert not {"quadratic_kappa", "urgent_recall"} & set(figures(head, rows))
