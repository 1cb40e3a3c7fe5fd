"""What an encoder folder is called: a name with a hash of the weights."""

import hashlib
from pathlib import Path

from models.errors import WeightsError
from models.weights.manifest import file_sha256, read_manifest

_HASH_LENGTH = 8
_WEIGHT_PATTERNS = ("*.safetensors", "pytorch_model*.bin")
_MEANING_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "sentencepiece.bpe.model",
    "modules.json",
    "1_Pooling/config.json",
)
"""What else decides what a text becomes."""


def encoder_identity(folder: Path) -> tuple[str, str]:
    """Read or compute the identity of an encoder.

    Args:
        folder: A sentence-transformers folder.

    Returns:
        A name such as ``e5-small-q4:1571fc98``, and the same hash with the revision of the conversion.

    Raises:
        WeightsError: The folder holds no weights.
    """
    manifest = read_manifest(folder)
    if manifest is not None:
        short = manifest.weights_sha256[:_HASH_LENGTH]
        return f"{manifest.name}:{short}", f"{short}-c{manifest.revision}"
    short = _folder_hash(folder)
    return f"{_folder_name(folder)}:{short}", short


def _folder_hash(folder: Path) -> str:
    weights = sorted(path for pattern in _WEIGHT_PATTERNS for path in folder.rglob(pattern))
    if not weights:
        raise WeightsError(f"Expected weights ({' or '.join(_WEIGHT_PATTERNS)}) in {folder}, found none.")
    others = [folder / name for name in _MEANING_FILES if (folder / name).is_file()]
    digest = hashlib.sha256()
    for path in (*weights, *others):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(file_sha256(path).encode())
    return digest.hexdigest()[:_HASH_LENGTH]


def _folder_name(folder: Path) -> str:
    # A hub cache keeps <cache>/models--<owner>--<model>/snapshots/<commit>.
    if folder.parent.name == "snapshots":
        return folder.parent.parent.name.rpartition("--")[2]
    return folder.name
