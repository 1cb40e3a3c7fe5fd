"""Making a converted encoder exactly once, whatever happens in between."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from models.errors import WeightsError
from models.weights.e5s import E5File
from models.weights.folder import write_sentence_transformers_folder
from models.weights.manifest import damage, read_manifest, sync, write_manifest

CONVERSION_REVISION = 1
"""Raise it whenever the folder that a conversion writes changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What is converted and where to.

    Attributes:
        name: Name of the encoder.
        weights_sha256: Of the weights file.
        parent: The folder that holds the converted encoders.
        fetch: Is called with a folder for temporary files and returns the checked weights file.
    """

    name: str
    weights_sha256: str
    parent: Path
    fetch: Callable[[Path], Path]

    @property
    def target(self) -> Path:
        """The folder of the converted encoder."""
        return self.parent / f"{self.name}-{self.weights_sha256[:8]}-r{CONVERSION_REVISION}"


def convert_once(conversion: Conversion, *, report: Callable[[str], None]) -> Path:
    """Convert, unless it was done before and nothing was damaged since.

    The work goes into a sibling folder that takes its place under its name only when every byte of it is
    on disk, so a process killed at any moment leaves nothing that counts. Of two processes that come at
    the same time one waits for the other.

    Args:
        conversion: What is converted and where to.
        report: Is told in a sentence what is going on and how long about it takes.

    Returns:
        The converted folder.

    Raises:
        WeightsError: The weights cannot be had, are damaged, or the folder cannot be written.
    """
    target = conversion.target
    try:
        conversion.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f"{target.name}.lock")):
            if not _is_complete(target, report):
                _remove_leftovers(target)
                _convert(conversion, report)
    except OSError as error:
        raise WeightsError(f"Cannot write the encoder to {target}: {error}.") from error
    return target


def _is_complete(target: Path, report: Callable[[str], None]) -> bool:
    if not target.exists():
        return False
    try:
        manifest = read_manifest(target)
    except WeightsError as error:
        report(f"{error} Converting the encoder again.")
        return False
    wrong = "it has no manifest" if manifest is None else damage(target, manifest)
    if wrong is not None:
        report(f"The converted encoder in {target} is damaged ({wrong}): converting it again.")
    return wrong is None


def _remove_leftovers(target: Path) -> None:
    """Delete what a killed conversion left; we hold the lock, so nobody is working there."""
    for path in target.parent.glob(f".{target.name}.*"):
        shutil.rmtree(path)


def _convert(conversion: Conversion, report: Callable[[str], None]) -> None:
    target = conversion.target
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        weights = conversion.fetch(work)
        report("Converting the encoder to float32 (about 10 seconds, 470 MB)…")
        folder = work / "folder"
        folder.mkdir()
        with E5File(weights) as file:
            write_sentence_transformers_folder(file, folder)
        write_manifest(
            folder,
            name=conversion.name,
            weights_sha256=conversion.weights_sha256,
            revision=CONVERSION_REVISION,
        )
        if target.exists():  # a damaged one: a folder can only take the place of an empty one
            target.replace(work / "damaged")
        folder.replace(target)
        sync(target.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    report(f"The encoder is ready in {target}.")
