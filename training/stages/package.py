"""Put the heads, what is known about them and the card into one folder."""

import hashlib
import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.artefact import CARD, MANIFEST, WEIGHTS, heads_to_bytes, load_artefact, write_artefact
from models.manifest import Manifest
from training.card import render_card
from training.errors import ExperimentError
from training.experiment import HEADS
from training.pipeline import Context, Stage
from training.stages.calibrate import CALIBRATED, calibrated_heads, read_calibrated
from training.stages.evaluate import MEASUREMENT_LIST, MEASUREMENTS
from training.stages.prepare import SOURCE_LIST, SOURCES
from training.stages.train import CHOICES, LAYERS

_LIBRARIES = (
    "numpy",
    "scipy",
    "safetensors",
    "torch",
    "transformers",
    "sentence-transformers",
)


def _run(context: Context) -> None:
    heads = calibrated_heads(context)
    calibrated = read_calibrated(context)
    experiment = context.experiment
    dimensions, rest = divmod(heads.width, len(experiment.feature_layers))
    if rest:
        raise ExperimentError(
            f"expected features of {len(experiment.feature_layers)} layers, got a width of {heads.width}"
        )
    created = datetime.now(UTC).replace(microsecond=0)
    content = heads_to_bytes(heads) + calibrated.model_dump_json().encode()
    manifest = Manifest(
        name=experiment.name,
        revision=f"{created:%Y.%m.%d}-{hashlib.sha256(content).hexdigest()[:6]}",
        created=created,
        encoder=context.features.encoder.name,
        feature_layers=experiment.feature_layers,
        dimensions=dimensions,
        heads=calibrated.heads,
        urgent=calibrated.urgent,
        relevance=calibrated.relevance,
        similar=calibrated.similar,
        sources=SOURCE_LIST.validate_json(context.path(SOURCES).read_bytes()),
        seed=experiment.seed,
        choices=_choices(context),
        versions={name: version(name) for name in _LIBRARIES},
        measurements=MEASUREMENT_LIST.validate_json(context.path(MEASUREMENTS).read_bytes()),
        files={},
    )
    write_artefact(experiment.output, manifest=manifest, heads=heads, card=render_card(manifest))
    loaded = load_artefact(experiment.output, encoder_name=context.features.encoder.name)
    context.console.print(f"  {loaded.name} {loaded.revision} in {experiment.output}")


def _choices(context: Context) -> dict[str, Any]:
    stored = json.loads(context.path(CHOICES).read_text(encoding="utf-8"))
    return {f"{head}.{name}": value for head in HEADS for name, value in stored[head]["chosen"].items()}


def _writes(context: Context) -> list[Path]:
    return [context.experiment.output / name for name in (MANIFEST, WEIGHTS, CARD)]


PACKAGE = Stage(
    name="package",
    run=_run,
    settings=lambda experiment: {
        "name": experiment.name,
        "layers": experiment.feature_layers,
        "output": str(experiment.output),
    },
    inputs=lambda _: {},
    reads=(CALIBRATED, LAYERS, MEASUREMENTS, SOURCES, CHOICES),
    writes=_writes,
)
