"""Which of the prepared rows serve what."""

from collections.abc import Sequence

from training.datasets.example import Example
from training.experiment import Experiment

EXAMPLES = "examples.jsonl"
"""File of the run's folder that holds all prepared rows."""

GOLD_ROWS = "gold"
"""Source, and name in the report, of the rows that were labelled by the guideline by several hands."""


def gold_rows(examples: Sequence[Example]) -> list[Example]:
    """Return the real rows that calibrate: labelled by the guideline, never trained on."""
    return [row for row in examples if row.source == GOLD_ROWS and row.role == "validation"]


def signal_rows(examples: Sequence[Example]) -> list[Example]:
    """Return the rows that calibrate the signals: held-out texts and non-feedback, and real feedback."""
    told = [row for row in examples if row.role == "validation" and row.signals is not None]
    return [*told, *gold_rows(examples)]


def limits_of(experiment: Experiment) -> dict[str, int]:
    """Return the most rows of a source in one epoch, as `training.batches.rows_of_epoch` takes them."""
    return {
        f"{use.source}/{use.split}/{'+'.join(use.heads)}": use.rows_per_epoch
        for use in experiment.data.train
        if use.rows_per_epoch is not None
    }
