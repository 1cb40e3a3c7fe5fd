"""Features of texts, computed once and kept as .npy files in the run's folder."""

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from models.arrays import Floats2d
from models.encoder.protocol import Encoder, Encoding

_CHUNK = 256
"""Texts a file: what a killed run has to compute again at most."""


class FeatureCache:
    """Encodes each text once, however often a run is stopped and started.

    A chunk is three files; the list of its keys is written last and makes it count.

    Args:
        folder: Where the chunks lie; a folder an encoder is made inside.
        encoder: What encodes the texts that are not there yet.
    """

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self._encoder = encoder
        self._folder = folder / re.sub(r"[^A-Za-z0-9._-]", "_", encoder.space)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._places: dict[str, tuple[Path, int]] = {}
        for keys in sorted(self._folder.glob("*.keys")):
            self._register(keys)

    @property
    def encoder(self) -> Encoder:
        """What encodes texts that are not there yet."""
        return self._encoder

    def ensure(self, texts: Sequence[str], *, advance: Callable[[int], None] = lambda _: None) -> None:
        """Encode the texts that are not there yet.

        Args:
            texts: Any number, duplicates allowed.
            advance: Told after each chunk how many texts it took.
        """
        missing = self.missing(texts)
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            self._write(chunk, self._encoder.encode(chunk))
            advance(len(chunk))

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Return the texts that would have to be encoded, each once."""
        return [text for text in dict.fromkeys(texts) if _key(text) not in self._places]

    def load(self, texts: Sequence[str]) -> Encoding:
        """Return the encoding of texts, in order; what is missing is encoded first."""
        self.ensure(texts)
        wanted: dict[Path, list[tuple[int, int]]] = {}
        for row, text in enumerate(texts):
            path, place = self._places[_key(text)]
            wanted.setdefault(path, []).append((row, place))
        features: Floats2d | None = None
        vectors: Floats2d | None = None
        for path, rows in wanted.items():
            stored_features = np.load(path.with_suffix(".features.npy"), allow_pickle=False)
            stored_vectors = np.load(path.with_suffix(".vectors.npy"), allow_pickle=False)
            if features is None or vectors is None:
                features = np.empty((len(texts), stored_features.shape[1]), dtype=np.float32)
                vectors = np.empty((len(texts), stored_vectors.shape[1]), dtype=np.float32)
            to, places = np.array(rows).T
            features[to], vectors[to] = stored_features[places], stored_vectors[places]
        if features is None or vectors is None:
            return self._encoder.encode([])
        return Encoding(vectors=vectors, features=features)

    def _write(self, texts: list[str], encoding: Encoding) -> None:
        keys = [_key(text) for text in texts]
        path = self._folder / f"{hashlib.sha256(''.join(keys).encode()).hexdigest()[:16]}.keys"
        np.save(path.with_suffix(".features.npy"), encoding.features, allow_pickle=False)
        np.save(path.with_suffix(".vectors.npy"), encoding.vectors, allow_pickle=False)
        unfinished = path.with_suffix(".part")
        unfinished.write_text("\n".join(keys), encoding="ascii")
        unfinished.replace(path)
        self._register(path)

    def _register(self, path: Path) -> None:
        for place, key in enumerate(path.read_text(encoding="ascii").split("\n")):
            self._places[key] = (path, place)


def _key(text: str) -> str:
    # surrogatepass: a text is whatever a file held, also when it is not valid Unicode.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
