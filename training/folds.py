"""Splits that never tear related rows apart."""

import hashlib
from collections.abc import Sequence

import numpy as np

from models.arrays import Ints1d


def grouped_folds(groups: Sequence[str], strata: Sequence[str], *, folds: int, seed: int) -> Ints1d:
    """Give each row a fold; rows of one group get the same one.

    Groups are dealt out like cards, stratum by stratum, in an order that depends on their names and
    the seed alone, so that another row moves no other group within its stratum's deck by more than one.

    Args:
        groups: Name of each row's group.
        strata: What to spread evenly; a group counts for the stratum of its first row.
        folds: Number of folds.
        seed: Of the order.

    Returns:
        Fold of each row, 0 to ``folds - 1``. *Shape:* ``(rows,)``.

    >>> grouped_folds(["a", "b", "a"], ["x", "x", "x"], folds=2, seed=0).tolist()
    [0, 1, 0]
    """
    stratum_of: dict[str, str] = {}
    for group, stratum in zip(groups, strata, strict=True):
        stratum_of.setdefault(group, stratum)
    deck = sorted(stratum_of, key=lambda group: (stratum_of[group], _order(group, seed)))
    fold_of = {group: place % folds for place, group in enumerate(deck)}
    return np.array([fold_of[group] for group in groups], dtype=np.int64)


def dense_groups(groups: Sequence[str]) -> Ints1d:
    """Number groups from 0 in order of appearance.

    >>> dense_groups(["b", "a", "b"]).tolist()
    [0, 1, 0]
    """
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.int64)


def _order(group: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{group}".encode("utf-8", "surrogatepass")).hexdigest()
