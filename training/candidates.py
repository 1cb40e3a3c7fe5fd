"""One way of training a head: what is varied when the best way is looked for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.heads import HeadKind
from models.labels import SENTIMENTS, TOPICS, URGENCIES
from training.datasets.example import Example
from training.experiment import HeadName, Search

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LABELS: dict[HeadName, tuple[str, ...]] = {
    "sentiment": SENTIMENTS,
    "urgency": URGENCIES,
    "topics": TOPICS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Values of one `Search`; the fields carry its names in the singular."""

    kind: HeadKind
    c: float
    extra_weight: float
    gold_weight: float
    class_balance: float
    language_balance: float
    second_topic_weight: float

    def described(self) -> dict[str, str | float]:
        """Return the values by name."""
        return asdict(self)


def first_candidate(search: Search) -> Candidate:
    """Return the candidate a search starts from."""
    return Candidate(
        kind=search.kinds[0],
        c=search.c[0],
        extra_weight=search.extra_weights[0],
        gold_weight=search.gold_weights[0],
        class_balance=search.class_balance[0],
        language_balance=search.language_balance[0],
        second_topic_weight=search.second_topic_weights[0],
    )


def neighbours(candidate: Candidate, search: Search, field: str) -> list[Candidate]:
    """Return the candidates that differ from one in one field only."""
    values: dict[str, tuple[Any, ...]] = {
        "kind": search.kinds,
        "c": search.c,
        "extra_weight": search.extra_weights,
        "gold_weight": search.gold_weights,
        "class_balance": search.class_balance,
        "language_balance": search.language_balance,
        "second_topic_weight": search.second_topic_weights,
    }
    changed = [replace(candidate, **{field: value}) for value in values[field]]
    return [other for other in changed if other != candidate]


FIELDS = tuple(field.name for field in fields(Candidate))
"""In the order in which they are searched."""


def truth_of(head: HeadName, examples: Sequence[Example]) -> Ints:
    """Return the index of each example's label (topics: of the main one). *Shape:* ``(rows,)``."""
    labels = LABELS[head]
    found = [example.topic if head == "topics" else getattr(example, head) for example in examples]
    return np.array([labels.index(label) for label in found], dtype=np.int64)


def targets_of(head: HeadName, kind: HeadKind, examples: Sequence[Example]) -> Floats:
    """Return what a kind is fitted to, as `training.fitting.fit_layer` takes it."""
    if kind == "sigmoid":
        return topics_of(examples)
    truth = truth_of(head, examples)
    labels = len(LABELS[head])
    if kind == "softmax":
        return np.eye(labels, dtype=np.float64)[truth]
    return np.asarray(truth[:, None] > np.arange(labels - 1), dtype=np.float64)


def topics_of(examples: Sequence[Example]) -> Floats:
    """Return 1 where a topic applies. *Shape:* ``(rows, topics)``."""
    applies = np.zeros((len(examples), len(TOPICS)))
    for row, example in enumerate(examples):
        for topic in example.topics or ():
            applies[row, TOPICS.index(topic)] = 1.0
    return applies


def weights_of(candidate: Candidate, head: HeadName, examples: Sequence[Example]) -> Floats:
    """Return how much each row counts in the fit, 1 on average.

    Args:
        candidate: Says how.
        head: Whose labels are balanced.
        examples: Rows to train on; they carry a label of the head.

    Returns:
        *Shape:* ``(rows,)``; of a column each for topics and for steps of a scale.
    """
    base = np.array([_source_weight(candidate, example) for example in examples])
    base = base * _inverse_frequency([example.lang for example in examples], base, candidate.language_balance)
    if head == "topics":
        return _balanced_topics(candidate, examples, base)
    truth = truth_of(head, examples).tolist()
    base = base * _inverse_frequency(truth, base, candidate.class_balance)
    base = base / base.mean()
    if candidate.kind == "sequential":
        # A step is learnt from the rows that have taken all the steps before it.
        reached = np.array(truth)[:, None] >= np.arange(len(LABELS[head]) - 1)
        return np.asarray(base[:, None] * reached, dtype=np.float64)
    return np.asarray(base, dtype=np.float64)


def _source_weight(candidate: Candidate, example: Example) -> float:
    if example.role == "extra":
        return candidate.extra_weight * example.weight
    return candidate.gold_weight if example.source == "gold" else 1.0


def _inverse_frequency(values: Sequence[object], weights: Floats, power: float) -> Floats:
    if not power:
        return np.ones(len(values))
    counts: Counter[object] = Counter()
    for value, weight in zip(values, weights.tolist(), strict=True):
        counts[value] += weight
    return np.array([max(counts[value], 1e-9) ** -power for value in values])


def _balanced_topics(candidate: Candidate, examples: Sequence[Example], base: Floats) -> Floats:
    base = base / base.mean()
    applies = topics_of(examples)
    positive = np.maximum((applies * base[:, None]).sum(axis=0), 1.0)
    raised = (base.sum() / positive) ** candidate.class_balance
    weights = base[:, None] * np.where(applies > 0, raised, 1.0)
    for row, example in enumerate(examples):
        for topic in (example.topics or ())[1:]:
            weights[row, TOPICS.index(topic)] *= candidate.second_topic_weight
    return np.asarray(weights, dtype=np.float64)
