"""Is what a model folder says about itself still so?"""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from models.artefact import load_artefact
from models.manifest import HeadManifest, LearntThreshold, Manifest, Measurement
from training.datasets.catalogue import data_root
from training.datasets.example import read_examples
from training.experiment import HEADS
from training.pipeline import Context, run_stages
from training.reports import Judge, read_report
from training.rows import EXAMPLES
from training.similarity import learn_relevance, learn_similar
from training.stages import STAGES
from training.stages.calibrate import fit_calibration
from training.stages.evaluate import measure_report
from training.stages.prepare import PREPARE

TOLERANCE = 0.005
"""Another processor rounds otherwise, and a text on a threshold then falls on its other side."""

Figure = tuple[str, float | None]


def compare_with_card(context: Context, folder: Path, console: Console) -> int:
    """Measure a model folder anew and print every figure beside the stated one.

    Args:
        context: With the experiment that says what to measure on.
        folder: The model folder.
        console: Where the table goes.

    Returns:
        How many figures differ by more than `TOLERANCE`, or are stated and not found, or found and
        not stated.

    Raises:
        ArtefactError: The folder is not whole.
        EncoderMismatchError: The folder is for another encoder.
        DataError: Data is missing.
    """
    artefact = load_artefact(folder, encoder_name=context.features.encoder.name)
    run_stages(STAGES, context, until=PREPARE.name)
    manifest = artefact.manifest
    judge = Judge(heads=artefact.heads, branch=artefact.branch, urgent=manifest.urgent)
    heads, urgent = fit_calibration(
        context,
        read_examples(context.path(EXAMPLES)),
        lambda head, features: getattr(artefact.heads, head).logits(features),
        artefact.branch,
    )
    root, seed = data_root(), context.experiment.seed
    found = manifest.model_copy(
        update={
            "heads": heads,
            "urgent": urgent,
            "measurements": measure_report(read_report(context, judge, baselines=True), seed=seed),
            "relevance": learn_relevance(root, context.features),
            "similar": learn_similar(root, context.features),
        }
    )
    stated, measured = dict(_figures(manifest)), dict(_figures(found))
    table = Table("figure", "stated", "measured", title=f"{manifest.name} {manifest.revision}")
    differing = 0
    for name in stated | measured:
        same = _is_same(stated.get(name), measured.get(name))
        differing += not same
        style = "" if same else "red"
        table.add_row(name, _shown(stated.get(name)), _shown(measured.get(name)), style=style)
    console.print(table)
    return differing


def _figures(manifest: Manifest) -> Iterator[Figure]:
    for measurement in manifest.measurements:
        yield from _of_measurement(measurement)
    for head in HEADS:
        yield from _of_head(head, getattr(manifest.heads, head))
    yield "urgent threshold", manifest.urgent.value
    yield from _of_threshold("relevance", manifest.relevance)
    yield from _of_threshold("similar", manifest.similar)


def _of_measurement(measurement: Measurement) -> Iterator[Figure]:
    name = f"{measurement.rows} {measurement.head} {measurement.metric} {measurement.language}"
    yield f"{name} n", float(measurement.n)
    yield name, measurement.value
    yield f"{name} low", measurement.low
    yield f"{name} high", measurement.high
    for baseline, estimate in measurement.baselines.items():
        yield f"{name} {baseline}", estimate.value
        yield f"{name} {baseline} low", estimate.low
        yield f"{name} {baseline} high", estimate.high


def _of_head(name: str, head: HeadManifest) -> Iterator[Figure]:
    """Yield what calibrating again gives: a calibration that no longer fits its rows shows here."""
    yield f"{name} suggest from", head.suggest_from
    yield f"{name} apply from", head.apply_from
    for what in ("temperature", "shift", "thresholds"):
        for place, value in enumerate(getattr(head, what)):
            yield f"{name} {what} {place}", value


def _of_threshold(name: str, threshold: LearntThreshold) -> Iterator[Figure]:
    yield f"{name} threshold", threshold.value
    for figure, value in threshold.figures.items():
        yield f"{name} {figure}", value


def _is_same(stated: float | None, measured: float | None) -> bool:
    if stated is None or measured is None:
        return stated is measured
    return abs(stated - measured) <= TOLERANCE


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
