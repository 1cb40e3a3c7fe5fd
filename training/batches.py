"""Which rows an epoch reads, and in what company."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from training.datasets.example import Example

_POOL = 50
"""Batches sorted by length together: enough for even lengths, few enough to stay mixed."""


def rows_of_epoch(
    examples: Sequence[Example], limits: Mapping[str, int], *, seed: int, epoch: int
) -> list[int]:
    """Draw the rows of an epoch: all of them, but of a limited source only so many, others each time.

    Args:
        examples: What trains.
        limits: Most rows of a source, by its name and heads as in an example's id: ``umsab/train/sentiment``.
        seed: Of the experiment.
        epoch: From 0; every epoch draws anew.

    Returns:
        Places in `examples`, in random order.
    """
    rng = np.random.default_rng((seed, epoch))
    by_source: dict[str, list[int]] = defaultdict(list)
    for place, example in enumerate(examples):
        by_source[example.id.rpartition("/")[0]].append(place)
    drawn: list[int] = []
    for source, places in by_source.items():
        most = limits.get(source, len(places))
        drawn += places if most >= len(places) else rng.choice(places, most, replace=False).tolist()
    rng.shuffle(drawn)
    return drawn


def batches_of(places: Sequence[int], lengths: Sequence[int], *, size: int, seed: int) -> list[list[int]]:
    """Cut rows into batches of like length, in random order.

    Args:
        places: Of the rows, in random order.
        lengths: Tokens of each row that there is.
        size: Rows of a batch.
        seed: Of the order.
    """
    batches = []
    for start in range(0, len(places), size * _POOL):
        pool = sorted(places[start : start + size * _POOL], key=lambda place: lengths[place])
        batches += [pool[begin : begin + size] for begin in range(0, len(pool), size)]
    order = np.random.default_rng(seed).permutation(len(batches))
    return [batches[place] for place in order]
