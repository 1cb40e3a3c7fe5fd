"""An encoder without weights, for tests and for a first look: it knows words, not meanings."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Self

import numpy as np

from models.arrays import Floats2d
from models.branch import Branch
from models.encoder.protocol import Encoding
from models.encoder.windows import l2_normalise
from models.errors import EncoderMismatchError

_DIMENSIONS = 384
_REVISION = 1
_NGRAM_LENGTHS = (3, 5)
_WORD_SHARE = 2.0
"""How much more a whole word counts than all of its n-grams together: shared words decide."""

_WORD = re.compile(r"[぀-ヿ㐀-鿿]|[^\W぀-ヿ㐀-鿿]+")
"""A run of letters and digits, or one character of a script that puts no spaces between words."""

_NOTHING = "\x00"
"""Stands for what a text without words is about."""


class HashingEncoder:
    """Hashed words and character n-grams as an `Encoder`: deterministic, quick, the same on every machine.

    Texts that share words are near each other, in any script. The three feature layers are words,
    short and long n-grams.

    >>> vectors = HashingEncoder().encode(["the app crashes", "app crashes again", "lovely food"]).vectors
    >>> bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2])
    True
    """

    @property
    def name(self) -> str:
        """Name with a hash of what stands in for weights."""
        return f"hashing:{_identity()}"

    @property
    def space(self) -> str:
        """Identity of the vector space."""
        return f"{_identity()}-f32-r{_REVISION}"

    @property
    def dimensions(self) -> int:
        """Length of a retrieval vector."""
        return _DIMENSIONS

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many words each text has, and two more for its beginning and end.

        Raises:
            ValueError: A text is not a `str`.
        """
        return [len(words) + 2 for words in _words_of_all(texts)]

    def with_branch(self, branch: Branch | None) -> Self:
        """Return this encoder.

        Raises:
            EncoderMismatchError: There is a branch: an encoder without layers cannot run it.
        """
        if branch is not None:
            raise EncoderMismatchError("a branch needs an encoder with layers; the hashing encoder has none")
        return self

    def encode(self, texts: Sequence[str]) -> Encoding:
        """Encode texts of any length, in order; a text without words gets a vector all of them share.

        Args:
            texts: Any number of texts.

        Returns:
            Vectors and features. *Shapes:* ``(texts, 384)`` and ``(texts, 1152)``, float32.

        Raises:
            ValueError: A text is not a `str`.
        """
        layers = np.zeros((3, len(texts), _DIMENSIONS), dtype=np.float32)
        for row, words in enumerate(_words_of_all(texts)):
            for word in words or [_NOTHING]:
                for layer, (places, signs) in enumerate(_hashed(word)):
                    np.add.at(layers[layer, row], places, signs)
        normalised = [_never_zero(layer) for layer in layers]
        vectors = _never_zero(
            (_WORD_SHARE * normalised[0] + (normalised[1] + normalised[2]) / 2).astype(np.float32)
        )
        return Encoding(vectors=vectors, features=np.concatenate(normalised, axis=1))


def _words_of_all(texts: Sequence[str]) -> Iterable[list[str]]:
    for text in texts:
        if not isinstance(text, str):
            # The protocol's word: to its callers this is a wrong value among many.
            raise ValueError(f"Expected texts of type str, got {type(text).__name__}.")  # noqa: TRY004
        yield _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=1 << 14)
def _hashed(word: str) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Places and signs of the word itself, of its short and of its long n-grams."""
    framed = f"<{word}>"
    grams = [[framed]]
    for length in _NGRAM_LENGTHS:
        found = [framed[start : start + length] for start in range(len(framed) - length + 1)]
        grams.append(found or [framed])
    return tuple(_places_and_signs(layer, pieces) for layer, pieces in enumerate(grams))


def _places_and_signs(layer: int, pieces: list[str]) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.array([_number(layer, piece) for piece in pieces], dtype=np.uint64)
    signs = np.where(numbers & np.uint64(1), 1.0, -1.0).astype(np.float32)
    return ((numbers >> np.uint64(1)) % np.uint64(_DIMENSIONS)).astype(np.int64), signs / np.float32(
        np.sqrt(len(pieces))
    )


def _number(layer: int, piece: str) -> int:
    key = bytes([_REVISION, layer])
    digest = blake2b(piece.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "little")


def _never_zero(rows: Floats2d) -> Floats2d:
    """Normalise; where signs cancelled everything out, point along the first axis."""
    rows = rows.copy()
    rows[~rows.any(axis=1), 0] = 1
    return l2_normalise(rows)


def _identity() -> str:
    return f"{_number(0, f'{_DIMENSIONS} {_NGRAM_LENGTHS} {_WORD_SHARE}'):016x}"[:8]
