"""A model as a folder: manifest, heads, perhaps a branch, a card. JSON and safetensors, never pickle."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from models.branch import Branch, BranchShape
from models.errors import ArtefactError, EncoderMismatchError
from models.heads import HEAD_KINDS, Heads, LinearHead
from models.manifest import SCHEMA_VERSION, HeadManifest, Manifest

MANIFEST: Final = "manifest.json"
WEIGHTS: Final = "heads.safetensors"
BRANCH: Final = "branch.safetensors"
CARD: Final = "MODEL_CARD.md"
TRAIN_COMMAND: Final = "python -m training run training/experiments/default.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A model folder that was read and found whole.

    Attributes:
        folder: Where it lies.
        manifest: What it says about itself.
        heads: Ready to predict.
        branch: What computes a part of the features that they read; `None` when the frozen layers do.
    """

    folder: Path
    manifest: Manifest
    heads: Heads
    branch: Branch | None

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.manifest.name

    @property
    def revision(self) -> str:
        """Revision of the model; another training gives another one."""
        return self.manifest.revision

    @property
    def relevance_threshold(self) -> float:
        """Cosine of query and text from which the text counts as a match."""
        return self.manifest.relevance.value

    @property
    def similar_threshold(self) -> float:
        """Cosine of two texts from which they count as similar."""
        return self.manifest.similar.value


def load_artefact(folder: Path, *, encoder_name: str) -> Artefact:
    """Read and verify a model folder.

    Args:
        folder: The model folder.
        encoder_name: `Encoder.name` of the encoder whose features the heads will read.

    Raises:
        ArtefactError: The folder or one of its files is missing, damaged or of an unknown form.
        EncoderMismatchError: The heads were trained on another encoder.
    """
    manifest = read_manifest(folder)
    if manifest.encoder != encoder_name:
        raise EncoderMismatchError(
            f"the heads in {folder} were trained on encoder {manifest.encoder!r}, but "
            f"{encoder_name!r} is loaded; train heads for it with: {TRAIN_COMMAND}"
        )
    for name in (WEIGHTS, CARD, *([BRANCH] if manifest.branch else [])):
        if name not in manifest.files:
            raise ArtefactError(f"{folder / MANIFEST} gives no checksum for {name}")
    contents = {name: _read_verified(folder, name, expected) for name, expected in manifest.files.items()}
    return Artefact(
        folder=folder,
        manifest=manifest,
        heads=_heads_from(folder, manifest, contents[WEIGHTS]),
        branch=_branch_from(folder, manifest.branch, contents[BRANCH]) if manifest.branch else None,
    )


def read_manifest(folder: Path) -> Manifest:
    """Read a model folder's manifest without looking at its other files.

    Raises:
        ArtefactError: It is missing, not JSON, of an unknown schema version, or invalid.
    """
    path = folder / MANIFEST
    try:
        stored = json.loads(path.read_bytes())
    except OSError as error:
        raise ArtefactError(f"expected a model folder with {MANIFEST} at {folder}, got {error}") from error
    except ValueError as error:
        raise ArtefactError(f"{path} is not JSON: {error}") from error
    version = stored.get("schema_version") if isinstance(stored, dict) else None
    if version != SCHEMA_VERSION:
        raise ArtefactError(f"{path} has schema version {version!r}, this program reads {SCHEMA_VERSION}")
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ArtefactError(f"{path} is not a valid manifest: {error}") from error


def heads_to_bytes(heads: Heads) -> bytes:
    """Return the heads' weights in safetensors form."""
    tensors = {}
    for name in HEAD_KINDS:
        head: LinearHead = getattr(heads, name)
        tensors[f"{name}.weight"] = np.ascontiguousarray(head.weight, dtype=np.float32)
        tensors[f"{name}.bias"] = np.ascontiguousarray(head.bias, dtype=np.float32)
    return save(tensors)


def write_artefact(
    folder: Path, *, manifest: Manifest, heads: Heads, branch: Branch | None, card: str
) -> Manifest:
    """Write a model folder; the manifest goes last, so that a killed write is no valid folder.

    Args:
        folder: Created when missing; files of an older model in it are replaced.
        manifest: Its `files` are filled in here.
        heads: What is written to heads.safetensors.
        branch: What is written to branch.safetensors, if anything.
        card: Text of MODEL_CARD.md.

    Returns:
        The manifest as written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    (folder / BRANCH).unlink(missing_ok=True)
    contents = {WEIGHTS: heads_to_bytes(heads), CARD: card.encode()}
    if branch:
        contents[BRANCH] = save(dict(branch.tensors))
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    written = manifest.model_copy(update={"files": files})
    (folder / MANIFEST).write_text(written.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return written


def _read_verified(folder: Path, name: str, expected: str) -> bytes:
    if Path(name).name != name:
        raise ArtefactError(f"{folder / MANIFEST} names a file outside its folder: {name!r}")
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise ArtefactError(f"expected {name} in the model folder {folder}, got {error}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ArtefactError(f"{folder / name} is damaged: expected sha256 {expected}, got {found}")
    return content


def _tensors_from(path: Path, content: bytes) -> dict[str, np.ndarray]:
    try:
        return load(content)
    except SafetensorError as error:
        raise ArtefactError(f"{path} is not a safetensors file: {error}") from error
    except KeyError as error:  # what safetensors says of a type that numpy has not
        raise ArtefactError(f"{path} holds numbers of the type {error}, which is not read here") from error


def _branch_from(folder: Path, shape: BranchShape, content: bytes) -> Branch:
    try:
        return Branch(shape=shape, tensors=_tensors_from(folder / BRANCH, content))
    except ValueError as error:
        raise ArtefactError(f"{folder / BRANCH} does not fit its manifest: {error}") from error


def _heads_from(folder: Path, manifest: Manifest, content: bytes) -> Heads:
    tensors = _tensors_from(folder / WEIGHTS, content)
    try:
        heads = Heads(**{name: _head(name, getattr(manifest.heads, name), tensors) for name in HEAD_KINDS})
    except KeyError as error:
        raise ArtefactError(f"{folder / WEIGHTS} lacks the tensor {error}") from error
    except ValueError as error:
        raise ArtefactError(f"{folder / WEIGHTS} does not fit its manifest: {error}") from error
    if heads.width != manifest.width:
        raise ArtefactError(
            f"{folder / WEIGHTS} reads features of width {heads.width}, its manifest says {manifest.width}"
        )
    return heads


def _head(name: str, described: HeadManifest, tensors: dict[str, np.ndarray]) -> LinearHead:
    weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
    if weight.dtype != np.float32 or bias.dtype != np.float32:
        raise ValueError(f"{name} must be float32, got {weight.dtype} and {bias.dtype}")
    return described.with_weights(weight, bias)
