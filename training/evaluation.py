"""How good heads are on rows they have not seen: every figure of a model card."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats2d
from models.heads import Heads
from models.manifest import Measurement
from training.answers import Answers, answers_of, metrics_of
from training.candidates import LABELS, truth_of
from training.datasets.example import Example
from training.experiment import HEADS, HeadName
from training.fitting import fit_basis, fit_layer
from training.folds import dense_groups, grouped_folds
from training.metrics import (
    accuracy,
    bootstrap_interval,
    confusion,
    macro_f1,
    quadratic_kappa,
    resamples,
)

Ints = NDArray[np.int64]

_RESAMPLES = 1000
_BASELINE_C = 0.01
"""Regularisation of the heads cross-validated on the rows of the report: fixed, not chosen there."""
_BY_LANGUAGE = ("macro_f1", "accuracy", "quadratic_kappa", "brier", "ece")


def measure(
    heads: Heads,
    *,
    urgent_from: float,
    rows: str,
    examples: Sequence[Example],
    features: Floats2d,
    seed: int,
) -> list[Measurement]:
    """Measure heads on labelled rows, overall and language by language.

    Args:
        heads: What is measured.
        urgent_from: Operating point: P(high) + P(critical) from which a text counts as urgent.
        rows: Name of the rows in the report.
        examples: Labelled rows; a head is measured on those that carry its label.
        features: *Shape:* ``(len(examples), width)``.
        seed: Of folds and resamples.

    Returns:
        One measurement a head, metric and language, `all` first.
    """
    found: list[Measurement] = []
    for head in HEADS:
        places = [place for place, row in enumerate(examples) if getattr(row, head) is not None]
        if not places:
            continue
        labelled = [examples[place] for place in places]
        answers = answers_of(head, getattr(heads, head), features[places], labelled)
        compared = _cross_validated(head, labelled, features[places], seed)
        metrics = metrics_of(head, answers, urgent_from=urgent_from)
        for language, here in _by_language(labelled):
            draws = resamples(
                dense_groups([labelled[place].group for place in here]), seed=seed, count=_RESAMPLES
            )
            baselines = _baselines(head, answers, compared, here)
            for name in metrics if language == "all" else _BY_LANGUAGE:
                if name in metrics:
                    low, high = bootstrap_interval(metrics[name], [here[draw] for draw in draws])
                    where = {"rows": rows, "head": head, "metric": name, "language": language}
                    figures = {"n": len(here), "value": metrics[name](here), "low": low, "high": high}
                    found.append(Measurement.model_validate(where | figures | baselines.get(name, {})))
    return found


def _by_language(examples: Sequence[Example]) -> Iterator[tuple[str, Ints]]:
    """Yield `all` and then each language with the places of its rows."""
    languages = np.array([example.lang for example in examples])
    yield "all", np.arange(len(examples))
    for language in sorted(set(languages.tolist())):
        yield language, np.flatnonzero(languages == language)


def _baselines(
    head: HeadName, answers: Answers, compared: Ints | None, here: Ints
) -> Mapping[str, dict[str, float | None]]:
    """Return what the commonest label and heads of these very rows reach, by metric."""
    labels = len(LABELS[head])
    truth = answers.truth[here]
    commonest = np.full(len(truth), np.bincount(truth).argmax())
    by_majority = confusion(truth, commonest, labels)
    by_fold = None if compared is None else confusion(truth, compared[here], labels)
    measures = {"macro_f1": macro_f1, "accuracy": accuracy}
    if head == "urgency":
        measures["quadratic_kappa"] = quadratic_kappa
    return {
        name: {
            "majority": measure_of(by_majority),
            "cross_validated": None if by_fold is None else measure_of(by_fold),
        }
        for name, measure_of in measures.items()
    }


def _cross_validated(head: HeadName, examples: list[Example], features: Floats2d, seed: int) -> Ints | None:
    """Return what plain heads say that were trained on the other folds of these very rows."""
    folds = grouped_folds([row.group for row in examples], [row.lang for row in examples], folds=5, seed=seed)
    if len(set(folds.tolist())) == 1:
        return None
    truth = truth_of(head, examples)
    targets = np.eye(len(LABELS[head]), dtype=np.float64)[truth]
    chosen = np.zeros(len(examples), dtype=np.int64)
    rows = fit_basis(features).project(features)
    for fold in sorted(set(folds.tolist())):
        inside, outside = folds == fold, folds != fold
        layer = fit_layer(
            "softmax", rows[outside], targets[outside], np.ones(int(outside.sum())), c=_BASELINE_C
        )
        chosen[inside] = layer.logits(rows[inside]).argmax(axis=1)
    return chosen
