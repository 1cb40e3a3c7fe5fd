"""Hidden states that a branch is trained on, computed once and kept as .npy files in the run's folder."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.arrays import Ints1d
from training.datasets.example import text_key

_CHUNK = 256
"""Texts a file: what a killed run has to compute again at most."""

States = NDArray[np.float16]


class TokenEncoder(Protocol):
    """An encoder whose layers can be read one by one."""

    @property
    def space(self) -> str:
        """Identity of weights and forward pass."""
        ...

    def token_states(self, texts: Sequence[str], *, layer: int, tokens_max: int) -> list[States]:
        """Return what a layer leaves of each text's first tokens."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTable:
    """The states of many texts in one array.

    Attributes:
        states: *Shape:* ``(tokens of all texts, hidden)``, float16.
        offsets: Where each text begins, and the end. *Shape:* ``(texts + 1,)``.
    """

    states: States
    offsets: Ints1d

    @property
    def lengths(self) -> list[int]:
        """Tokens of each text."""
        lengths: list[int] = np.diff(self.offsets).tolist()
        return lengths

    def padded(self, places: Sequence[int]) -> tuple[States, NDArray[np.float32]]:
        """Return states and mask of some texts, filled up to the longest.

        Returns:
            *Shapes:* ``(texts, tokens, hidden)``, float16, and ``(texts, tokens)``, float32.
        """
        rows = [self.states[self.offsets[place] : self.offsets[place + 1]] for place in places]
        longest = max(len(row) for row in rows)
        states = np.zeros((len(rows), longest, self.states.shape[1]), dtype=np.float16)
        mask = np.zeros((len(rows), longest), dtype=np.float32)
        for place, row in enumerate(rows):
            states[place, : len(row)] = row
            mask[place, : len(row)] = 1
        return states, mask


class TokenCache:
    """Runs the lower layers over each text once, however often a run is stopped and started.

    A chunk is three files; the list of its keys is written last and makes it count.

    Args:
        folder: Where the chunks lie; a folder an encoder, layer and length is made inside.
        encoder: Runs over the texts that are not there yet.
        layer: Whose states are kept, counted from 1.
        tokens_max: Most tokens of a text.
    """

    def __init__(self, folder: Path, encoder: TokenEncoder, *, layer: int, tokens_max: int) -> None:
        self._encoder = encoder
        self._layer = layer
        self._tokens_max = tokens_max
        self._folder = folder / f"{encoder.space}-layer{layer}-{tokens_max}"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._places: dict[str, tuple[Path, int]] = {}
        for keys in sorted(self._folder.glob("*.keys")):
            self._register(keys)

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Return the texts that would have to be run, each once."""
        return [text for text in dict.fromkeys(texts) if text_key(text) not in self._places]

    def ensure(self, texts: Sequence[str], *, advance: Callable[[int], None] = lambda _: None) -> None:
        """Run over the texts that are not there yet.

        Args:
            texts: Any number, duplicates allowed.
            advance: Told after each chunk how many texts it took.
        """
        missing = self.missing(texts)
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            self._write(
                chunk,
                self._encoder.token_states(chunk, layer=self._layer, tokens_max=self._tokens_max),
            )
            advance(len(chunk))

    def load(self, texts: Sequence[str]) -> TokenTable:
        """Return the states of texts, in order; what is missing is run first."""
        self.ensure(texts)
        wanted: dict[Path, list[tuple[int, int]]] = {}
        for row, text in enumerate(texts):
            path, place = self._places[text_key(text)]
            wanted.setdefault(path, []).append((row, place))
        lengths = np.zeros(len(texts), dtype=np.int64)
        for path, rows in wanted.items():
            of_chunk = np.load(path.with_suffix(".lengths.npy"), allow_pickle=False)
            for row, place in rows:
                lengths[row] = of_chunk[place]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        states: States | None = None
        for path, rows in wanted.items():
            stored = np.load(path.with_suffix(".states.npy"), mmap_mode="r", allow_pickle=False)
            begins = np.concatenate([[0], np.cumsum(np.load(path.with_suffix(".lengths.npy")))])
            if states is None:
                states = np.empty((int(offsets[-1]), stored.shape[1]), dtype=np.float16)
            for row, place in rows:
                states[offsets[row] : offsets[row + 1]] = stored[begins[place] : begins[place + 1]]
        return TokenTable(
            states=np.empty((0, 0), dtype=np.float16) if states is None else states, offsets=offsets
        )

    def _write(self, texts: list[str], states: list[States]) -> None:
        keys = [text_key(text) for text in texts]
        path = self._folder / f"{hashlib.sha256(''.join(keys).encode()).hexdigest()[:16]}.keys"
        np.save(path.with_suffix(".states.npy"), np.concatenate(states), allow_pickle=False)
        np.save(path.with_suffix(".lengths.npy"), np.array([len(row) for row in states]), allow_pickle=False)
        unfinished = path.with_suffix(".part")
        unfinished.write_text("\n".join(keys), encoding="ascii")
        unfinished.replace(path)
        self._register(path)

    def _register(self, path: Path) -> None:
        for place, key in enumerate(path.read_text(encoding="ascii").split("\n")):
            self._places[key] = (path, place)
