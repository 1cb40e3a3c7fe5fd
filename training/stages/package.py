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
    write_artefact,
)
from models.manifest import Manifest
from training.card import render_card
from training.errors import GateError
from training.gate import compare
from training.pipeline import Context, Stage
from training.reports import Judge, read_report
from training.rows import EXAMPLES
from training.stages.calibrate import CALIBRATED, read_calibrated
from training.stages.evaluate import MEASUREMENT_LIST, MEASUREMENTS, trained_judge
from training.stages.prepare import SOURCE_LIST, SOURCES
from training.stages.train import BRANCH_WEIGHTS, LAYERS

_LIBRARIES = (
    "numpy",
    "scipy",
    "safetensors",
    "torch",
    "transformers",
    "sentence-transformers",
)


def _run(context: Context) -> None:
    judge, experiment = trained_judge(context), context.experiment
    calibrated, encoder = read_calibrated(context), context.features.encoder
    created = datetime.now(UTC).replace(microsecond=0)
    manifest = Manifest(
        name=experiment.name,
        revision="unnamed",
        created=created,
        encoder=encoder.name,
        feature_layers=experiment.feature_layers,
        dimensions=encoder.dimensions,
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
    content = manifest.model_dump_json(exclude={"created", "revision"}).encode()
    content += heads_to_bytes(judge.heads) + (judge.branch.digest().encode() if judge.branch else b"")
    revision = f"{created:%Y.%m.%d}-{hashlib.sha256(content).hexdigest()[:6]}"
    manifest = manifest.model_copy(update={"revision": revision})
    pass_gate(context, judge, revision)
    folder = experiment.package_folder
    card = render_card(manifest)
    write_artefact(folder, manifest=manifest, heads=judge.heads, branch=judge.branch, card=card)
    loaded = load_artefact(folder, encoder_name=encoder.name)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    context.console.print(f"  {loaded.name} {loaded.revision} in {folder}, {size:.1f} MB", highlight=False)


def pass_gate(context: Context, judge: Judge, revision: str) -> None:
    """Compare a new model with the one that it would replace, on the same rows in this call.

    Args:
        context: Of an experiment whose rows are prepared.
        judge: The new model.
        revision: What it is called.

    Raises:
        GateError: The new one is worse by more than the experiment allows.
        ArtefactError: The current one is damaged or of an older form; remove it to begin anew.
        EncoderMismatchError: The current one is for another encoder.
    """
    output = context.experiment.output
    if not (output / MANIFEST).exists():
        context.console.print(f"  no model at {output} yet: nothing to compare with", highlight=False)
        return
    current = load_artefact(output, encoder_name=context.features.encoder.name)
    if current.revision == revision:
        return
    theirs = Judge(heads=current.heads, branch=current.branch, urgent=current.manifest.urgent)
    compared = compare(
        read_report(context, theirs, baselines=False),
        read_report(context, judge, baselines=False),
        context.experiment.gate,
        seed=context.experiment.seed,
    )
    refused = [comparison for comparison in compared if comparison.refused]
    if refused:
        lines = "".join(f"\n- {comparison}" for comparison in refused)
        raise GateError(f"{revision} may not replace {current.revision}:{lines}")
    context.console.print(
        f"  passed the gate against {current.revision}: {len(compared)} figures compared", highlight=False
    )


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
    reads=(EXAMPLES, CALIBRATED, LAYERS, BRANCH_WEIGHTS, MEASUREMENTS, SOURCES),
    writes=_writes,
)
