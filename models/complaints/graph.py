"""The graph of texts whose ties say how much two of them belong together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Ints1d
from models.complaints.neighbours import Neighbours

UNIT = 1024
"""A tie of full strength. Ties are whole numbers, so that sums of them have one value."""

_SEARCH_STEPS = 32
_NARROWEST = 1e-3
"""Least width of a text's surroundings, as a share of the mean distance of all neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextGraph:
    """An undirected graph; each tie is here once, from the lower row to the higher.

    Attributes:
        size: Number of texts.
        rows: *Shape:* ``(ties,)``.
        columns: *Shape:* ``(ties,)``.
        weights: 1..`UNIT`. *Shape:* ``(ties,)``.
    """

    size: int
    rows: Ints1d
    columns: Ints1d
    weights: Ints1d

    def both_ways(self) -> tuple[Ints1d, Ints1d, Ints1d]:
        """Return every tie from either end: from, to, weight."""
        return (
            np.concatenate([self.rows, self.columns]),
            np.concatenate([self.columns, self.rows]),
            np.concatenate([self.weights, self.weights]),
        )

    def strengths(self) -> Ints1d:
        """Return the sum of each text's ties. *Shape:* ``(size,)``."""
        return _sums(self.rows, self.weights, self.size) + _sums(self.columns, self.weights, self.size)


def text_graph(size: int, *neighbours: Neighbours) -> TextGraph:
    """Tie texts to their neighbours, each list on its own scale.

    A neighbour's tie falls off with its distance beyond the nearest one, as fast as the text's
    surroundings are dense: in a crowd a neighbour must be near, in the open it may be far. The two
    directions are joined as "one or the other": ``a + b - ab``.

    Source: McInnes, Healy, Melville, "UMAP", 2018, section 3.1 (the graph, without the layout).

    Args:
        size: Number of texts.
        neighbours: Lists that share no pair.
    """
    parts = [_joined(size, one) for one in neighbours]
    return TextGraph(
        size=size,
        rows=np.concatenate([part[0] for part in parts]),
        columns=np.concatenate([part[1] for part in parts]),
        weights=np.concatenate([part[2] for part in parts]),
    )


def _joined(size: int, neighbours: Neighbours) -> tuple[Ints1d, Ints1d, Ints1d]:
    strength = _memberships(size, neighbours)
    low = np.minimum(neighbours.rows, neighbours.columns)
    high = np.maximum(neighbours.rows, neighbours.columns)
    keys, places = np.unique(low * size + high, return_inverse=True)
    absent = np.ones(len(keys))
    np.multiply.at(absent, places, 1.0 - strength)
    weights = np.rint((1.0 - absent) * UNIT).astype(np.int64)
    kept = weights > 0
    return keys[kept] // max(1, size), keys[kept] % max(1, size), weights[kept]


def _memberships(size: int, neighbours: Neighbours) -> NDArray[np.float64]:
    """How much each neighbour belongs to its text's surroundings, 0..1; their sum is log2 of their number."""
    counts = np.bincount(neighbours.rows, minlength=size)
    starts = np.concatenate([[0], np.cumsum(counts)])[neighbours.rows]
    distance = 1.0 - neighbours.similarities.astype(np.float64)
    beyond = distance - distance[starts]
    target = np.log2(np.maximum(2, counts))
    low, high, width = np.zeros(size), np.full(size, np.inf), np.ones(size)
    for _ in range(_SEARCH_STEPS):
        sums = np.bincount(neighbours.rows, weights=np.exp(-beyond / width[neighbours.rows]), minlength=size)
        wide = sums > target
        high, low = np.where(wide, width, high), np.where(wide, low, width)
        width = np.where(np.isinf(high), width * 2, (low + np.where(np.isinf(high), 0.0, high)) / 2)
    narrowest = _NARROWEST * distance.mean() if len(distance) else 1.0
    width = np.maximum(width, max(narrowest, 1e-6))
    return np.asarray(np.exp(-beyond / width[neighbours.rows]), dtype=np.float64)


def _sums(rows: Ints1d, weights: Ints1d, size: int) -> Ints1d:
    # Float64 holds these whole numbers exactly.
    return np.bincount(rows, weights=weights, minlength=size).astype(np.int64)
