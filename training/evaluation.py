"""How good heads are on rows they have not seen: every figure of a model card."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats2d
from models.heads import Heads, LinearHead
from models.manifest import Measurement
from training.candidates import LABELS, topics_of, truth_of
from training.datasets.example import Example
from training.experiment import HEADS, HeadName
from training.fitting import fit_basis, fit_layer
from training.folds import dense_groups, grouped_folds
from training.metrics import (
    accuracy,
    bootstrap_interval,
    brier,
    confusion,
    expected_calibration_error,
    macro_f1,
    quadratic_kappa,
    resamples,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Statistic = Callable[[Ints], float]

_RESAMPLES = 1000
_BASELINE_C = 0.01
"""Regularisation of the heads cross-validated on the rows of the report: fixed, not chosen there."""
_BY_LANGUAGE = ("macro_f1", "accuracy", "quadratic_kappa", "brier", "ece")
_URGENT = 2
"""Index of the first urgency that cannot wait: high."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a head said about rows, beside what is true.

    Attributes:
        truth: Index of the (main) label. *Shape:* ``(rows,)``.
        probabilities: *Shape:* ``(rows, labels)``.
        answered: Where the head did not abstain. *Shape:* ``(rows,)``.
        topics: 1 where a topic is true, for topics only. *Shape:* ``(rows, labels)``.
        applied: True where a topic was called, for topics only. *Shape:* ``(rows, labels)``.
    """

    truth: Ints
    probabilities: Floats
    answered: Flags
    topics: Floats | None = None
    applied: Flags | None = None

    @property
    def chosen(self) -> Ints:
        """Index of the most probable label."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)


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
        answers = _answers(head, getattr(heads, head), features[places], labelled)
        compared = _cross_validated(head, labelled, features[places], seed)
        languages = np.array([row.lang for row in labelled])
        groups = [row.group for row in labelled]
        for language in ("all", *sorted(set(languages.tolist()))):
            here = np.flatnonzero((languages == language) | (language == "all"))
            metrics = _metrics(head, answers, urgent_from)
            wanted = metrics if language == "all" else {k: metrics[k] for k in _BY_LANGUAGE if k in metrics}
            draws = resamples(dense_groups([groups[place] for place in here]), seed=seed, count=_RESAMPLES)
            baseline = _baselines(head, answers, compared, here)
            for name, statistic in wanted.items():
                low, high = bootstrap_interval(statistic, [here[draw] for draw in draws])
                found.append(
                    Measurement(
                        rows=rows,
                        head=head,
                        metric=name,
                        language=language,
                        n=len(here),
                        value=statistic(here),
                        low=low,
                        high=high,
                        **baseline.get(name, {}),
                    )
                )
    return found


def _answers(head: HeadName, layer: LinearHead, features: Floats2d, examples: list[Example]) -> Answers:
    probabilities = layer.probabilities(features)
    answered = probabilities.max(axis=1) >= layer.abstain_below
    truth = truth_of(head, examples)
    if head != "topics":
        return Answers(truth=truth, probabilities=probabilities, answered=answered)
    return Answers(
        truth=truth,
        probabilities=probabilities,
        answered=answered,
        topics=topics_of(examples),
        applied=probabilities >= np.array(layer.thresholds or (0.5,)),
    )


def _metrics(head: HeadName, answers: Answers, urgent_from: float) -> dict[str, Statistic]:
    """Return the metrics of a head as functions of row indexes."""
    labels = len(LABELS[head])
    truth, chosen = answers.truth, answers.chosen
    right = chosen == truth

    def counts(rows: Ints) -> Floats:
        return confusion(truth[rows], chosen[rows], labels)

    metrics: dict[str, Statistic] = {
        "macro_f1": lambda rows: macro_f1(counts(rows)),
        "accuracy": lambda rows: accuracy(counts(rows)),
        "coverage": lambda rows: float(answers.answered[rows].mean()),
        "accuracy_when_answering": lambda rows: _share(right[rows], answers.answered[rows]),
    }
    if answers.topics is not None and answers.applied is not None:
        return metrics | _topic_metrics(answers, answers.topics, answers.applied)
    confidence = answers.probabilities.max(axis=1)
    metrics |= {
        "brier": lambda rows: brier(answers.probabilities[rows], truth[rows]),
        "ece": lambda rows: expected_calibration_error(confidence[rows], right[rows]),
    }
    return metrics | (_urgency_metrics(answers, urgent_from, counts) if head == "urgency" else {})


def _urgency_metrics(
    answers: Answers, urgent_from: float, counts: Callable[[Ints], Floats]
) -> dict[str, Statistic]:
    urgent, said = answers.truth >= _URGENT, answers.chosen >= _URGENT
    flagged = answers.probabilities[:, _URGENT:].sum(axis=1) >= urgent_from
    return {
        "quadratic_kappa": lambda rows: quadratic_kappa(counts(rows)),
        "urgent_recall_of_labels": lambda rows: _share(said[rows], urgent[rows]),
        "urgent_precision_of_labels": lambda rows: _share(urgent[rows], said[rows]),
        "urgent_recall": lambda rows: _share(flagged[rows], urgent[rows]),
        "urgent_precision": lambda rows: _share(urgent[rows], flagged[rows]),
        "urgent_flagged": lambda rows: float(flagged[rows].mean()),
    }


def _topic_metrics(answers: Answers, topics: Floats, applied: Flags) -> dict[str, Statistic]:
    rows_of = np.arange(len(topics))
    confidence, right = answers.probabilities.max(axis=1), topics[rows_of, answers.chosen] > 0

    def micro_f1(rows: Ints) -> float:
        hits = (applied[rows] * topics[rows]).sum()
        size = applied[rows].sum() + topics[rows].sum()
        return float(2 * hits / size) if size else 0.0

    return {
        "micro_f1_all_topics": micro_f1,
        "best_is_one_of_the_topics": lambda rows: float(right[rows].mean()),
        # A topic's probability is that it applies at all, so this is what confidence is held against.
        "ece": lambda rows: expected_calibration_error(confidence[rows], right[rows]),
        "brier": lambda rows: float(((answers.probabilities[rows] - topics[rows]) ** 2).sum(axis=1).mean()),
    }


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


def _share(of: Flags, among: Flags) -> float:
    """Return the share of `of` among the rows where `among` holds; 0 where it never does."""
    return float(of[among].mean()) if among.any() else 0.0
