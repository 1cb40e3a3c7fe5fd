"""What a calibrated head reads out of raw logits, and how a head is calibrated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration
from models.heads import HeadKind
from models.labels import NON_FEEDBACK, SIGNALS
from models.manifest import HeadManifest
from training.datasets.example import Example
from training.experiment import Calibrating, HeadName
from training.folds import grouped_folds
from training.labels import LABELS, flags_of, truth_of
from training.tuning import (
    accuracy_threshold,
    best_f1_threshold,
    calibrated,
    coverage_threshold,
    domain_shares,
    fit_exclusive,
    fit_independent,
    recall_threshold,
)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

KINDS: dict[HeadName, HeadKind] = {
    "sentiment": "softmax",
    "urgency": "sequential",
    "topics": "sigmoid",
    "signals": "sigmoid",
}
URGENT = 2
"""Index of the first urgency that cannot wait: high."""

_APPLY_ACCURACY = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a head says about rows.

    Attributes:
        probabilities: *Shape:* ``(rows, labels)``.
        suggested: Where the confidence is worth showing. *Shape:* ``(rows,)``.
        applied: Where it is worth acting on unseen. *Shape:* ``(rows,)``.
        called: Where an independent label reaches its threshold. *Shape:* ``(rows, labels)``.
        urgent: Where P(high) + P(critical) reaches the operating point; urgency only. *Shape:* ``(rows,)``.
    """

    probabilities: Floats
    suggested: Flags
    applied: Flags
    called: Flags
    urgent: Flags

    def of(self, places: Sequence[int]) -> "Reading":
        """Return the reading of some of the rows."""
        return _map_reading(lambda name: getattr(self, name)[list(places)])

    def silent_where(self, flags: Flags) -> "Reading":
        """Return the reading as it is served: what is no feedback gets neither suggestion nor action.

        Args:
            flags: Where the signal `non_feedback` is present. *Shape:* ``(rows,)``.
        """
        return replace(self, suggested=self.suggested & ~flags, applied=self.applied & ~flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedHead:
    """A head without its weights.

    Attributes:
        manifest: Labels, calibration, thresholds.
        urgent_from: Operating point of urgency, 0..1.
    """

    manifest: HeadManifest
    urgent_from: float

    def read(self, logits: Floats) -> Reading:
        """Read raw logits. *Shape:* ``(rows, logits)``."""
        head = self.manifest
        calibration = Calibration(temperature=head.temperature, shift=head.shift)
        probabilities = calibrated(head.kind, logits, calibration)
        confidence = probabilities.max(axis=1)
        return Reading(
            probabilities=probabilities,
            suggested=confidence >= head.suggest_from,
            applied=confidence >= head.apply_from,
            called=probabilities >= np.array(head.thresholds or (0.5,)),
            urgent=probabilities[:, URGENT:].sum(axis=1) >= self.urgent_from,
        )


def calibrate_head(
    head: HeadName, logits: Floats, examples: Sequence[Example], settings: Calibrating
) -> CalibratedHead:
    """Fit calibration and thresholds of a head whose labels exclude each other, or of topics.

    Args:
        head: Not `signals`; those have `calibrate_signals`.
        logits: Raw. *Shape:* ``(rows, logits)``.
        examples: One a row, never trained on, each with a label of the head.
        settings: What the thresholds are to reach.
    """
    kind, even = KINDS[head], np.ones(len(examples))
    truth = truth_of(head, examples)
    if head == "topics":
        calibration = fit_independent(logits, flags_of(head, examples), even)
    else:
        calibration = fit_exclusive(kind, logits, truth, even)
    probabilities = calibrated(kind, logits, calibration)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    thresholds: tuple[float, ...] = ()
    if head == "topics":
        applies = flags_of(head, examples)
        right = applies[np.arange(len(truth)), probabilities.argmax(axis=1)] > 0
        thresholds = tuple(
            best_f1_threshold(probabilities[:, topic], applies[:, topic], even)
            for topic in range(applies.shape[1])
        )
    suggest_from = coverage_threshold(confidence, coverage=settings.suggest_coverage)
    target = settings.apply_accuracy.get(head, _APPLY_ACCURACY)
    urgent = probabilities[:, URGENT:].sum(axis=1)
    return CalibratedHead(
        manifest=HeadManifest(
            kind=kind,
            labels=LABELS[head],
            temperature=calibration.temperature,
            shift=calibration.shift,
            suggest_from=suggest_from,
            apply_from=max(suggest_from, accuracy_threshold(confidence, right, target=target)),
            thresholds=thresholds,
        ),
        urgent_from=recall_threshold(urgent, truth >= URGENT, even, recall=settings.urgent_recall)
        if head == "urgency"
        else 0.5,
    )


def calibrate_signals(logits: Floats, examples: Sequence[Example], settings: Calibrating) -> CalibratedHead:
    """Fit calibration and thresholds of the signals.

    What a writer says is looked for in feedback, so non-feedback does not count for those signals, nor do
    rows in which nobody looked for them. For `non_feedback` everything counts, each source as a whole:
    its probability holds where written texts, real feedback and non-feedback are equally common.

    Args:
        logits: Raw. *Shape:* ``(rows, signals)``.
        examples: One a row, never trained on.
        settings: What the thresholds are to reach.
    """
    present = flags_of("signals", examples)
    asked = np.array(
        [row.signals is not None and NON_FEEDBACK not in row.signals for row in examples], dtype=np.bool_
    )
    temperatures, shifts, thresholds = [], [], []
    for place, signal in enumerate(SIGNALS):
        known = np.ones_like(asked) if signal == NON_FEEDBACK else asked
        true, here = present[known, place : place + 1], logits[known, place : place + 1]
        weights = (
            domain_shares([row.source for row in examples])
            if signal == NON_FEEDBACK
            else np.ones(int(known.sum()))
        )
        fitted = fit_independent(here, true, weights)
        probabilities = calibrated("sigmoid", here, fitted)[:, 0]
        temperatures.append(fitted.temperature[0])
        shifts.append(fitted.shift[0])
        if signal == NON_FEEDBACK:
            wanted = settings.non_feedback_recall
            thresholds.append(recall_threshold(probabilities, true[:, 0] > 0, weights, recall=wanted))
        else:
            thresholds.append(best_f1_threshold(probabilities, true[:, 0], weights))
    return CalibratedHead(
        manifest=HeadManifest(
            kind="sigmoid",
            labels=SIGNALS,
            temperature=tuple(temperatures),
            shift=tuple(shifts),
            thresholds=tuple(thresholds),
        ),
        urgent_from=0.5,
    )


def calibrate(
    head: HeadName, logits: Floats, examples: Sequence[Example], settings: Calibrating
) -> CalibratedHead:
    """Fit calibration and thresholds of any head; see `calibrate_head` and `calibrate_signals`."""
    if head == "signals":
        return calibrate_signals(logits, examples, settings)
    return calibrate_head(head, logits, examples, settings)


def cross_fitted(
    head: HeadName, logits: Floats, examples: Sequence[Example], settings: Calibrating, *, seed: int
) -> Reading:
    """Read every row by a calibration and thresholds that were fitted to the other folds.

    The rows that calibrate are few and real: this way they can be reported on too, without flattery.

    Args:
        head: As for `calibrate`.
        logits: Raw. *Shape:* ``(rows, logits)``.
        examples: One a row.
        settings: What the thresholds are to reach, and the number of folds.
        seed: Of the folds.
    """
    folds = grouped_folds(
        [row.group for row in examples],
        [f"{row.source}/{_main_label(head, row)}" for row in examples],
        folds=settings.folds,
        seed=seed,
    )
    parts: list[tuple[NDArray[np.int64], Reading]] = []
    for fold in sorted(set(folds.tolist())):
        outside, inside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        rest = [examples[place] for place in outside.tolist()]
        parts.append((inside, calibrate(head, logits[outside], rest, settings).read(logits[inside])))
    order = np.argsort(np.concatenate([places for places, _ in parts]), kind="stable")
    return _map_reading(
        lambda name: np.concatenate([getattr(part, name) for _, part in parts])[order],
    )


def _main_label(head: HeadName, example: Example) -> str:
    """Return what folds are balanced by."""
    if head == "signals":
        return "+".join(example.signals or ())
    return str(example.topic if head == "topics" else getattr(example, head))


def _map_reading(make: Callable[[str], Any]) -> Reading:
    return Reading(**{field.name: make(field.name) for field in fields(Reading)})
