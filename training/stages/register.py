"""Keep the packaged model under its revision, and put it where the experiment says that it is used."""

import shutil
from pathlib import Path

from models.artefact import BRANCH, CARD, MANIFEST, WEIGHTS, load_artefact
from training.pipeline import Context, Stage
from training.stages.evaluate import trained_judge
from training.stages.package import pass_gate


def _run(context: Context) -> None:
    experiment = context.experiment
    package = experiment.package_folder
    manifest = load_artefact(package, encoder_name=context.features.encoder.name).manifest
    # Another model may have come into use since this one was packaged.
    pass_gate(context, trained_judge(context), manifest.revision)
    kept = experiment.registry / manifest.name / manifest.revision
    if not kept.exists():  # a revision is a checksum of all that it holds but the date
        _place(package, kept)
    _place(package, experiment.output)
    context.console.print(f"  kept in {kept}, in use at {experiment.output}", highlight=False)


def _place(package: Path, folder: Path) -> None:
    """Copy a model to a folder, which at no moment holds half of one.

    The old folder is moved aside for the moment between two renames; a run that is killed there finds it
    again. A process that has loaded it is not disturbed.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    coming, going = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    if going.exists() and not folder.exists():
        going.rename(folder)
    for leftover in (coming, going):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(package, coming)
    if folder.exists():
        folder.rename(going)
    coming.rename(folder)
    shutil.rmtree(going, ignore_errors=True)


def _writes(context: Context) -> list[Path]:
    names = (MANIFEST, WEIGHTS, CARD, *([BRANCH] if context.experiment.branch else []))
    return [context.experiment.output / name for name in names]


REGISTER = Stage(
    name="register",
    run=_run,
    settings=lambda experiment: {"output": str(experiment.output), "registry": str(experiment.registry)},
    inputs=lambda _: {},
    reads=("model/manifest.json",),
    writes=_writes,
)
