"""Measures of agreement, of calibration, and how sure one can be of them."""

from collections.abc import Callable, Sequence
from math import erfc

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def confusion(truth: Ints, predicted: Ints, labels: int) -> Floats:
    """Count how often label i was called j.

    Args:
        truth: Label indexes. *Shape:* ``(rows,)``.
        predicted: Label indexes. *Shape:* ``(rows,)``.
        labels: Number of labels.

    Returns:
        *Shape:* ``(labels, labels)``.

    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    counts = np.bincount(truth * labels + predicted, minlength=labels * labels)
    return counts.reshape(labels, labels).astype(np.float64)


def macro_f1(counts: Floats) -> float:
    """Return the mean F1 of the labels that occur in truth or prediction.

    Args:
        counts: From `confusion`.

    >>> macro_f1(np.array([[1.0, 0.0], [1.0, 1.0]]))
    0.6666666666666666
    """
    occurring = counts.sum(axis=0) + counts.sum(axis=1)
    present = occurring > 0
    return float((2 * np.diag(counts)[present] / occurring[present]).mean()) if present.any() else 0.0


def accuracy(counts: Floats) -> float:
    """Return the share of rows on the diagonal.

    Args:
        counts: From `confusion`.

    >>> accuracy(np.array([[1.0, 0.0], [1.0, 2.0]]))
    0.75
    """
    total = counts.sum()
    return float(np.trace(counts) / total) if total else 0.0


def cohen_kappa(counts: Floats) -> float:
    """Return Cohen's kappa: agreement beyond chance.

    Source: Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
    Measurement 20(1), 1960.

    Args:
        counts: From `confusion`.

    Returns:
        1 for full agreement, 0 for agreement by chance; 1 when there is nothing to disagree about.

    >>> cohen_kappa(np.eye(4))
    1.0
    """
    total = float(counts.sum())
    by_chance = float((counts.sum(axis=0) * counts.sum(axis=1)).sum()) / max(total, 1.0) ** 2
    return (accuracy(counts) - by_chance) / (1 - by_chance) if by_chance < 1 else 1.0


def quadratic_kappa(counts: Floats) -> float:
    """Return Cohen's kappa of ordered labels, weighted by the squared distance.

    Source: Cohen, "Weighted kappa", Psychological Bulletin 70(4), 1968.

    Args:
        counts: From `confusion`.

    Returns:
        1 for full agreement, 0 for agreement by chance; 1 when there is nothing to disagree about.

    >>> quadratic_kappa(np.eye(4))
    1.0
    """
    steps = np.arange(len(counts))
    distance = (steps[:, None] - steps[None, :]) ** 2
    total = counts.sum()
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / total if total else counts
    by_chance = float((distance * expected).sum())
    return 1.0 - float((distance * counts).sum()) / by_chance if by_chance else 1.0


def brier(probabilities: Floats, truth: Ints) -> float:
    """Return the mean squared distance between probabilities and what was true, summed over labels.

    Source: Brier, "Verification of forecasts expressed in terms of probability", 1950.

    Args:
        probabilities: *Shape:* ``(rows, labels)``.
        truth: Label indexes. *Shape:* ``(rows,)``.

    Returns:
        0 (certain and right) to 2 (certain and wrong).

    >>> brier(np.array([[0.5, 0.5]]), np.array([0]))
    0.5
    """
    told = np.eye(probabilities.shape[1])[truth]
    return float(((probabilities - told) ** 2).sum(axis=1).mean())


def expected_calibration_error(confidence: Floats, correct: NDArray[np.bool_], bins: int = 10) -> float:
    """Return how far confidence is from accuracy, averaged over bins of equal width.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        confidence: Probability of the chosen label, 0..1. *Shape:* ``(rows,)``.
        correct: Whether it was the true one. *Shape:* ``(rows,)``.

    >>> round(expected_calibration_error(np.array([0.8, 0.8]), np.array([True, False])), 3)
    0.3
    """
    places = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    sure = np.bincount(places, weights=confidence, minlength=bins)
    right = np.bincount(places, weights=correct.astype(np.float64), minlength=bins)
    return float(np.abs(sure - right).sum() / len(confidence))


def calibration_error(confidence: Floats, correct: NDArray[np.bool_], bins: int = 10) -> float:
    """Return how far confidence is from accuracy, with what chance alone would show taken off.

    The plain error of a few dozen rows is large even where confidence is honest: each bin's accuracy
    scatters. Its expected scatter is subtracted from the squared distance here. Bins hold equally many
    rows.

    Source: Kumar, Liang, Ma, "Verified Uncertainty Calibration", NeurIPS 2019, definition 5.1 (debiased
    estimator of the squared calibration error); this is its root, 0 where it is negative.

    Args:
        confidence: Probability of the chosen label, 0..1. *Shape:* ``(rows,)``.
        correct: Whether it was the true one. *Shape:* ``(rows,)``.
        bins: At most this many; fewer where a bin would hold less than two rows.

    >>> calibration_error(np.full(8, 0.5), np.arange(8) % 2 == 0)
    0.0
    """
    count = len(confidence)
    if count < 2:  # noqa: PLR2004 (no scatter can be told from one row)
        return 0.0
    order = np.argsort(confidence, kind="stable")
    squared = 0.0
    for places in np.array_split(order, min(bins, count // 2)):
        right = float(correct[places].mean())
        scatter = right * (1 - right) / (len(places) - 1)
        distance = float(confidence[places].mean()) - right
        squared += len(places) / count * (distance**2 - scatter)
    return float(np.sqrt(max(0.0, squared)))


def calibration_p_value(confidence: Floats, correct: NDArray[np.bool_]) -> float:
    """Return how probable it is that honest confidence fits what happened no better than this.

    Source: Spiegelhalter, "Probabilistic prediction in patient management and clinical trials",
    Statistics in Medicine 5, 1986 (the z test of the Brier score's reliability).

    Args:
        confidence: Probability of the chosen label, 0..1. *Shape:* ``(rows,)``.
        correct: Whether it was the true one. *Shape:* ``(rows,)``.

    Returns:
        Two-sided p-value, 0..1: below 0.01, good calibration is rejected at the 1 % level.

    >>> calibration_p_value(np.full(100, 0.8), np.arange(100) < 80)
    1.0
    """
    slope = 1 - 2 * confidence
    spread = float((slope**2 * confidence * (1 - confidence)).sum())
    if spread <= 0:
        return 1.0
    z = float(((correct - confidence) * slope).sum()) / np.sqrt(spread)
    return float(erfc(abs(round(z, 9)) / np.sqrt(2)))


def resamples(groups: Ints, *, seed: int, count: int = 1000) -> list[Ints]:
    """Draw whole groups with replacement, as many as there are, again and again.

    Args:
        groups: Group number of each row, from 0 without gaps. *Shape:* ``(rows,)``.
        seed: Of the draws.
        count: Number of resamples.

    Returns:
        Row indexes of each resample.

    >>> [sorted(set(rows.tolist())) for rows in resamples(np.array([0, 0]), seed=0, count=2)]
    [[0, 1], [0, 1]]
    """
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1])
    drawn = np.random.default_rng(seed).integers(0, len(members), size=(count, len(members)))
    if len(members) == len(groups):
        rows = np.argsort(groups, kind="stable")
        return list(rows[drawn])
    return [np.concatenate([members[group] for group in draw]) for draw in drawn]


def bootstrap_interval(statistic: Callable[[Ints], float], draws: Sequence[Ints]) -> tuple[float, float]:
    """Return the 95 % percentile interval of a statistic.

    Source: Efron, "Nonparametric standard errors and confidence intervals", 1981.

    Args:
        statistic: Computes the figure from row indexes.
        draws: From `resamples`.

    >>> bootstrap_interval(lambda rows: float(len(rows)), resamples(np.arange(5), seed=0, count=9))
    (5.0, 5.0)
    """
    low, high = np.quantile([statistic(rows) for rows in draws], [0.025, 0.975])
    return float(low), float(high)
