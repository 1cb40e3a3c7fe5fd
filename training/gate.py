"""May a new model take the place of the current one?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from models.manifest import Manifest, Measurement
from training.experiment import Gate

_OVERALL = "macro_f1"
_BY_LANGUAGE = "accuracy"

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A figure in which the new model is worse by more than is allowed.

    Attributes:
        where: Rows, head, language.
        metric: Which figure.
        current: Of the current model.
        new: Of the new one.
        margin: How much less it could have been.
    """

    where: Key
    metric: str
    current: float
    new: float
    margin: float

    def __str__(self) -> str:
        """Say it in a line."""
        rows, head, language = self.where
        return (
            f"{head} of {language} on {rows}: {self.metric} {self.new:.3f}, "
            f"the current model has {self.current:.3f} and {self.margin:.3f} less is allowed"
        )


def losses(current: Manifest, new: Manifest, gate: Gate) -> list[Loss]:
    """Compare what two models state about the same rows: macro-F1 over all, accuracy a language.

    Figures of rows that only one of them was measured on, or of another number of them, say nothing.

    Args:
        current: Of the model in use.
        new: Of the one that would replace it.
        gate: How much less is allowed.

    Returns:
        What is worse by more than that; empty when the new model may pass.
    """
    return [
        *_compare(current, new, _OVERALL, margin=gate.margin, least_rows=0, overall=True),
        *_compare(
            current, new, _BY_LANGUAGE, margin=gate.language_margin, least_rows=gate.least_rows, overall=False
        ),
    ]


def _compare(
    current: Manifest, new: Manifest, metric: str, *, margin: float, least_rows: int, overall: bool
) -> Iterator[Loss]:
    before, after = _figures(current, metric, overall=overall), _figures(new, metric, overall=overall)
    for where, old in before.items():
        found = after.get(where)
        if found is None or found.n != old.n or old.n < least_rows:
            continue
        if found.value < old.value - margin:
            yield Loss(where=where, metric=metric, current=old.value, new=found.value, margin=margin)


def _figures(manifest: Manifest, metric: str, *, overall: bool) -> Mapping[Key, Measurement]:
    return {
        (m.rows, m.head, m.language): m
        for m in manifest.measurements
        if m.metric == metric and (m.language == "all") == overall
    }
