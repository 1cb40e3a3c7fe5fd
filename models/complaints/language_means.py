"""What all texts of a language have in common, taken away so that languages do not keep texts apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats1d, Floats2d
from models.complaints.exact import GRID, on_grid

_PRIOR = 30
"""How many texts of its own a language needs before its mean counts half."""


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
    def of(cls, vectors: Floats2d, languages: Sequence[str]) -> "LanguageMeans":
        """Learn the means; exact, so that neither the order of rows nor the machine matters.

        Args:
            vectors: *Shape:* ``(texts, dimensions)``, float32, of length 1.
            languages: One code a text.
        """
        grid = on_grid(vectors).astype(np.int64)
        names = np.array(languages, dtype=np.str_)
        overall = grid.sum(axis=0) / max(1, len(grid)) / GRID
        known = sorted(set(languages))
        means = [_drawn(grid[names == name], overall) for name in known]
        return cls(
            languages=tuple(known),
            means=np.array(means, dtype=np.float32).reshape(len(known), vectors.shape[1]),
            overall=overall.astype(np.float32),
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


def _drawn(grid: NDArray[np.int64], overall: NDArray[np.float64]) -> NDArray[np.float64]:
    mean = (grid.sum(axis=0) / GRID + _PRIOR * overall) / (len(grid) + _PRIOR)
    return np.asarray(mean, dtype=np.float64)
