"""From the members of complaints to the map that places new texts, its thresholds learnt from the members."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats1d, Floats2d, Ints1d
from models.complaints.complaint_map import ComplaintMap
from models.complaints.coverage import covering
from models.complaints.exact import GRID, on_grid
from models.complaints.language_means import LanguageMeans

_PARTS = 16
"""Prototypes of a complaint at most. Means of parts place 87 to 97 % of texts as a refit does, single members
58 to 95 % (2026-11-24, four sets, eight of either)."""

_NOTHING = 1e-6

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
    """Cut complaints into parts, and learn from which similarity to the mean of one a text joins.

    Every text of the refit is placed as if it were new: without it in the mean of its part. The threshold of
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
    parts = _parts(vectors, languages, labels, len(complaints))
    joined = np.flatnonzero(parts >= 0)
    count = int(parts.max(initial=-1)) + 1
    sums = np.zeros((count, vectors.shape[1]), dtype=np.float64)
    np.add.at(sums, parts[joined], vectors[joined].astype(np.float64))
    owners = np.full(count, -1, dtype=np.int64)
    owners[parts[joined]] = labels[joined]
    prototypes = on_grid(sums.astype(np.float32)) / np.float32(GRID)
    similarity, guess = _placed_as_new(vectors, parts, sums, prototypes, owners)
    return ComplaintMap(
        space=space,
        complaints=complaints,
        prototypes=prototypes,
        owners=owners,
        texts=tuple(texts[row] for row in joined.tolist()),
        text_prototypes=parts[joined],
        thresholds=_thresholds(similarity, guess, labels, len(complaints)),
        hidden=hidden,
        means=means,
    )


def _parts(vectors: Floats2d, languages: Sequence[str], labels: Ints1d, count: int) -> Ints1d:
    """Return the part of its complaint that each text is nearest to; numbered over all complaints."""
    parts = np.full(len(vectors), -1, dtype=np.int64)
    order = np.argsort(labels, kind="stable")
    following = 0
    for members in np.split(order, np.searchsorted(labels[order], np.arange(count)))[1:]:
        seeds = _seeds(vectors, languages, members)
        nearest = (vectors[members] @ vectors[seeds].T).argmax(axis=1)
        used, places = np.unique(nearest, return_inverse=True)
        parts[members] = following + places
        following += len(used)
    return parts


def _seeds(vectors: Floats2d, languages: Sequence[str], members: Ints1d) -> list[int]:
    """Choose members that cover their complaint, by turns among its languages."""
    by_language: dict[str, list[int]] = {}
    for row in members.tolist():
        by_language.setdefault(languages[row], []).append(row)
    ordered = sorted(by_language.values(), key=lambda rows: (-len(rows), rows[0]))
    each = max(1, _PARTS // len(ordered))
    return [rows[place] for rows in ordered for place in covering(vectors[rows], each)][:_PARTS]


def _placed_as_new(
    vectors: Floats2d, parts: Ints1d, sums: NDArray[np.float64], prototypes: Floats2d, owners: Ints1d
) -> tuple[Floats1d, Ints1d]:
    """Return each text's similarity to the nearest prototype, itself taken out, and whose that is."""
    similarity = np.full(len(vectors), -1.0, dtype=np.float32)
    guess = np.full(len(vectors), -1, dtype=np.int64)
    if not len(prototypes):
        return similarity, guess
    block = max(1, (1 << 23) // len(prototypes))
    for start in range(0, len(vectors), block):
        rows = vectors[start : start + block]
        near = rows @ prototypes.T
        own = parts[start : start + block]
        inside = np.flatnonzero(own >= 0)
        near[inside, own[inside]] = _without_itself(rows[inside], sums[own[inside]])
        best = near.argmax(axis=1)
        similarity[start : start + block] = near[np.arange(len(near)), best]
        guess[start : start + block] = owners[best]
    return similarity, guess


def _without_itself(rows: Floats2d, sums: NDArray[np.float64]) -> Floats1d:
    """Return each row's cosine to the rest of a sum that it is part of; -2 where nothing is left."""
    rest = sums - rows
    lengths = np.sqrt((rest**2).sum(axis=1))
    cosines = (rest * rows).sum(axis=1) / np.where(lengths > _NOTHING, lengths, 1.0)
    return np.where(lengths > _NOTHING, cosines, -2.0).astype(np.float32)


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
