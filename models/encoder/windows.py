"""Long texts in windows, short ones in batches: the arithmetic around a forward pass."""

from collections.abc import Sequence

import numpy as np

from models.arrays import Floats1d, Floats2d, Ints1d


def window_spans(length: int, room: int) -> list[tuple[int, int]]:
    """Cut a sequence into consecutive spans that are as long as there is room.

    Args:
        length: Number of tokens, 0 or more.
        room: Most tokens in a span, at least 1.

    Returns:
        Start and stop of each span; one empty span for an empty sequence.

    >>> window_spans(7, 3)
    [(0, 3), (3, 6), (6, 7)]
    """
    return [(start, min(start + room, length)) for start in range(0, max(length, 1), room)]


def token_budget_batches(lengths: Sequence[int], budget: int) -> list[Ints1d]:
    """Group sequences of like length so that a padded batch stays within a number of tokens.

    Args:
        lengths: Tokens of each sequence.
        budget: Most tokens of a batch, padding included; a single longer sequence is a batch of its own.

    Returns:
        Places of the sequences of each batch, longest first. *Shape of each:* ``(sequences,)``, int64.

    >>> [batch.tolist() for batch in token_budget_batches([2, 9, 3], 10)]
    [[1], [2, 0]]
    """
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    batches: list[Ints1d] = []
    start = 0
    while start < len(order):
        count = max(1, budget // max(1, lengths[order[start]]))
        batches.append(order[start : start + count])
        start += count
    return batches


def merge_windows(rows: Floats2d, owners: Ints1d, weights: Floats1d, count: int) -> Floats2d:
    """Average the rows of each owner.

    Args:
        rows: One row a window. *Shape:* ``(windows, dimensions)``, float32.
        owners: Which text each window belongs to; each text has at least one. *Shape:* ``(windows,)``.
        weights: Weight of each window, above 0. *Shape:* ``(windows,)``.
        count: Number of texts.

    Returns:
        Weighted means. *Shape:* ``(count, dimensions)``, float32.

    >>> merge_windows(np.float32([[1], [3], [5]]), np.array([0, 0, 1]), np.float32([3, 1, 9]), 2).tolist()
    [[1.5], [5.0]]
    """
    totals = np.bincount(owners, weights=weights, minlength=count)
    shares = (weights / totals[owners]).astype(np.float32)
    merged = np.zeros((count, rows.shape[1]), dtype=np.float32)
    np.add.at(merged, owners, rows * shares[:, None])
    return merged


def l2_normalise(rows: Floats2d) -> Floats2d:
    """Scale each row to length 1; a row of zeros stays one.

    Args:
        rows: *Shape:* ``(rows, dimensions)``.

    Returns:
        *Shape:* ``(rows, dimensions)``, float32.

    >>> l2_normalise(np.float32([[3, 4], [0, 0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)
