"""Labels of examples as arrays."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.labels import SENTIMENTS, SIGNALS, TOPICS, URGENCIES
from training.datasets.example import Example
from training.experiment import HeadName

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LABELS: Mapping[HeadName, tuple[str, ...]] = {
    "sentiment": SENTIMENTS,
    "urgency": URGENCIES,
    "topics": TOPICS,
    "signals": SIGNALS,
}

EXCLUSIVE_HEADS: tuple[HeadName, ...] = ("sentiment", "urgency", "topics")
"""Heads of whose labels one is the (main) one."""


def truth_of(head: HeadName, examples: Sequence[Example]) -> Ints:
    """Return the index of each example's label (topics: of the main one). *Shape:* ``(rows,)``."""
    labels = LABELS[head]
    found = [example.topic if head == "topics" else getattr(example, head) for example in examples]
    return np.array([labels.index(label) for label in found], dtype=np.int64)


def flags_of(head: HeadName, examples: Sequence[Example]) -> Floats:
    """Return 1 where a label of an independent head applies. *Shape:* ``(rows, labels)``."""
    labels = LABELS[head]
    applies = np.zeros((len(examples), len(labels)))
    for row, example in enumerate(examples):
        for label in getattr(example, head) or ():
            applies[row, labels.index(label)] = 1.0
    return applies


def labelled(head: HeadName, examples: Sequence[Example]) -> list[int]:
    """Return the places of the examples that say something about a head."""
    return [place for place, example in enumerate(examples) if getattr(example, head) is not None]
