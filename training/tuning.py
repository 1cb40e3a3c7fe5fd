"""Calibration and thresholds, learnt on rows that the head was not trained on."""

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
_LEAST_COVERAGE = 0.4
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
    squash = sequential if kind == "sequential" else softmax
    rows = np.arange(len(truth))

    def loss(parameters: Floats) -> float:
        probabilities = squash(logits * np.exp(-parameters[0]) + parameters[1:])
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
    squash = {"softmax": softmax, "sequential": sequential, "sigmoid": sigmoid}[kind]
    return squash(calibration.apply(logits))


def abstention_threshold(confidence: Floats, correct: Flags, weights: Floats, *, target: float) -> float:
    """Return the lowest confidence above which the answers reach a target accuracy.

    Args:
        confidence: Of the chosen label. *Shape:* ``(rows,)``.
        correct: Whether it was right. *Shape:* ``(rows,)``.
        weights: How much a row counts. *Shape:* ``(rows,)``.
        target: Accuracy to reach, 0..1.

    Returns:
        The threshold; where the target is out of reach, the one that leaves 40 % of the rows answered.

    >>> abstention_threshold(np.array([0.3, 0.9]), np.array([False, True]), np.ones(2), target=0.9)
    0.31
    """
    for threshold in [0.0, *_GRID.tolist()]:
        answered = confidence >= threshold
        share = weights[answered].sum() / weights.sum()
        if share < _LEAST_COVERAGE:
            break
        if (weights * correct)[answered].sum() / weights[answered].sum() >= target:
            return float(threshold)
    order = np.argsort(-confidence, kind="stable")
    place = int(np.searchsorted(np.cumsum(weights[order]), _LEAST_COVERAGE * weights.sum()))
    return round(float(confidence[order[min(place, len(order) - 1)]]), 2)


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
