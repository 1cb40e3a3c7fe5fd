"""Pages that fit together: the engines leave the order of equal scores, and so paging, to chance."""

from collections.abc import Sequence
from uuid import UUID

import numpy as np

TIE_GROWTH = 8
"""By how much more to ask for while equal scores run across the end of a page.

Many customers send the very same short text: a few rounds must reach the end of thousands of ties.
"""


def first_request(limit: int, offset: int) -> int:
    """Return how many points to ask an engine for first: one more than the page needs.

    Raises:
        ValueError: `limit` is below 1 or `offset` below 0.
    """
    if limit < 1 or offset < 0:
        raise ValueError(
            f"expected a limit of at least 1 and an offset of at least 0, got {limit} and {offset}"
        )
    return offset + limit + 1


def page_of(
    found: Sequence[tuple[float, UUID]],
    *,
    asked: int,
    limit: int,
    offset: int,
    score_threshold: float | None = None,
) -> list[tuple[float, UUID]] | None:
    """Cut one page out of what an engine found, best first, ties by id.

    Args:
        found: Scores and ids, best first.
        asked: How many points the engine was asked for, more than ``offset + limit``.
        limit: Length of the page.
        offset: Where it begins.
        score_threshold: Least score, inclusive.

    Returns:
        The page, or `None` when equal scores run past what was found: ask for more.

    >>> a, b = UUID(int=1), UUID(int=2)
    >>> page_of([(0.9, b), (0.9, a)], asked=3, limit=1, offset=0) == [(0.9, a)]
    True
    """
    end = offset + limit
    if len(found) >= asked and found[-1][0] >= found[end - 1][0]:
        return None
    page = sorted(found, key=lambda hit: (-hit[0], hit[1]))[offset:end]
    return [hit for hit in page if score_threshold is None or hit[0] >= score_threshold]


def engine_threshold(score_threshold: float | None) -> float | None:
    """Return the float32 just below a threshold: the engines find only what lies above theirs.

    Raises:
        ValueError: The threshold is not between -1 and 1.
    """
    if score_threshold is None:
        return None
    if not -1 <= score_threshold <= 1:
        raise ValueError(f"expected a cosine between -1 and 1 as score_threshold, got {score_threshold}")
    return float(np.nextafter(np.float32(score_threshold), np.float32(-np.inf)))


def as_cosine(score: float) -> float:
    """Return `score` without the rounding error that takes it out of -1..1."""
    return min(1.0, max(-1.0, score))
