"""What all texts of a language have in common, taken away so that languages do not keep texts apart."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats1d, Floats2d
from models.complaints.exact import GRID, on_grid

_PRIOR = 30
"""How many texts of its own a language needs before its mean counts half."""


_SHIPPED = Path(__file__).parent / "priors"
"""Made by `python -m training.language_means`; one file a vector space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageMeans:
    """The mean vector of each language, drawn towards the mean of all texts where there are few.

    Attributes:
        languages: In alphabetical order.
        means: *Shape:* ``(languages, dimensions)``, float32.
        overall: For texts of any other language. *Shape:* ``(dimensions,)``, float32.
    """

    languages: tuple[str, ...]
    means: Floats2d
    overall: Floats1d

    @classmethod
    def of(
        cls, vectors: Floats2d, languages: Sequence[str], *, prior: "LanguageMeans | None" = None
    ) -> "LanguageMeans":
        """Learn the means; exact, so that neither the order of rows nor the machine matters.

        Args:
            vectors: *Shape:* ``(texts, dimensions)``, float32, of length 1.
            languages: One code a text.
            prior: What texts have in common elsewhere, all of them and each language: leant on while there
                are few texts here.
        """
        grid = on_grid(vectors).astype(np.int64)
        names = np.array(languages, dtype=np.str_)
        overall = _overall(grid, prior)
        known = sorted(set(languages))
        means = [_drawn(grid[names == name], overall + _offset(prior, name)) for name in known]
        return cls(
            languages=tuple(known),
            means=np.array(means, dtype=np.float32).reshape(len(known), vectors.shape[1]),
            overall=overall.astype(np.float32),
        )

    def to_bytes(self) -> bytes:
        """Return the means in a form that `from_bytes` reads back."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            languages=np.array(self.languages, dtype=np.str_),
            means=self.means.astype("<f2"),
            overall=self.overall.astype("<f2"),
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "LanguageMeans":
        """Read means back; in half precision.

        Raises:
            ValueError: These bytes are no means.
        """
        if not stored.startswith(b"PK\x03\x04"):  # what np.savez writes is a zip archive
            raise ValueError("expected stored means, got other bytes")
        with np.load(io.BytesIO(stored), allow_pickle=False) as arrays:
            return cls(
                languages=tuple(arrays["languages"].tolist()),
                means=arrays["means"].astype(np.float32),
                overall=arrays["overall"].astype(np.float32),
            )

    def centre(self, vectors: Floats2d, languages: Sequence[str]) -> Floats2d:
        """Take each text's mean away and bring the rest to length 1, on a grid where products are exact.

        Args:
            vectors: *Shape:* ``(texts, dimensions)``, float32.
            languages: One code a text.

        Returns:
            *Shape:* ``(texts, dimensions)``, float32; every entry a multiple of ``1 / GRID``.
        """
        places = {name: place for place, name in enumerate(self.languages)}
        table = np.concatenate([self.means, self.overall[None]])
        rows = np.array([places.get(name, len(places)) for name in languages], dtype=np.int64)
        return on_grid(vectors - table[rows]) / np.float32(GRID)


def _overall(grid: NDArray[np.int64], prior: LanguageMeans | None) -> NDArray[np.float64]:
    """The mean of few texts is what they are about, and must not be taken away from them."""
    known = 0.0 if prior is None else _PRIOR * prior.overall.astype(np.float64)
    count = len(grid) + (0 if prior is None else _PRIOR)
    return np.asarray((grid.sum(axis=0) / GRID + known) / max(1, count), dtype=np.float64)


def shipped_means(space: str) -> LanguageMeans | None:
    """Return what is known of languages in a vector space before any text; `None` of unknown spaces.

    Args:
        space: Identity of the vector space.
    """
    kept = _SHIPPED / f"{space}.npz"
    return LanguageMeans.from_bytes(kept.read_bytes()) if kept.is_file() else None


def _drawn(grid: NDArray[np.int64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    mean = (grid.sum(axis=0) / GRID + _PRIOR * expected) / (len(grid) + _PRIOR)
    return np.asarray(mean, dtype=np.float64)


def _offset(prior: LanguageMeans | None, language: str) -> NDArray[np.float64] | float:
    if prior is None or language not in prior.languages:
        return 0.0
    place = prior.languages.index(language)
    return np.asarray(prior.means[place].astype(np.float64) - prior.overall.astype(np.float64))
