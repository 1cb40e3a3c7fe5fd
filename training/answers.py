"""The metrics of a head as functions of which rows to look at."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.labels import SIGNALS
from training.datasets.example import Example
from training.experiment import HeadName
from training.labels import LABELS, flags_of, truth_of
from training.metrics import (
    accuracy,
    brier,
    calibration_error,
    calibration_p_value,
    confusion,
    expected_calibration_error,
    macro_f1,
    quadratic_kappa,
)
from training.readings import URGENT, Reading

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Statistic = Callable[[Ints], float]


def metrics_of(head: HeadName, reading: Reading, examples: Sequence[Example]) -> dict[str, Statistic]:
    """Return the metrics of a head as functions of row indexes.

    Args:
        head: Says which metrics there are.
        reading: What it said.
        examples: One a row, each with a label of the head.
    """
    if head == "signals":
        return _signal_metrics(reading, flags_of(head, examples) > 0)
    labels = len(LABELS[head])
    truth, chosen = truth_of(head, examples), reading.probabilities.argmax(axis=1)
    right = chosen == truth

    def counts(rows: Ints) -> Floats:
        return confusion(truth[rows], chosen[rows], labels)

    metrics: dict[str, Statistic] = {
        "macro_f1": lambda rows: macro_f1(counts(rows)),
        "accuracy": lambda rows: accuracy(counts(rows)),
    }
    if head == "topics":
        applies = flags_of(head, examples) > 0
        right = applies[np.arange(len(truth)), chosen]
        metrics |= _topic_metrics(reading, applies, right)
    else:
        metrics["brier"] = lambda rows: brier(reading.probabilities[rows], truth[rows])
    metrics |= _confidence_metrics(reading, right)
    if head == "urgency":
        metrics |= _urgency_metrics(reading, truth, counts)
    return metrics


def _confidence_metrics(reading: Reading, right: Flags) -> dict[str, Statistic]:
    confidence = reading.probabilities.max(axis=1)
    return {
        "ece": lambda rows: expected_calibration_error(confidence[rows], right[rows]),
        "calibration_error": lambda rows: calibration_error(confidence[rows], right[rows]),
        "calibration_p": lambda rows: calibration_p_value(confidence[rows], right[rows]),
        "suggest_coverage": lambda rows: float(reading.suggested[rows].mean()),
        "suggest_accuracy": lambda rows: _share(right[rows], reading.suggested[rows]),
        "apply_coverage": lambda rows: float(reading.applied[rows].mean()),
        "apply_accuracy": lambda rows: _share(right[rows], reading.applied[rows]),
    }


def _urgency_metrics(reading: Reading, truth: Ints, counts: Callable[[Ints], Floats]) -> dict[str, Statistic]:
    urgent, said = truth >= URGENT, reading.probabilities.argmax(axis=1) >= URGENT
    flagged = reading.urgent
    return {
        "quadratic_kappa": lambda rows: quadratic_kappa(counts(rows)),
        "urgent_recall_of_labels": lambda rows: _share(said[rows], urgent[rows]),
        "urgent_precision_of_labels": lambda rows: _share(urgent[rows], said[rows]),
        "urgent_recall": lambda rows: _share(flagged[rows], urgent[rows]),
        "urgent_precision": lambda rows: _share(urgent[rows], flagged[rows]),
        "urgent_flagged": lambda rows: float(flagged[rows].mean()),
    }


def _topic_metrics(reading: Reading, applies: Flags, right: Flags) -> dict[str, Statistic]:
    def micro_f1(rows: Ints) -> float:
        hits = (reading.called[rows] & applies[rows]).sum()
        size = reading.called[rows].sum() + applies[rows].sum()
        return float(2 * hits / size) if size else 0.0

    distance = ((reading.probabilities - applies) ** 2).sum(axis=1)
    return {
        "micro_f1_all_topics": micro_f1,
        # A topic's probability is that it applies at all, so this is what confidence is held against.
        "best_is_one_of_the_topics": lambda rows: float(right[rows].mean()),
        "brier": lambda rows: float(distance[rows].mean()),
    }


def _signal_metrics(reading: Reading, present: Flags) -> dict[str, Statistic]:
    """Return the metrics of the signals that occur in the rows."""
    metrics: dict[str, Statistic] = {}
    for place, signal in enumerate(SIGNALS):
        if present[:, place].any():
            one = _one_signal(reading.called[:, place], reading.probabilities[:, place], present[:, place])
            metrics |= {f"{signal}_{name}": statistic for name, statistic in one.items()}
    return metrics


def _one_signal(called: Flags, confidence: Floats, present: Flags) -> dict[str, Statistic]:
    return {
        "recall": lambda rows: _share(called[rows], present[rows]),
        "precision": lambda rows: _share(present[rows], called[rows]),
        "false_alarms": lambda rows: _share(called[rows], ~present[rows]),
        "brier": lambda rows: float(((confidence[rows] - present[rows]) ** 2).mean()),
    }


def _share(of: Flags, among: Flags) -> float:
    """Return the share of `of` among the rows where `among` holds; 0 where it never does."""
    return float(of[among].mean()) if among.any() else 0.0
