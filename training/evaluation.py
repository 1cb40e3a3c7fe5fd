"""How good heads are on rows they have not seen: every figure of a model card."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.manifest import Measurement
from training.answers import metrics_of
from training.baselines import LEXICON_LANGUAGES, commonest
from training.datasets.example import Example
from training.experiment import HeadName
from training.folds import dense_groups
from training.labels import LABELS, labelled, truth_of
from training.metrics import accuracy, bootstrap_interval, confusion, macro_f1, quadratic_kappa, resamples
from training.readings import Reading

Ints = NDArray[np.int64]

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
        One measurement a head, metric and language, `all` first; then English and Danish alone with the
        word list, where sentiment has such rows.
    """
    found: list[Measurement] = []
    for head, reading in rows.readings.items():
        examples = [rows.examples[place] for place in labelled(head, rows.examples)]
        metrics = metrics_of(head, reading, examples)
        for language, here in _by_language(examples):
            draws = resamples(
                dense_groups([examples[place].group for place in here]), seed=seed, count=_RESAMPLES
            )
            compared = _baselines(rows, head, examples, here)
            for name in metrics if language == "all" else _BY_LANGUAGE:
                if name in metrics:
                    interval = (
                        None
                        if name.endswith("_p")
                        else bootstrap_interval(metrics[name], [here[draw] for draw in draws])
                    )
                    found.append(
                        Measurement(
                            rows=rows.name,
                            head=head,
                            metric=name,
                            language=language,
                            n=len(here),
                            value=metrics[name](here),
                            low=interval[0] if interval else None,
                            high=interval[1] if interval else None,
                            baselines=compared.get(name, {}),
                        )
                    )
    return found


def _by_language(examples: Sequence[Example]) -> Iterator[tuple[str, Ints]]:
    """Yield `all` and then each language with the places of its rows."""
    languages = np.array([example.lang for example in examples])
    yield "all", np.arange(len(examples))
    for language in sorted(set(languages.tolist())):
        yield language, np.flatnonzero(languages == language)


def _baselines(
    rows: ReportRows, head: HeadName, examples: Sequence[Example], here: Ints
) -> Mapping[str, dict[str, float]]:
    """Return what each baseline reaches on some rows, by metric."""
    if head == "signals":
        return {}
    truth, labels = truth_of(head, examples)[here], len(LABELS[head])
    chosen = {"commonest label": commonest(truth)}
    for name, answers in rows.baselines.get(head, {}).items():
        if name != "word list" or {examples[place].lang for place in here} <= set(LEXICON_LANGUAGES):
            chosen[name] = answers[here]
    compared: Mapping[str, Callable[..., float]] = {
        name: measure_of
        for name, measure_of in _COMPARED.items()
        if name != "quadratic_kappa" or head == "urgency"
    }
    return {
        metric: {name: measure_of(confusion(truth, answers, labels)) for name, answers in chosen.items()}
        for metric, measure_of in compared.items()
    }
