"""From the members of complaints to the map that places new texts, its thresholds learnt from the members."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats1d, Floats2d, Ints1d
from models.complaints.complaint_map import ComplaintMap
from models.complaints.coverage import covering
from models.complaints.language_means import LanguageMeans

_EXEMPLARS_A_LANGUAGE = 8
_EXEMPLARS = 24
_WRONG_COSTS = 2.0
"""A text in the wrong complaint is worse than one that stays open until the next refit."""

_PRIOR_TEXTS = 20.0
"""How many members of its own a complaint needs before its own threshold counts half."""

_STEPS = np.arange(0.2, 0.96, 0.01, dtype=np.float64)


def learn_map(
    vectors: Floats2d,
    languages: Sequence[str],
    labels: Ints1d,
    *,
    texts: Sequence[str],
    complaints: tuple[str, ...],
    hidden: frozenset[str],
    means: LanguageMeans,
    space: str,
) -> ComplaintMap:
    """Choose exemplars, and learn from which similarity a text joins.

    Every text of the refit is placed as if it were new, by exemplars other than itself. The threshold of
    a complaint is where texts placed right, less twice those placed wrong, are most; with few members it is
    drawn towards the one of all complaints.

    Args:
        vectors: Centred, on the grid. *Shape:* ``(texts, dimensions)``, float32.
        languages: One code a text.
        labels: Position in `complaints` of each text, -1 for open ones. *Shape:* ``(texts,)``.
        texts: Id of each text.
        complaints: Ids.
        hidden: Ids of dissolved complaints.
        means: What was taken away from the vectors.
        space: Of the vectors.
    """
    chosen = [
        _exemplars(vectors, languages, np.flatnonzero(labels == place)) for place in range(len(complaints))
    ]
    rows = np.array([row for members in chosen for row in members], dtype=np.int64)
    owners = np.repeat(np.arange(len(chosen)), [len(members) for members in chosen]).astype(np.int64)
    similarity, guess = _placed_as_new(vectors, rows, owners)
    return ComplaintMap(
        space=space,
        complaints=complaints,
        exemplars=vectors[rows],
        owners=owners,
        texts=tuple(texts[row] for row in rows.tolist()),
        thresholds=_thresholds(similarity, guess, labels, len(complaints)),
        hidden=hidden,
        means=means,
    )


def _exemplars(vectors: Floats2d, languages: Sequence[str], members: Ints1d) -> list[int]:
    by_language: dict[str, list[int]] = {}
    for row in members.tolist():
        by_language.setdefault(languages[row], []).append(row)
    ordered = sorted(by_language.values(), key=lambda rows: (-len(rows), rows[0]))
    each = max(1, min(_EXEMPLARS_A_LANGUAGE, _EXEMPLARS // max(1, len(ordered))))
    if len(ordered) == 1:
        each = _EXEMPLARS
    chosen = [rows[place] for rows in ordered for place in covering(vectors[rows], each)]
    return chosen[:_EXEMPLARS]


def _placed_as_new(vectors: Floats2d, rows: Ints1d, owners: Ints1d) -> tuple[Floats1d, Ints1d]:
    """Return each text's similarity to the nearest exemplar that is not itself, and whose that is."""
    similarity = np.full(len(vectors), -1.0, dtype=np.float32)
    guess = np.full(len(vectors), -1, dtype=np.int64)
    if len(rows) < 2:  # noqa: PLR2004
        return similarity, guess
    columns = np.full(len(vectors), -1, dtype=np.int64)
    columns[rows] = np.arange(len(rows))
    block = max(1, (1 << 23) // len(rows))
    for start in range(0, len(vectors), block):
        near = vectors[start : start + block] @ vectors[rows].T
        own = columns[start : start + block]
        is_exemplar = np.flatnonzero(own >= 0)
        near[is_exemplar, own[is_exemplar]] = -2
        best = near.argmax(axis=1)
        similarity[start : start + block] = near[np.arange(len(near)), best]
        guess[start : start + block] = owners[best]
    return similarity, guess


def _thresholds(similarity: Floats1d, guess: Ints1d, labels: Ints1d, count: int) -> Floats1d:
    right = guess == labels
    overall = _gains(similarity, right)
    overall = overall / max(1, len(similarity))
    thresholds = np.empty(count, dtype=np.float32)
    for place in range(count):
        placed = guess == place
        gains = _gains(similarity[placed], right[placed]) + _PRIOR_TEXTS * overall
        # Of equals the highest: doubt leaves a text open.
        best = np.flatnonzero(gains >= gains.max() - 1e-9)[-1]
        thresholds[place] = _STEPS[best]
    return thresholds


def _gains(similarity: Floats1d, right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """What each threshold gains: texts placed right less the cost of those placed wrong."""
    joins = similarity[:, None] >= _STEPS[None, :]
    worth = np.where(right, 1.0, -_WRONG_COSTS)
    return np.asarray((joins * worth[:, None]).sum(axis=0), dtype=np.float64)
