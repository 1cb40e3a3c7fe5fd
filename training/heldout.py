"""What heads say about rows they were not trained on, and how good that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats2d, Ints1d
from models.calibration import Calibration
from training.candidates import LABELS, Candidate, targets_of, topics_of, truth_of, weights_of
from training.datasets.example import Example
from training.experiment import HeadName
from training.fitting import Basis, Layer, fit_layer
from training.metrics import accuracy, confusion, macro_f1, quadratic_kappa
from training.tuning import calibrated, fit_exclusive, fit_independent

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows that say something about one head.

    Attributes:
        head: Whose labels every row carries.
        examples: One a row.
        basis: Of the features of all rows.
        rows: Features projected on it. *Shape:* ``(rows, width)``.
        folds: In which fold a row is held out; -1 for rows that always train. *Shape:* ``(rows,)``.
    """

    head: HeadName
    examples: tuple[Example, ...]
    basis: Basis
    rows: Floats2d
    folds: Ints1d

    def taken(self, places: Ints1d) -> list[Example]:
        """Return the examples at some places."""
        return [self.examples[place] for place in places.tolist()]

    @property
    def held(self) -> Ints1d:
        """Places of the rows that are held out in some fold."""
        return np.flatnonzero(self.folds >= 0)


def fit_on(table: Table, candidate: Candidate, places: Ints1d) -> Layer:
    """Fit a head as a candidate says on the rows at some places.

    Returns:
        A layer for projected rows.
    """
    examples = table.taken(places)
    return fit_layer(
        candidate.kind,
        table.rows[places],
        targets_of(table.head, candidate.kind, examples),
        weights_of(candidate, table.head, examples),
        c=candidate.c,
    )


def training_places(table: Table, candidate: Candidate, *, without_fold: int | None = None) -> Ints1d:
    """Return the rows that train: not those for validation, nor those that weigh nothing."""
    roles = np.array([example.role for example in table.examples])
    trains = (roles == "folds") | ((roles == "extra") & (candidate.extra_weight > 0))
    if without_fold is not None:
        trains &= table.folds != without_fold
    return np.flatnonzero(trains)


def held_out_logits(table: Table, candidate: Candidate) -> Floats:
    """Return raw logits of the held-out rows, each from a head that has not seen its fold.

    Returns:
        *Shape:* ``(len(table.held), logits)``.
    """
    held = table.held
    logits: Floats | None = None
    for fold in range(int(table.folds.max()) + 1):
        layer = fit_on(table, candidate, training_places(table, candidate, without_fold=fold))
        if logits is None:
            logits = np.zeros((len(held), len(layer.bias)))
        here = table.folds[held] == fold
        logits[here] = layer.logits(table.rows[held[here]])
    if logits is None:
        raise ValueError("expected at least one fold")
    return logits


def domain_shares(examples: Sequence[Example], weights: Mapping[str, float]) -> Floats:
    """Return how much each row counts so that each source counts as a whole, 1 on average.

    Args:
        examples: Rows of several sources.
        weights: How much a source counts; 1 if unnamed.

    Returns:
        *Shape:* ``(rows,)``.
    """
    sources = [example.source for example in examples]
    shares = np.array([weights.get(source, 1.0) / sources.count(source) for source in sources])
    return np.asarray(shares / shares.mean(), dtype=np.float64)


def calibrate(
    head: HeadName, candidate: Candidate, logits: Floats, examples: Sequence[Example], weights: Floats
) -> Calibration:
    """Fit the calibration of a head to held-out rows."""
    if candidate.kind == "sigmoid":
        return fit_independent(logits, topics_of(examples), weights)
    return fit_exclusive(candidate.kind, logits, truth_of(head, examples), weights)


def scores_by_source(
    head: HeadName, candidate: Candidate, logits: Floats, examples: Sequence[Example], weights: Floats
) -> dict[str, float]:
    """Return how good calibrated held-out answers are, source by source.

    The score is macro-F1; for urgency its mean with the quadratic kappa, for topics (the main one)
    its mean with accuracy, since a source may have a handful of rows of a topic.
    """
    calibration = calibrate(head, candidate, logits, examples, weights)
    chosen = calibrated(candidate.kind, logits, calibration).argmax(axis=1)
    truth = truth_of(head, examples)
    sources = np.array([example.source for example in examples])
    scores = {}
    for source in sorted(set(sources.tolist())):
        here = sources == source
        counts = confusion(truth[here], chosen[here], len(LABELS[head]))
        second = {"urgency": quadratic_kappa, "topics": accuracy, "sentiment": macro_f1}[head]
        scores[source] = (macro_f1(counts) + second(counts)) / 2
    return scores
