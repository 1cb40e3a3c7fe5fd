"""How good heads are on rows they have not seen: every figure of a model card."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.manifest import Estimate, Measurement
from training.answers import Statistic, metrics_of
from training.baselines import LEXICON_LANGUAGES, commonest
from training.datasets.example import Example
from training.experiment import HeadName
from training.folds import dense_groups
from training.labels import LABELS, labelled, truth_of
from training.metrics import accuracy, bootstrap_interval, confusion, macro_f1, quadratic_kappa, resamples
from training.readings import Reading

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

COMMONEST = "commonest label"
FROZEN_LINEAR = "frozen linear"
WORD_LIST = "word list"
_LANGUAGE_ROWS = 10

_RESAMPLES = 1000
_BY_LANGUAGE = ("macro_f1", "accuracy", "quadratic_kappa", "brier", "calibration_error", "calibration_p")
_COMPARED = {"macro_f1": macro_f1, "accuracy": accuracy, "quadratic_kappa": quadratic_kappa}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRows:
    """Rows to report on, with what each head said about them.

    Attributes:
        name: In the report.
        examples: One a row.
        readings: By head; over all examples that carry its label, in order.
        baselines: By head, then by name: the label index that a baseline chose, over the same examples.
    """

    name: str
    examples: tuple[Example, ...]
    readings: Mapping[HeadName, Reading]
    baselines: Mapping[HeadName, Mapping[str, Ints]] = field(default_factory=dict)


def measure(rows: ReportRows, *, seed: int) -> list[Measurement]:
    """Measure heads on labelled rows, overall and language by language.

    Args:
        rows: What was said about what.
        seed: Of the resamples.

    Returns:
        One measurement a head, metric and language, `all` first. Overall there are two more for heads of
        exclusive labels: the mean over languages of macro-F1, and by how much the accuracy of Finnish
        differs from that of all rows.
    """
    found: list[Measurement] = []
    for head, reading in rows.readings.items():
        examples = [rows.examples[place] for place in labelled(head, rows.examples)]
        metrics = metrics_of(head, reading, examples)
        across = _across_languages(metrics, examples)
        for language, here in _by_language(examples):
            groups = dense_groups([examples[place].group for place in here])
            draws = [here[draw] for draw in resamples(groups, seed=seed, count=_RESAMPLES)]
            compared = _baselines(rows, head, examples, here)
            wanted = metrics | across if language == "all" else metrics
            for name, statistic in wanted.items():
                if language == "all" or name in _BY_LANGUAGE:
                    estimate = _estimate(statistic, here, draws)
                    found.append(
                        Measurement(
                            rows=rows.name,
                            head=head,
                            metric=name,
                            language=language,
                            n=len(here),
                            value=estimate.value,
                            low=None if name.endswith("_p") else estimate.low,
                            high=None if name.endswith("_p") else estimate.high,
                            baselines={
                                baseline: _estimate(other[name], here, draws)
                                for baseline, other in compared.items()
                                if name in other
                            },
                        )
                    )
    return found


def _estimate(statistic: Statistic, here: Ints, draws: Sequence[Ints]) -> Estimate:
    low, high = bootstrap_interval(statistic, draws)
    return Estimate(value=statistic(here), low=low, high=high)


def _across_languages(metrics: Mapping[str, Statistic], examples: Sequence[Example]) -> dict[str, Statistic]:
    """Return what compares languages; languages with few rows do not count."""
    languages = np.array([example.lang for example in examples])
    names = [name for name in sorted(set(languages.tolist())) if (languages == name).sum() >= _LANGUAGE_ROWS]
    if "macro_f1" not in metrics or len(names) < 2:  # noqa: PLR2004 (nothing to compare)
        return {}

    def mean_of_languages(rows: Ints) -> float:
        parts = [rows[languages[rows] == name] for name in names]
        return float(np.mean([metrics["macro_f1"](part) for part in parts if len(part)]))

    def finnish_minus_all(rows: Ints) -> float:
        finnish = rows[languages[rows] == "fi"]
        return metrics["accuracy"](finnish) - metrics["accuracy"](rows) if len(finnish) else 0.0

    found: dict[str, Statistic] = {"macro_f1_mean_of_languages": mean_of_languages}
    return found | ({"finnish_accuracy_minus_all": finnish_minus_all} if "fi" in names else {})


def _by_language(examples: Sequence[Example]) -> Iterator[tuple[str, Ints]]:
    """Yield `all` and then each language with the places of its rows."""
    languages = np.array([example.lang for example in examples])
    yield "all", np.arange(len(examples))
    for language in sorted(set(languages.tolist())):
        yield language, np.flatnonzero(languages == language)


def _baselines(
    rows: ReportRows, head: HeadName, examples: Sequence[Example], here: Ints
) -> dict[str, dict[str, Statistic]]:
    """Return the metrics of each baseline on some rows, by its name."""
    if head == "signals":
        return {}
    truth, labels = truth_of(head, examples), len(LABELS[head])
    chosen = {COMMONEST: np.full(len(truth), commonest(truth[here])[0])}
    known_to_word_list = {examples[place].lang for place in here} <= set(LEXICON_LANGUAGES)
    chosen |= {
        name: answers
        for name, answers in rows.baselines.get(head, {}).items()
        if name != WORD_LIST or known_to_word_list
    }
    compared = (
        _COMPARED if head == "urgency" else {n: m for n, m in _COMPARED.items() if n != "quadratic_kappa"}
    )
    return {
        name: {
            metric: _compared(measure_of, truth, answers, labels) for metric, measure_of in compared.items()
        }
        for name, answers in chosen.items()
    }


def _compared(measure_of: Callable[[Floats], float], truth: Ints, answers: Ints, labels: int) -> Statistic:
    return lambda rows: measure_of(confusion(truth[rows], answers[rows], labels))
