"""Labels that are probably wrong: where confident learning disagrees with whoever labelled."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats2d
from models.calibration import softmax
from training.datasets.example import Example
from training.experiment import HeadName
from training.folds import grouped_folds
from training.labels import EXCLUSIVE_HEADS, LABELS, labelled, truth_of
from training.logistic import fit_basis, fit_layer

_FOLDS = 5
_C = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A label to look at again.

    Attributes:
        example: Whose label it is.
        head: Of which head.
        given: The label it has.
        likely: The label that models of the other rows expect.
        given_probability: What they think of the given one, 0..1.
    """

    example: Example
    head: HeadName
    given: str
    likely: str
    given_probability: float


def find_suspects(examples: Sequence[Example], features: Floats2d, *, seed: int) -> Iterator[Suspect]:
    """Yield suspects head by head, the least believable label first.

    Every row is judged by a linear head on frozen features that has not seen its group.

    Source: Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels",
    Journal of Artificial Intelligence Research 70, 2021; as implemented by cleanlab.

    Args:
        examples: Labelled rows.
        features: *Shape:* ``(len(examples), width)``, float32.
        seed: Of the folds.
    """
    for head in EXCLUSIVE_HEADS:
        places = labelled(head, examples)
        if not places:
            continue
        rows = [examples[place] for place in places]
        truth = truth_of(head, rows)
        probabilities = _held_out(head, rows, features[places], seed)
        for place in _issues(truth, probabilities):
            best = int(probabilities[place].argmax())
            yield Suspect(
                example=rows[place],
                head=head,
                given=LABELS[head][truth[place]],
                likely=LABELS[head][best],
                given_probability=float(probabilities[place, truth[place]]),
            )


def _issues(truth: NDArray[np.int64], probabilities: NDArray[np.float64]) -> list[int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about labels that no row has, and about its own imports
        from cleanlab.filter import find_label_issues  # noqa: PLC0415 (seconds)

        ranked = find_label_issues(truth, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    found: list[int] = np.asarray(ranked).tolist()
    return found


def _held_out(head: HeadName, rows: Sequence[Example], features: Floats2d, seed: int) -> NDArray[np.float64]:
    folds = grouped_folds(
        [row.group for row in rows], [f"{row.source}/{row.lang}" for row in rows], folds=_FOLDS, seed=seed
    )
    targets = np.eye(len(LABELS[head]))[truth_of(head, rows)]
    projected = fit_basis(features).project(features)
    logits = np.zeros(targets.shape)
    for fold in sorted(set(folds.tolist())):
        outside, inside = folds != fold, folds == fold
        layer = fit_layer("softmax", projected[outside], targets[outside], np.ones(outside.sum()), c=_C)
        logits[inside] = layer.logits(projected[inside])
    return softmax(logits)
