"""Turn held-out logits into calibrations and thresholds, and learn how near is near."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.calibration import Calibration
from models.heads import Heads, LinearHead
from models.manifest import HeadManifest, HeadsManifest, LearntThreshold, UrgentThreshold
from training.candidates import LABELS, topics_of, truth_of
from training.datasets.catalogue import data_path, data_root
from training.datasets.example import Example, read_examples
from training.experiment import HEADS, HeadName
from training.heldout import calibrate, domain_shares
from training.pipeline import Context, Stage, checksum
from training.similarity import FILES, learn_relevance, learn_similar
from training.stages.prepare import EXAMPLES
from training.stages.train import (
    CHOICES,
    HELD_OUT,
    LAYERS,
    held_out_examples,
    read_candidate,
    read_held_out,
    read_layer,
)
from training.tuning import abstention_threshold, best_f1_threshold, calibrated, recall_threshold

CALIBRATED = "calibrated.json"
_URGENT = 2

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
    described = read_calibrated(context).heads
    return Heads(**{head: _linear_head(context, head, getattr(described, head)) for head in HEADS})


def _linear_head(context: Context, head: HeadName, described: HeadManifest) -> LinearHead:
    layer = read_layer(context, head)
    return LinearHead(
        kind=described.kind,
        labels=described.labels,
        weight=layer.weight,
        bias=layer.bias,
        calibration=Calibration(temperature=described.temperature, shift=described.shift),
        abstain_below=described.abstain_below,
        thresholds=described.thresholds,
    )


def _run(context: Context) -> None:
    examples = read_examples(context.path(EXAMPLES))
    heads = {head: _calibrate_head(context, head, examples) for head in HEADS}
    result = Calibrated(
        heads=HeadsManifest(**heads),
        urgent=_urgent_threshold(context, heads["urgency"], examples),
        relevance=learn_relevance(data_root(), context.features),
        similar=learn_similar(data_root(), context.features),
    )
    context.path(CALIBRATED).write_text(
        json.dumps(result.model_dump(mode="json"), indent=1), encoding="utf-8"
    )


def _held(context: Context, head: HeadName, examples: list[Example]) -> tuple[list[Example], Floats, Floats]:
    """Return the held-out rows of a head, how much each counts, and their raw logits."""
    rows = held_out_examples(head, examples)
    weights = domain_shares(rows, context.experiment.calibration.domain_weights)
    return rows, weights, read_held_out(context, head)


def _calibrate_head(context: Context, head: HeadName, examples: list[Example]) -> HeadManifest:
    rows, weights, logits = _held(context, head, examples)
    candidate = read_candidate(context, head)
    kind = candidate.kind
    calibration = calibrate(head, candidate, logits, rows, weights)
    probabilities = calibrated(kind, logits, calibration)
    right = probabilities.argmax(axis=1) == truth_of(head, rows)
    search = getattr(context.experiment.heads, head)
    thresholds: tuple[float, ...] = ()
    if head == "topics":
        applies = topics_of(rows)
        thresholds = tuple(
            best_f1_threshold(probabilities[:, topic], applies[:, topic], weights)
            for topic in range(applies.shape[1])
        )
    return HeadManifest(
        kind=kind,
        labels=LABELS[head],
        temperature=calibration.temperature,
        shift=calibration.shift,
        abstain_below=abstention_threshold(
            probabilities.max(axis=1), right, weights, target=search.accuracy_when_answering
        ),
        thresholds=thresholds,
    )


def _urgent_threshold(context: Context, head: HeadManifest, examples: list[Example]) -> UrgentThreshold:
    rows, weights, logits = _held(context, "urgency", examples)
    calibration = Calibration(temperature=head.temperature, shift=head.shift)
    urgent = calibrated(head.kind, logits, calibration)[:, _URGENT:].sum(axis=1)
    wanted = context.experiment.calibration.urgent_recall
    value = recall_threshold(urgent, truth_of("urgency", rows) >= _URGENT, weights, recall=wanted)
    return UrgentThreshold(
        value=value,
        method=(
            f"highest P(high) + P(critical) that finds {wanted:.0%} of the texts labelled high or critical "
            "among held-out training rows, each source counting as a whole"
        ),
    )


def _writes(context: Context) -> list[Path]:
    return [context.path(CALIBRATED)]


CALIBRATE = Stage(
    name="calibrate",
    run=_run,
    settings=lambda experiment: {
        "calibration": experiment.calibration.model_dump(mode="json"),
        "heads": experiment.heads.model_dump(mode="json"),
    },
    inputs=lambda _: {
        f"{source}/{split}": checksum(data_path(data_root(), source, split)) for source, split in FILES
    },
    reads=(EXAMPLES, LAYERS, HELD_OUT, CHOICES),
    writes=_writes,
)
