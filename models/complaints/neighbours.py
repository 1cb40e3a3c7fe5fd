"""The nearest texts of every text: exact, in blocks, the same on every machine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models.arrays import Floats1d, Floats2d, Ints1d

_BLOCK_CELLS = 1 << 24
"""Similarities held at once: 64 MB, whatever the number of texts."""

_SORTABLE_SHARE = 1 / 16
"""Up to here it is quicker to sort what lies above the floor than to look for the best of all first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Directed pairs of a text and one of its nearest texts.

    Attributes:
        rows: Whose neighbour it is, ascending. *Shape:* ``(pairs,)``.
        columns: The neighbour; of one row the nearest first. Of equals those are taken that come first by
            language, then by row. *Shape:* ``(pairs,)``.
        similarities: Cosine. *Shape:* ``(pairs,)``, float32.
    """

    rows: Ints1d
    columns: Ints1d
    similarities: Floats1d


def nearest_by_language(
    vectors: Floats2d, languages: Sequence[str], *, count: int, floor: float
) -> tuple[Neighbours, Neighbours]:
    """Find each text's nearest texts of its own language, and its nearest of all other languages.

    Two lists, because one would be filled by its own language: what a text shares with others of its
    language is nearer than what it shares with its translation.

    Args:
        vectors: Centred, on the grid. *Shape:* ``(texts, dimensions)``, float32.
        languages: One code a text.
        count: Neighbours of each kind; fewer where there are not so many.
        floor: Similarity below which a text is no neighbour.

    Returns:
        Of the own language, and of others.
    """
    codes = np.unique(np.array(languages, dtype=np.str_), return_inverse=True)[1].astype(np.int64)
    order = np.argsort(codes, kind="stable")
    bounds = [0, *np.cumsum(np.bincount(codes)).tolist()] if len(codes) else [0]
    table = vectors[order]
    own: list[Neighbours] = []
    other: list[Neighbours] = []
    for start, stop in pairwise(bounds):
        for first, last in _blocks(start, stop, len(table)):
            similar = table[first:last] @ table.T
            inside = similar[:, start:stop].copy()
            inside[np.arange(last - first), np.arange(first - start, last - start)] = -2
            own.append(_best(inside, first, start, count, floor))
            if stop - start < len(table):
                similar[:, start:stop] = -2
                other.append(_best(similar, first, 0, count, floor))
    return _in_order(own, order), _in_order(other, order)


def _blocks(start: int, stop: int, width: int) -> Iterator[tuple[int, int]]:
    step = max(1, _BLOCK_CELLS // max(1, width))
    for first in range(start, stop, step):
        yield first, min(stop, first + step)


def _best(similar: Floats2d, first: int, offset: int, count: int, floor: float) -> Neighbours:
    """Take the best of each row; of equals those that come first, so that no library decides."""
    near = similar >= np.float32(floor)
    if similar.shape[1] > count and np.count_nonzero(near) > _SORTABLE_SHARE * near.size:
        kth = similar.shape[1] - count
        near &= similar >= np.partition(similar, kth, axis=1)[:, kth, None]
    rows, columns = np.nonzero(near)
    values = similar[rows, columns]
    order = np.lexsort((columns, -values, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = rank < count
    return Neighbours(
        rows=rows[kept].astype(np.int64) + first,
        columns=columns[kept].astype(np.int64) + offset,
        similarities=values[kept],
    )


def _in_order(parts: list[Neighbours], order: Ints1d) -> Neighbours:
    if not parts:
        nothing = np.empty(0, dtype=np.int64)
        return Neighbours(rows=nothing, columns=nothing, similarities=nothing.astype(np.float32))
    rows = order[np.concatenate([part.rows for part in parts])]
    columns = order[np.concatenate([part.columns for part in parts])]
    values = np.concatenate([part.similarities for part in parts])
    sort = np.lexsort((columns, -values, rows))
    return Neighbours(rows=rows[sort], columns=columns[sort], similarities=values[sort])
