"""Calibration and thresholds, learnt on rows that the head was not trained on."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]

from models.calibration import Calibration, sequential, sigmoid, softmax
from models.heads import HeadKind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_SHRINKAGE = 1.0
"""How strongly temperature 1 and shift 0 are believed in, as a number of rows."""
_LEAST_ROWS = 20
"""So many answers say something about accuracy."""
_GRID = np.round(np.arange(0.02, 0.99, 0.01), 2)


def fit_exclusive(kind: HeadKind, logits: Floats, truth: Ints, weights: Floats) -> Calibration:
    """Fit one temperature and a shift a logit to labels of which one applies.

    Args:
        kind: `softmax` or `sequential`.
        logits: *Shape:* ``(rows, logits)``.
        truth: Label index. *Shape:* ``(rows,)``.
        weights: How much a row counts; they should average about 1. *Shape:* ``(rows,)``.

    Returns:
        What minimises the weighted negative log-likelihood.
    """
    rows = np.arange(len(truth))

    def loss(parameters: Floats) -> float:
        probabilities = squash(kind, logits * np.exp(-parameters[0]) + parameters[1:])
        told = np.log(np.maximum(probabilities[rows, truth], 1e-12))
        return float((-(weights * told).sum() + _SHRINKAGE * (parameters**2).sum()) / weights.sum())

    found = minimize(loss, np.zeros(1 + logits.shape[1]), method="L-BFGS-B").x
    return Calibration(temperature=(float(np.exp(found[0])),), shift=tuple(found[1:].tolist()))


def fit_independent(logits: Floats, truth: Floats, weights: Floats) -> Calibration:
    """Fit a temperature and a shift to each label that applies or not by itself.

    Source: Platt, "Probabilistic Outputs for Support Vector Machines", 1999.

    Args:
        logits: *Shape:* ``(rows, labels)``.
        truth: 0 or 1. *Shape:* ``(rows, labels)``.
        weights: How much a row counts. *Shape:* ``(rows,)``.

    Returns:
        What minimises the weighted negative log-likelihood, label by label.
    """
    temperatures, shifts = [], []
    for label in range(logits.shape[1]):
        scores, told = logits[:, label], truth[:, label]

        def loss(parameters: Floats, scores: Floats = scores, told: Floats = told) -> float:
            scaled = scores * np.exp(-parameters[0]) + parameters[1]
            losses = np.logaddexp(0.0, scaled) - told * scaled
            return float(((weights * losses).sum() + _SHRINKAGE * (parameters**2).sum()) / weights.sum())

        found = minimize(loss, np.zeros(2), method="L-BFGS-B").x
        temperatures.append(float(np.exp(found[0])))
        shifts.append(float(found[1]))
    return Calibration(temperature=tuple(temperatures), shift=tuple(shifts))


def calibrated(kind: HeadKind, logits: Floats, calibration: Calibration) -> Floats:
    """Return calibrated probabilities of raw logits. *Shape:* ``(rows, labels)``."""
    return squash(kind, calibration.apply(logits))


def squash(kind: HeadKind, logits: Floats) -> Floats:
    """Return probabilities of logits. *Shape:* ``(rows, labels)``."""
    return {"softmax": softmax, "sequential": sequential, "sigmoid": sigmoid}[kind](logits)


def coverage_threshold(confidence: Floats, *, coverage: float) -> float:
    """Return the highest confidence that a share of the rows reaches.

    Args:
        confidence: Of the chosen label. *Shape:* ``(rows,)``.
        coverage: Share of the rows, 0..1.

    >>> coverage_threshold(np.array([0.3, 0.6, 0.9, 0.95]), coverage=0.75)
    0.6
    """
    reached = max(1, int(np.ceil(round(coverage * len(confidence), 9))))
    return float(np.sort(confidence)[::-1][reached - 1])


def accuracy_threshold(confidence: Floats, correct: Flags, *, target: float) -> float:
    """Return the lowest confidence from which all answers together reach a target accuracy.

    Args:
        confidence: Of the chosen label. *Shape:* ``(rows,)``.
        correct: Whether it was right. *Shape:* ``(rows,)``.
        target: Accuracy to reach, 0..1.

    Returns:
        The threshold; 1 where no `_LEAST_ROWS` of the surest rows reach the target: nothing may be acted
        on unseen then.

    >>> accuracy_threshold(np.linspace(0, 1, 101), np.linspace(0, 1, 101) >= 0.4, target=1.0)
    0.4
    """
    order = np.argsort(-confidence, kind="stable")
    right = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    # Rows that are equally sure are taken together or not at all.
    ends = np.flatnonzero(np.append(np.diff(confidence[order]) < 0, True))
    reached = [end for end in ends.tolist() if end + 1 >= _LEAST_ROWS and right[end] >= target]
    return float(confidence[order[reached[-1]]]) if reached else 1.0


def best_f1_threshold(probabilities: Floats, truth: Floats, weights: Floats) -> float:
    """Return the probability from which calling a label gives the best F1, ties to the nearest of 0.5.

    Args:
        probabilities: *Shape:* ``(rows,)``.
        truth: 0 or 1. *Shape:* ``(rows,)``.
        weights: How much a row counts. *Shape:* ``(rows,)``.

    >>> best_f1_threshold(np.array([0.2, 0.8]), np.array([0.0, 1.0]), np.ones(2))
    0.5
    """
    # Outside these bounds a threshold is an accident of few rows.
    grid = _GRID[(_GRID >= 0.2) & (_GRID <= 0.7)]  # noqa: PLR2004 (explained above)
    called = probabilities[:, None] >= grid
    weighed = weights[:, None]
    hits = (weighed * called * truth[:, None]).sum(axis=0)
    sizes = (weighed * called).sum(axis=0) + (weights * truth).sum()
    scores = np.round(2 * hits / np.maximum(sizes, 1e-12), 6)
    best = grid[scores == scores.max()]
    return float(best[np.abs(best - 0.5).argmin()])


def recall_threshold(probabilities: Floats, truth: Flags, weights: Floats, *, recall: float) -> float:
    """Return the highest probability from which at least a share of the true rows is called.

    Args:
        probabilities: *Shape:* ``(rows,)``.
        truth: *Shape:* ``(rows,)``.
        weights: How much a row counts. *Shape:* ``(rows,)``.
        recall: Share to reach, 0..1.

    >>> recall_threshold(np.array([0.1, 0.7, 0.9]), np.array([False, True, True]), np.ones(3), recall=1.0)
    0.7
    """
    total = (weights * truth).sum()
    for threshold in _GRID[::-1].tolist():
        if (weights * truth * (probabilities >= threshold)).sum() >= recall * total:
            return float(threshold)
    return 0.0


def domain_shares(sources: Sequence[str]) -> Floats:
    """Return how much each row counts so that each source counts as a whole, 1 on average.

    Args:
        sources: Of each row.

    Returns:
        *Shape:* ``(rows,)``.

    >>> domain_shares(["a", "a", "b"]).tolist()
    [0.75, 0.75, 1.5]
    """
    counts = Counter(sources)
    shares = np.array([1 / counts[source] for source in sources])
    return np.asarray(shares / shares.mean(), dtype=np.float64)
