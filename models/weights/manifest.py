"""The marker of a complete conversion: what was made from what, and the checksum of each file."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from models.errors import WeightsError

MANIFEST = "closeloop.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a converted encoder folder holds.

    Attributes:
        name: Name of the encoder, without its hash.
        weights_sha256: Of the file that was converted: the identity of the encoder.
        revision: Revision of the conversion; a folder of another revision is made anew.
        files: From path in the folder to SHA-256.
    """

    name: str
    weights_sha256: str
    revision: int
    files: dict[str, str]


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, *, name: str, weights_sha256: str, revision: int) -> None:
    """Sync every file of the folder to disk, then write the manifest, which says that it is complete.

    Raises:
        OSError: The folder cannot be written.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = Manifest(
        name=name,
        weights_sha256=weights_sha256,
        revision=revision,
        files={path.relative_to(folder).as_posix(): file_sha256(path) for path in files},
    )
    target = folder / MANIFEST
    target.write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    for path in (*files, target):
        sync(path)
    for path in (*(path for path in folder.rglob("*") if path.is_dir()), folder):
        sync(path)


def sync(path: Path) -> None:
    """Make a file or folder survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of a folder.

    Returns:
        The manifest, or `None` when the folder has none.

    Raises:
        WeightsError: The manifest is damaged.
    """
    path = folder / MANIFEST
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(f"Expected the manifest of an encoder in {path}, found: {error}.") from error


def damage(folder: Path, manifest: Manifest) -> str | None:
    """Compare a folder with its manifest.

    Returns:
        What is wrong with the first file that differs, or `None`.
    """
    for name, expected in manifest.files.items():
        try:
            found = file_sha256(folder / name)
        except OSError as error:
            return f"{name} cannot be read ({error.strerror})"
        if found != expected:
            return f"{name} has SHA-256 {found[:8]}…, expected {expected[:8]}…"
    return None
