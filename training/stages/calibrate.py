"""Turn the logits of rows that never trained into calibrations and thresholds; learn how near is near."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.heads import Heads
from models.manifest import HeadsManifest, LearntThreshold, UrgentThreshold
from training.datasets.catalogue import data_path, data_root
from training.datasets.example import Example, read_examples
from training.experiment import HEADS, HeadName
from training.labels import EXCLUSIVE_HEADS
from training.pipeline import Context, Stage, checksum
from training.readings import CalibratedHead, calibrate_head, calibrate_signals
from training.similarity import FILES, learn_relevance, learn_similar
from training.stages.prepare import EXAMPLES, GOLD_ROWS
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


def gold_rows(examples: Sequence[Example]) -> list[Example]:
    """Return the real rows that calibrate: labelled by the guideline, never trained on."""
    return [row for row in examples if row.source == GOLD_ROWS and row.role == "validation"]


def signal_rows(examples: Sequence[Example]) -> list[Example]:
    """Return the rows that calibrate the signals: held-out texts and non-feedback, and real feedback."""
    told = [row for row in examples if row.role == "validation" and row.signals is not None]
    return [*told, *gold_rows(examples)]


def _run(context: Context) -> None:
    examples = read_examples(context.path(EXAMPLES))
    fitted: dict[HeadName, CalibratedHead] = {
        head: calibrate_head(
            head,
            head_logits(context, head, gold_rows(examples)),
            gold_rows(examples),
            context.experiment.calibration,
        )
        for head in EXCLUSIVE_HEADS
    }
    told = signal_rows(examples)
    fitted["signals"] = calibrate_signals(
        head_logits(context, "signals", told), told, context.experiment.calibration
    )
    wanted = context.experiment.calibration.urgent_recall
    result = Calibrated(
        heads=HeadsManifest(**{head: fitted[head].manifest for head in HEADS}),
        urgent=UrgentThreshold(
            value=fitted["urgency"].urgent_from,
            method=(
                f"highest P(high) + P(critical) that finds {wanted:.0%} of the real texts labelled high or "
                "critical that never trained"
            ),
        ),
        relevance=learn_relevance(data_root(), context.features),
        similar=learn_similar(data_root(), context.features),
    )
    context.path(CALIBRATED).write_text(
        json.dumps(result.model_dump(mode="json"), indent=1), encoding="utf-8"
    )


def head_logits(context: Context, head: HeadName, examples: Sequence[Example]) -> Floats:
    """Return raw logits of rows the way serving computes them. *Shape:* ``(rows, logits)``."""
    features = context.served(read_branch(context)).load([example.text for example in examples]).features
    return read_layers(context)[head].logits(features)


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
