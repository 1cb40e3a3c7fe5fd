"""Put branch, heads, what is known about them and the card into one folder, if the gate lets it pass."""

import hashlib
import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.artefact import (
    BRANCH,
    CARD,
    MANIFEST,
    WEIGHTS,
    heads_to_bytes,
    load_artefact,
    read_manifest,
    write_artefact,
)
from models.errors import ArtefactError
from models.manifest import Manifest
from training.card import render_card
from training.errors import GateError
from training.gate import losses
from training.pipeline import Context, Stage
from training.stages.calibrate import CALIBRATED, calibrated_heads, read_calibrated
from training.stages.evaluate import MEASUREMENT_LIST, MEASUREMENTS
from training.stages.prepare import SOURCE_LIST, SOURCES
from training.stages.train import BRANCH_WEIGHTS, HISTORY, LAYERS, read_branch

_LIBRARIES = (
    "numpy",
    "scipy",
    "safetensors",
    "torch",
    "transformers",
    "sentence-transformers",
)


def _run(context: Context) -> None:
    heads, branch = calibrated_heads(context), read_branch(context)
    calibrated, experiment = read_calibrated(context), context.experiment
    created = datetime.now(UTC).replace(microsecond=0)
    content = heads_to_bytes(heads) + calibrated.model_dump_json().encode()
    content += branch.digest().encode() if branch else b""
    manifest = Manifest(
        name=experiment.name,
        revision=f"{created:%Y.%m.%d}-{hashlib.sha256(content).hexdigest()[:6]}",
        created=created,
        encoder=context.features.encoder.name,
        feature_layers=experiment.feature_layers,
        dimensions=context.features.encoder.dimensions,
        branch=experiment.branch,
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
    _pass_gate(context, manifest)
    folder = experiment.package_folder
    write_artefact(folder, manifest=manifest, heads=heads, branch=branch, card=render_card(manifest))
    loaded = load_artefact(folder, encoder_name=context.features.encoder.name)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    context.console.print(f"  {loaded.name} {loaded.revision} in {folder}, {size:.1f} MB")


def _pass_gate(context: Context, manifest: Manifest) -> None:
    """Compare with the model that would be replaced.

    Raises:
        GateError: The new one is worse by more than the experiment allows.
    """
    output = context.experiment.output
    try:
        current = read_manifest(output)
    except ArtefactError as error:
        context.console.print(f"  nothing to compare with: {error}", highlight=False)
        return
    worse = losses(current, manifest, context.experiment.gate)
    if worse:
        lines = "".join(f"\n- {loss}" for loss in worse)
        raise GateError(f"{manifest.name} {manifest.revision} may not replace {current.revision}:{lines}")
    context.console.print(f"  passed the gate against {current.revision}", highlight=False)


def _choices(context: Context) -> dict[str, str | float]:
    experiment = context.experiment
    chosen: dict[str, Any] = experiment.fitting.model_dump(mode="json")
    return {name: value if isinstance(value, float) else json.dumps(value) for name, value in chosen.items()}


def _writes(context: Context) -> list[Path]:
    names = (MANIFEST, WEIGHTS, CARD, *([BRANCH] if context.experiment.branch else []))
    return [context.experiment.package_folder / name for name in names]


PACKAGE = Stage(
    name="package",
    run=_run,
    settings=lambda experiment: {
        "name": experiment.name,
        "layers": experiment.feature_layers,
        "gate": experiment.gate.model_dump(mode="json"),
    },
    inputs=lambda _: {},
    reads=(CALIBRATED, LAYERS, BRANCH_WEIGHTS, HISTORY, MEASUREMENTS, SOURCES),
    writes=_writes,
)
