"""Turn the logits of rows that never trained into calibrations and thresholds; learn how near is near."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.arrays import Floats2d
from models.branch import Branch
from models.heads import Heads
from models.manifest import HeadsManifest, LearntThreshold, UrgentThreshold
from training.datasets.catalogue import data_path, data_root
from training.datasets.example import Example, read_examples
from training.errors import DataError
from training.experiment import HEADS, HeadName
from training.pipeline import Context, Stage, checksum
from training.progress import show_progress
from training.readings import CalibratedHead, calibrate
from training.rows import EXAMPLES, gold_rows, signal_rows
from training.similarity import FILES, learn_relevance, learn_similar
from training.stages.train import BRANCH_WEIGHTS, LAYERS, read_branch, read_layers

CALIBRATED = "calibrated.json"

Floats = NDArray[np.float64]


class Calibrated(BaseModel):
    """What this stage leaves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    heads: HeadsManifest
    urgent: UrgentThreshold
    relevance: LearntThreshold
    similar: LearntThreshold


def read_calibrated(context: Context) -> Calibrated:
    """Return what this stage left."""
    return Calibrated.model_validate_json(context.path(CALIBRATED).read_bytes())


def calibrated_heads(context: Context) -> Heads:
    """Return the trained heads with their calibration."""
    layers, described = read_layers(context), read_calibrated(context).heads
    return Heads(
        **{
            head: getattr(described, head).with_weights(layers[head].weight, layers[head].bias)
            for head in HEADS
        }
    )


def fit_calibration(
    context: Context,
    examples: Sequence[Example],
    logits_of: Callable[[HeadName, Floats2d], Floats],
    branch: Branch | None,
) -> tuple[HeadsManifest, UrgentThreshold]:
    """Fit calibrations and thresholds of all heads to the rows that calibrate.

    Args:
        context: Of the experiment that says what thresholds are to reach.
        examples: All prepared rows.
        logits_of: Raw logits of a head for features. *Shapes:* ``(rows, width)`` to ``(rows, logits)``.
        branch: Computes the features the way serving does.
    """
    served, settings = context.served(branch), context.experiment.calibration
    gold, told = gold_rows(examples), signal_rows(examples)
    if not gold:
        raise DataError("expected gold rows that do not train: heads are calibrated on them, found none")
    texts = [row.text for row in told]
    show_progress(context, "reading what calibrates", served.missing(texts), served.ensure)
    fitted: dict[HeadName, CalibratedHead] = {}
    for head in HEADS:
        rows = told if head == "signals" else gold
        features = served.load([row.text for row in rows]).features
        fitted[head] = calibrate(head, logits_of(head, features), rows, settings)
    return (
        HeadsManifest(**{head: fitted[head].manifest for head in HEADS}),
        UrgentThreshold(
            value=fitted["urgency"].urgent_from,
            method=(
                f"highest P(high) + P(critical) that finds {settings.urgent_recall:.0%} of the real texts "
                "labelled high or critical that never trained"
            ),
        ),
    )


def _run(context: Context) -> None:
    layers = read_layers(context)
    heads, urgent = fit_calibration(
        context,
        read_examples(context.path(EXAMPLES)),
        lambda head, features: layers[head].logits(features),
        read_branch(context),
    )
    result = Calibrated(
        heads=heads,
        urgent=urgent,
        relevance=learn_relevance(data_root(), context.features),
        similar=learn_similar(data_root(), context.features),
    )
    context.path(CALIBRATED).write_text(
        json.dumps(result.model_dump(mode="json"), indent=1), encoding="utf-8"
    )


def _writes(context: Context) -> list[Path]:
    return [context.path(CALIBRATED)]


CALIBRATE = Stage(
    name="calibrate",
    run=_run,
    settings=lambda experiment: experiment.calibration.model_dump(mode="json"),
    inputs=lambda _: {
        f"{source}/{split}": checksum(data_path(data_root(), source, split)) for source, split in FILES
    },
    reads=(EXAMPLES, LAYERS, BRANCH_WEIGHTS),
    writes=_writes,
)
