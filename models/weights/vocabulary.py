"""The unigram vocabulary and the normalisation inside the weights file."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models.weights.byte_cursor import ByteCursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What the tokenizer needs.

    Attributes:
        pieces: The unigram pieces; a piece's place is its token id.
        scores: Log probability of each piece.
        character_map: What a single character becomes before it is looked up; may be nothing.
        bos_id: Token before a text.
        eos_id: Token after it.
        pad_id: Token that fills a batch up.
        unk_id: Token for what has no piece.
    """

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    character_map: dict[str, str]
    bos_id: int
    eos_id: int
    pad_id: int
    unk_id: int


def read_vocabulary(cursor: ByteCursor) -> Vocabulary:
    """Read the vocabulary section.

    Args:
        cursor: At its beginning; is left at its end.

    Raises:
        WeightsError: The file is cut short or damaged.
    """
    count, bos, eos, pad, unk = cursor.integers("5i")
    (blob_size,) = cursor.integers("Q")
    offsets = np.frombuffer(cursor.take(4 * (count + 1)), dtype="<u4").tolist()
    # Widened to float64 unrounded: the reference's scores are these same float32 values.
    scores = np.frombuffer(cursor.take(4 * count), dtype="<f4").astype(np.float64).tolist()
    blob = cursor.take(blob_size)
    pieces = cursor.decoded(lambda: tuple(blob[start:stop].decode() for start, stop in pairwise(offsets)))
    map_count, _ = cursor.integers("iI")
    return Vocabulary(
        pieces=pieces,
        scores=tuple(scores),
        character_map=cursor.decoded(lambda: _read_character_map(cursor, map_count)),
        bos_id=bos,
        eos_id=eos,
        pad_id=pad,
        unk_id=unk,
    )


def _read_character_map(cursor: ByteCursor, count: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for _ in range(count):
        code_point, length = cursor.integers("IB")
        found[chr(code_point)] = "".join(map(chr, cursor.integers(f"{length}I")))
    return found
