"""What a head said about labelled rows, and its metrics as functions of which rows to look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats2d
from models.heads import LinearHead
from training.candidates import LABELS, topics_of, truth_of
from training.datasets.example import Example
from training.experiment import HeadName
from training.metrics import (
    accuracy,
    brier,
    confusion,
    expected_calibration_error,
    macro_f1,
    quadratic_kappa,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Statistic = Callable[[Ints], float]

_URGENT = 2
"""Index of the first urgency that cannot wait: high."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a head said about rows, beside what is true.

    Attributes:
        truth: Index of the (main) label. *Shape:* ``(rows,)``.
        probabilities: *Shape:* ``(rows, labels)``.
        answered: Where the head did not abstain. *Shape:* ``(rows,)``.
        topics: 1 where a topic is true, for topics only. *Shape:* ``(rows, labels)``.
        applied: True where a topic was called, for topics only. *Shape:* ``(rows, labels)``.
    """

    truth: Ints
    probabilities: Floats
    answered: Flags
    topics: Floats | None = None
    applied: Flags | None = None

    @property
    def chosen(self) -> Ints:
        """Index of the most probable label."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)


def answers_of(head: HeadName, layer: LinearHead, features: Floats2d, examples: Sequence[Example]) -> Answers:
    """Ask a head about labelled rows.

    Args:
        head: Which labels are true.
        layer: The head.
        features: *Shape:* ``(len(examples), width)``.
        examples: They carry a label of the head.
    """
    probabilities = layer.probabilities(features)
    answered = probabilities.max(axis=1) >= layer.abstain_below
    truth = truth_of(head, examples)
    if head != "topics":
        return Answers(truth=truth, probabilities=probabilities, answered=answered)
    return Answers(
        truth=truth,
        probabilities=probabilities,
        answered=answered,
        topics=topics_of(examples),
        applied=probabilities >= np.array(layer.thresholds or (0.5,)),
    )


def metrics_of(head: HeadName, answers: Answers, *, urgent_from: float) -> dict[str, Statistic]:
    """Return the metrics of a head as functions of row indexes.

    Args:
        head: Says which metrics there are.
        answers: From `answers_of`.
        urgent_from: Operating point: P(high) + P(critical) from which a text counts as urgent.
    """
    labels = len(LABELS[head])
    truth, chosen = answers.truth, answers.chosen
    right = chosen == truth

    def counts(rows: Ints) -> Floats:
        return confusion(truth[rows], chosen[rows], labels)

    metrics: dict[str, Statistic] = {
        "macro_f1": lambda rows: macro_f1(counts(rows)),
        "accuracy": lambda rows: accuracy(counts(rows)),
        "coverage": lambda rows: float(answers.answered[rows].mean()),
        "accuracy_when_answering": lambda rows: _share(right[rows], answers.answered[rows]),
    }
    if answers.topics is not None and answers.applied is not None:
        return metrics | _topic_metrics(answers, answers.topics, answers.applied)
    confidence = answers.probabilities.max(axis=1)
    metrics |= {
        "brier": lambda rows: brier(answers.probabilities[rows], truth[rows]),
        "ece": lambda rows: expected_calibration_error(confidence[rows], right[rows]),
    }
    return metrics | (_urgency_metrics(answers, urgent_from, counts) if head == "urgency" else {})


def _urgency_metrics(
    answers: Answers, urgent_from: float, counts: Callable[[Ints], Floats]
) -> dict[str, Statistic]:
    urgent, said = answers.truth >= _URGENT, answers.chosen >= _URGENT
    flagged = answers.probabilities[:, _URGENT:].sum(axis=1) >= urgent_from
    return {
        "quadratic_kappa": lambda rows: quadratic_kappa(counts(rows)),
        "urgent_recall_of_labels": lambda rows: _share(said[rows], urgent[rows]),
        "urgent_precision_of_labels": lambda rows: _share(urgent[rows], said[rows]),
        "urgent_recall": lambda rows: _share(flagged[rows], urgent[rows]),
        "urgent_precision": lambda rows: _share(urgent[rows], flagged[rows]),
        "urgent_flagged": lambda rows: float(flagged[rows].mean()),
    }


def _topic_metrics(answers: Answers, topics: Floats, applied: Flags) -> dict[str, Statistic]:
    rows_of = np.arange(len(topics))
    confidence, right = answers.probabilities.max(axis=1), topics[rows_of, answers.chosen] > 0

    def micro_f1(rows: Ints) -> float:
        hits = (applied[rows] * topics[rows]).sum()
        size = applied[rows].sum() + topics[rows].sum()
        return float(2 * hits / size) if size else 0.0

    return {
        "micro_f1_all_topics": micro_f1,
        "best_is_one_of_the_topics": lambda rows: float(right[rows].mean()),
        # A topic's probability is that it applies at all, so this is what confidence is held against.
        "ece": lambda rows: expected_calibration_error(confidence[rows], right[rows]),
        "brier": lambda rows: float(((answers.probabilities[rows] - topics[rows]) ** 2).sum(axis=1).mean()),
    }


def _share(of: Flags, among: Flags) -> float:
    """Return the share of `of` among the rows where `among` holds; 0 where it never does."""
    return float(of[among].mean()) if among.any() else 0.0
