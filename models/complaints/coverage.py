"""A few members that stand for all: the most central first, then whatever is farthest from those chosen."""

import numpy as np

from models.arrays import Floats2d, Ints1d


def central(vectors: Floats2d) -> Ints1d:
    """Return rows by how near they are to all others, the most central first; of equals the first row.

    Args:
        vectors: On the grid. *Shape:* ``(texts, dimensions)``, float32.
    """
    sums = vectors.astype(np.float64).sum(axis=0)
    return np.argsort(-(vectors.astype(np.float64) @ sums), kind="stable").astype(np.int64)


def covering(vectors: Floats2d, count: int, *, start: int | None = None) -> list[int]:
    """Choose members that leave none far from all chosen ones.

    Source: Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985 (farthest first).

    Args:
        vectors: On the grid. *Shape:* ``(texts, dimensions)``, float32.
        count: How many at most; fewer when the rest are copies of chosen ones.
        start: Row to begin with; the most central one by default.

    Returns:
        Rows, in the order chosen.
    """
    if not len(vectors):
        return []
    chosen = [int(central(vectors)[0]) if start is None else start]
    nearest = vectors @ vectors[chosen[0]]
    while len(chosen) < min(count, len(vectors)):
        following = int(nearest.argmin())
        if nearest[following] >= _COPY:
            break
        chosen.append(following)
        nearest = np.maximum(nearest, vectors @ vectors[following])
    return chosen


_COPY = 0.995
"""Cosine from which a text adds nothing to another."""
