"""What each head is punished for; rows that say nothing about a head do not count for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.labels import NON_FEEDBACK, SENTIMENTS, SIGNALS, TOPICS, URGENCIES
from training.datasets.example import Example
from training.experiment import HeadName

_UNKNOWN = -1
_INDEPENDENT_TOPICS = 0.3
"""Weight of "does this topic apply at all" beside "is it the main one"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The labels of a batch; -1 or NaN where a row says nothing.

    Attributes:
        sentiment: Label index. *Shape:* ``(rows,)``, int64.
        urgency: Label index. *Shape:* ``(rows,)``, int64.
        main_topic: Label index. *Shape:* ``(rows,)``, int64.
        topics: 1 where a topic applies. *Shape:* ``(rows, topics)``, float32.
        signals: 1 where a signal is present. *Shape:* ``(rows, signals)``, float32.
        weights: How much a row counts. *Shape:* ``(rows,)``, float32.
    """

    sentiment: Tensor
    urgency: Tensor
    main_topic: Tensor
    topics: Tensor
    signals: Tensor
    weights: Tensor


def targets_of(examples: Sequence[Example]) -> Targets:
    """Gather the labels of a batch."""
    return Targets(
        sentiment=_indexes([example.sentiment for example in examples], SENTIMENTS),
        urgency=_indexes([example.urgency for example in examples], URGENCIES),
        main_topic=_indexes([example.topic for example in examples], TOPICS),
        topics=_flags([example.topics for example in examples], TOPICS),
        signals=_signals([example.signals for example in examples]),
        weights=torch.tensor([example.weight for example in examples], dtype=torch.float32),
    )


def losses_of(logits: Mapping[str, Tensor], targets: Targets, *, smoothing: float) -> dict[HeadName, Tensor]:
    """Return one loss a head: the weighted sum over the rows that carry its label, by all rows.

    By all rows, so that a head's pull on the branch follows how many of a batch's rows speak about it.

    Sentiment is cross-entropy. Urgency is a binary loss a step of the scale, on the rows that have
    reached the step, so that confusing low with critical costs more than low with medium. Topics are
    cross-entropy of the main one, and a binary loss a topic. Signals are a binary loss a signal.

    Source: Cao, Mirjalili, Raschka, "Rank consistent ordinal regression", Pattern Recognition Letters
    140, 2020, and Shi, Cao, Raschka, "Deep Neural Networks for Rank-Consistent Ordinal Regression Based
    On Conditional Probabilities" (CORN), Pattern Analysis and Applications 26, 2023, equation 7.

    Args:
        logits: Of a network.
        targets: Of the same rows.
        smoothing: Probability taken from the true label and spread over all, for exclusive labels; the
            sources' labels are not all right.
    """
    return {
        "sentiment": _exclusive(logits["sentiment"], targets.sentiment, targets.weights, smoothing),
        "urgency": _ordinal(logits["urgency"], targets.urgency, targets.weights),
        "topics": _exclusive(logits["topics"], targets.main_topic, targets.weights, smoothing)
        + _INDEPENDENT_TOPICS * _independent(logits["topics"], targets.topics, targets.weights),
        "signals": _independent(logits["signals"], targets.signals, targets.weights),
    }


def _exclusive(logits: Tensor, truth: Tensor, weights: Tensor, smoothing: float) -> Tensor:
    known = truth != _UNKNOWN
    losses = functional.cross_entropy(
        logits[known], truth[known], reduction="none", label_smoothing=smoothing
    )
    return (weights[known] * losses).sum() / len(truth)


def _ordinal(logits: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    steps = torch.arange(logits.shape[1])
    above = (truth[:, None] > steps).float()
    reached = (truth[:, None] >= steps).float()
    losses = functional.binary_cross_entropy_with_logits(logits, above, reduction="none")
    return (weights[:, None] * reached * losses).sum() / len(truth)


def _independent(logits: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    known = ~truth.isnan()
    losses = functional.binary_cross_entropy_with_logits(logits, truth.nan_to_num(), reduction="none")
    return (weights[:, None] * known * losses).sum() / len(truth)


def _indexes(labels: Sequence[str | None], known: Sequence[str]) -> Tensor:
    return torch.tensor([_UNKNOWN if label is None else known.index(label) for label in labels])


def _flags(present: Sequence[tuple[str, ...] | None], known: Sequence[str]) -> Tensor:
    flags = np.full((len(present), len(known)), np.nan, dtype=np.float32)
    for row, labels in enumerate(present):
        if labels is not None:
            flags[row] = [float(label in labels) for label in known]
    return torch.from_numpy(flags)


def _signals(present: Sequence[tuple[str, ...] | None]) -> Tensor:
    """Gather signals; a text in which nobody looked for them is feedback all the same."""
    flags = _flags(present, SIGNALS)
    unasked = flags[:, 0].isnan()
    flags[unasked, SIGNALS.index(NON_FEEDBACK)] = 0.0
    return flags
