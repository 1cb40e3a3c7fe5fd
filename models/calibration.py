"""From a head's raw logits to honest probabilities: scaled, shifted, squashed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float64]
Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What is done to logits before they become probabilities: ``logits / temperature + shift``.

    Temperature repairs over- and under-confidence; the shift puts back the label frequencies that
    class weights took away in training.

    Source: Alexandari, Kundaje, Shrikumar, "Maximum Likelihood with Bias-Corrected Calibration is
    Hard-To-Beat at Label Shift Adaptation", ICML 2020 (bias-corrected temperature scaling).

    Attributes:
        temperature: Positive; one value for all logits, or one each.
        shift: One value for all logits, or one each.
    """

    temperature: tuple[float, ...] = (1.0,)
    shift: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        if not all(np.isfinite(value) and value > 0 for value in self.temperature):
            raise ValueError(f"temperatures must be positive and finite, got {self.temperature}")
        if not all(np.isfinite(value) for value in self.shift):
            raise ValueError(f"shifts must be finite, got {self.shift}")

    def apply(self, logits: Logits) -> Logits:
        """Return the calibrated logits.

        Args:
            logits: *Shape:* ``(texts, logits)``.

        Returns:
            float64, of the same shape.
        """
        return np.asarray(logits / np.asarray(self.temperature) + np.asarray(self.shift), dtype=np.float64)


def softmax(logits: Logits) -> Probabilities:
    """Turn logits of exclusive labels into probabilities.

    Args:
        logits: *Shape:* ``(texts, labels)``.

    Returns:
        Rows that sum to 1. *Shape:* ``(texts, labels)``.

    >>> softmax(np.zeros((1, 4))).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float64)


def sigmoid(logits: Logits) -> Probabilities:
    """Turn each logit into a probability of its own.

    Args:
        logits: Any shape.

    Returns:
        Values 0..1 of the same shape.

    >>> sigmoid(np.array([[0.0, 1000.0, -1000.0]])).tolist()
    [[0.5, 1.0, 0.0]]
    """
    # tanh does not overflow where exp(-logit) would.
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), dtype=np.float64)


def sequential(logits: Logits) -> Probabilities:
    """Turn the logits of "above label k, if it is at least k" into probabilities of ordered labels.

    Every label keeps a probability above 0, which differences of independently learnt cumulative
    probabilities do not grant.

    Source: Tutz, "Sequential models in categorical regression", Computational Statistics & Data
    Analysis 11(3), 1991 (continuation ratios).

    Args:
        logits: Column k: is the label above the k-th, given that it is not below? *Shape:*
            ``(texts, labels - 1)``.

    Returns:
        Rows that sum to 1. *Shape:* ``(texts, labels)``.

    >>> sequential(np.zeros((1, 2))).tolist()
    [[0.5, 0.25, 0.25]]
    """
    above = np.cumprod(sigmoid(logits), axis=1)
    edges = np.pad(above, ((0, 0), (1, 1)), constant_values=((0, 0), (1.0, 0.0)))
    return np.asarray(edges[:, :-1] - edges[:, 1:], dtype=np.float64)
