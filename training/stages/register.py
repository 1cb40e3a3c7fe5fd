"""Keep the packaged model under its revision, and put it where the experiment says that it is used."""

import shutil
from pathlib import Path

from models.artefact import CARD, MANIFEST, WEIGHTS, load_artefact
from training.pipeline import Context, Stage


def registered_folder(context: Context) -> Path:
    """Return where the packaged model's revision is kept."""
    manifest = load_artefact(
        context.experiment.package_folder, encoder_name=context.features.encoder.name
    ).manifest
    return context.experiment.registry / manifest.name / manifest.revision


def _run(context: Context) -> None:
    package, kept = context.experiment.package_folder, registered_folder(context)
    if not kept.exists():
        _place(package, kept)
    _place(package, context.experiment.output)
    context.console.print(f"  kept in {kept}, in use at {context.experiment.output}", highlight=False)


def _place(package: Path, folder: Path) -> None:
    """Copy a model to a folder, which at no moment holds half of it.

    A folder that exists is moved aside first: a process that has loaded it is not disturbed.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    coming, going = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    for leftover in (coming, going):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(package, coming)
    if folder.exists():
        folder.rename(going)
    coming.rename(folder)
    shutil.rmtree(going, ignore_errors=True)


def _writes(context: Context) -> list[Path]:
    return [context.experiment.output / name for name in (MANIFEST, WEIGHTS, CARD)]


REGISTER = Stage(
    name="register",
    run=_run,
    settings=lambda experiment: {"output": str(experiment.output), "registry": str(experiment.registry)},
    inputs=lambda _: {},
    reads=("model/manifest.json",),
    writes=_writes,
)
