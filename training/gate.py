"""May a new model take the place of the current one?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.answers import Statistic, metrics_of
from training.datasets.example import Example
from training.evaluation import ReportRows
from training.experiment import Gate, HeadName
from training.folds import dense_groups
from training.labels import labelled
from training.metrics import bootstrap_interval, resamples

_RESAMPLES = 500
_OVERALL = "macro_f1"
_BY_LANGUAGE = "accuracy"
_OF_SIGNALS = ("_recall", "_false_alarms")

Pair = tuple[Statistic, Statistic]
"""The same figure of the current and of the new model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One figure of two models on the same rows.

    Attributes:
        where: Rows, head, language.
        metric: Which figure; more is better, but for false alarms.
        current: Of the current model.
        new: Of the new one.
        margin: How much worse it may be.
        refused: True when it is worse by more than that; for a language, when chance alone does not
            explain that it is worse.
    """

    where: tuple[str, HeadName, str]
    metric: str
    current: float
    new: float
    margin: float
    refused: bool

    def __str__(self) -> str:
        """Say it in a line."""
        rows, head, language = self.where
        return (
            f"{head} of {language} on {rows}: {self.metric} {self.new:.3f}, "
            f"the current model has {self.current:.3f} and a margin of {self.margin:.3f} is allowed"
        )


def compare(
    current: Sequence[ReportRows], new: Sequence[ReportRows], gate: Gate, *, seed: int
) -> list[Comparison]:
    """Compare what two models say about the same rows.

    Overall: macro-F1 of every head of exclusive labels, recall and false alarms of every signal. By
    language: accuracy, paired; small languages are noisy, so there the loss must also be one whose
    bootstrap 95 % interval leaves out zero.

    Args:
        current: What the model in use says.
        new: What the one says that would replace it; of the same rows, in the same order.
        gate: How much worse it may be.
        seed: Of the resamples.
    """
    found: list[Comparison] = []
    for before, after in zip(current, new, strict=True):
        for head in after.readings:
            examples = [after.examples[place] for place in labelled(head, after.examples)]
            pairs = _paired(
                metrics_of(head, before.readings[head], examples),
                metrics_of(head, after.readings[head], examples),
            )
            found += _overall(after.name, head, pairs, len(examples), gate)
            if _BY_LANGUAGE in pairs:
                found += _by_language(after.name, head, pairs[_BY_LANGUAGE], examples, gate, seed)
    return found


def _paired(old: Mapping[str, Statistic], new: Mapping[str, Statistic]) -> dict[str, Pair]:
    return {name: (old[name], statistic) for name, statistic in new.items()}


def _overall(
    rows: str, head: HeadName, pairs: Mapping[str, Pair], count: int, gate: Gate
) -> Iterator[Comparison]:
    everything = np.arange(count)
    margin = gate.signal_margin if head == "signals" else gate.margin
    for name, (old, new) in pairs.items():
        if name == _OVERALL or (head == "signals" and name.endswith(_OF_SIGNALS)):
            before, after = old(everything), new(everything)
            loss = after - before if name.endswith("_false_alarms") else before - after
            yield Comparison(
                where=(rows, head, "all"),
                metric=name,
                current=before,
                new=after,
                margin=margin,
                refused=loss > margin,
            )


def _by_language(
    rows: str, head: HeadName, pair: Pair, examples: Sequence[Example], gate: Gate, seed: int
) -> Iterator[Comparison]:
    old, new = pair
    languages = np.array([example.lang for example in examples])
    for language in sorted(set(languages.tolist())):
        here = np.flatnonzero(languages == language)
        before, after = old(here), new(here)
        refused = False
        if before - after > gate.language_margin:
            groups = dense_groups([examples[place].group for place in here.tolist()])
            draws = [here[draw] for draw in resamples(groups, seed=seed, count=_RESAMPLES)]
            low, _ = bootstrap_interval(lambda places: old(places) - new(places), draws)
            refused = low > 0
        yield Comparison(
            where=(rows, head, language),
            metric=_BY_LANGUAGE,
            current=before,
            new=after,
            margin=gate.language_margin,
            refused=refused,
        )
