"""Vectors on a grid, where a dot product has one value whatever order it is summed in.

Float32 holds whole numbers up to 2^24 exactly. With vectors of length `GRID` and whole entries, every
partial sum of a product of two of them is at most ``GRID ** 2 < 2 ** 24`` (Cauchy and Schwarz), so no
rounding happens at all: not with other threads, other block sizes, another processor or another library.
"""

import numpy as np

from models.arrays import Floats2d

GRID = 2048
"""Length of a vector in steps; a power of two, so that dividing by it is exact. A cosine moves by 2e-4."""


def on_grid(vectors: Floats2d) -> Floats2d:
    """Bring vectors to length `GRID` and round their entries to whole numbers.

    Args:
        vectors: *Shape:* ``(rows, dimensions)``, float32, finite.

    Returns:
        *Shape:* ``(rows, dimensions)``, float32 whole numbers; zero vectors stay zero.

    >>> on_grid(np.array([[0.6, 0.8]], dtype=np.float32)).tolist()
    [[1229.0, 1638.0]]
    """
    # Rows are first put on a fine grid of their own, so that the sum of squares is exact too.
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0).astype(np.float64)
    whole = np.rint(vectors.astype(np.float64) / np.where(largest > 0, largest, 1.0) * (1 << 20))
    lengths = np.sqrt((whole.astype(np.int64) ** 2).sum(axis=1, keepdims=True).astype(np.float64))
    return np.rint(whole * GRID / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
