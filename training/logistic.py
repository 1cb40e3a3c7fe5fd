"""Regularised logistic regression, fitted by L-BFGS on whole batches: the baseline on frozen features.

One matrix product for all labels at once is several times faster here than one scikit-learn model a label,
and reaches the same optimum (the tests compare them).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]

from models.arrays import Floats1d, Floats2d
from models.calibration import sigmoid, softmax
from models.heads import HeadKind

Floats = NDArray[np.float64]

_MAX_ITERATIONS = 300
_TOLERANCE = 3e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A fitted linear layer. *Shapes:* weight ``(logits, width)``, bias ``(logits,)``, float32."""

    weight: Floats2d
    bias: Floats1d

    def logits(self, rows: Floats2d) -> Floats:
        """Apply the layer. *Shapes:* ``(rows, width)`` to ``(rows, logits)``."""
        return np.asarray(rows @ self.weight.T + self.bias, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Standardised features along their principal axes.

    A rotation changes nothing about an L2-regularised model, but columns that do not correlate let
    L-BFGS arrive in tens of steps instead of hundreds.

    Attributes:
        mean: *Shape:* ``(width,)``.
        scale: *Shape:* ``(width,)``.
        axes: Orthonormal columns. *Shape:* ``(width, coordinates)``.
    """

    mean: Floats1d
    scale: Floats1d
    axes: Floats2d

    def project(self, features: Floats2d) -> Floats2d:
        """Return features as coordinates. *Shapes:* ``(rows, width)`` to ``(rows, coordinates)``."""
        return np.asarray(((features - self.mean) / self.scale) @ self.axes, dtype=np.float32)

    def unproject(self, layer: Layer) -> Layer:
        """Return a layer for features that equals one for their coordinates."""
        weight = (layer.weight.astype(np.float64) @ self.axes.T.astype(np.float64)) / self.scale
        bias = layer.bias.astype(np.float64) - weight @ self.mean.astype(np.float64)
        return Layer(weight=weight.astype(np.float32), bias=bias.astype(np.float32))


def fit_basis(features: Floats2d) -> Basis:
    """Find the principal axes of features, no more of them than there are rows.

    Args:
        features: *Shape:* ``(rows, width)``, float32.
    """
    mean = features.mean(axis=0)
    scale = np.maximum(features.std(axis=0), np.float32(1e-6))
    standard = ((features - mean) / scale).astype(np.float64)
    if len(standard) >= standard.shape[1]:
        _, axes = np.linalg.eigh(standard.T @ standard)
    else:
        # The optimum lies in the span of the rows: the other directions only cost time.
        axes = np.linalg.svd(standard, full_matrices=False)[2].T
    return Basis(mean=mean, scale=scale, axes=axes.astype(np.float32))


def fit_layer(kind: HeadKind, rows: Floats2d, targets: Floats, weights: Floats, *, c: float) -> Layer:
    """Fit ``sum of weighted losses + |W|^2 / (2 c)``.

    `softmax` is multinomial logistic regression, `sigmoid` one binary model a label, `sequential` one
    binary model a step of an ordered scale.

    Args:
        rows: Best from `Basis.project`. *Shape:* ``(rows, width)``, float32.
        targets: 0 or 1: the label applies, *Shape:* ``(rows, labels)``; for `sequential`, the row's label
            is above the k-th, *Shape:* ``(rows, labels - 1)``.
        weights: Non-negative. *Shape:* ``(rows,)``, or that of `targets` unless `softmax`.
        c: Inverse strength of regularisation, as in scikit-learn.

    Returns:
        The layer, for rows like those given.
    """
    columns, width = targets.shape[1], rows.shape[1]
    shares = weights[:, None] if weights.ndim == 1 else weights
    total = float(shares.sum()) if weights.ndim == 1 else float(shares.sum() / columns)
    # Scaled by a bound of the curvature, every direction is about as steep as every other.
    steps = 1 / np.sqrt(0.25 * total * rows.var(axis=0, dtype=np.float64) + 1 / c)
    scaled = (rows * steps).astype(np.float32)

    def objective(flat: Floats) -> tuple[float, Floats]:
        inner = flat[: columns * width].reshape(columns, width)
        logits = (scaled @ inner.T.astype(np.float32)).astype(np.float64) + flat[columns * width :]
        loss, slope = (_softmax_loss if kind == "softmax" else _binary_loss)(logits, targets, shares)
        weight = inner * steps
        pull = (slope.T.astype(np.float32) @ scaled).astype(np.float64) + weight * steps / c
        value = loss + float((weight**2).sum()) / (2 * c)
        return value / total, np.concatenate([pull.ravel(), slope.sum(axis=0)]) / total

    options = {"maxiter": _MAX_ITERATIONS, "gtol": _TOLERANCE, "maxcor": 20}
    start = np.zeros(columns * width + columns)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x
    weight = found[:-columns].reshape(columns, width) * steps
    return Layer(
        weight=weight.astype(np.float32),
        bias=found[-columns:].astype(np.float32),
    )


def _softmax_loss(logits: Floats, targets: Floats, weights: Floats) -> tuple[float, Floats]:
    probabilities = softmax(logits)
    chosen = np.maximum((probabilities * targets).sum(axis=1, keepdims=True), 1e-300)
    return -float((weights * np.log(chosen)).sum()), weights * (probabilities - targets)


def _binary_loss(logits: Floats, targets: Floats, weights: Floats) -> tuple[float, Floats]:
    # log(1 + exp(z)) - y z, without overflow.
    losses = np.logaddexp(0.0, logits) - targets * logits
    return float((weights * losses).sum()), weights * (sigmoid(logits) - targets)
