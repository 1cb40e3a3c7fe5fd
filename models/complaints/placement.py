"""Where texts belong when complaints are known already: members stay, others join by their ties."""

import numpy as np
from numpy.typing import NDArray

from models.arrays import Ints1d
from models.complaints.graph import TextGraph

_ROUNDS = 10


def release(graph: TextGraph, homes: Ints1d, held: NDArray[np.bool_], *, leave_share: float) -> Ints1d:
    """Let go of members that have nothing to do with their complaint and much with another.

    Args:
        graph: Of all texts.
        homes: Complaint of each text, -1 for none. *Shape:* ``(size,)``.
        held: Members by a person's word: they stay. *Shape:* ``(size,)``.
        leave_share: A member that gives a smaller share of its ties to its complaint, and more than half
            to another, leaves.

    Returns:
        The complaints, -1 for those let go. *Shape:* ``(size,)``.
    """
    best, most = _strongest(graph, homes)
    own = _ties_within(graph, homes)
    strengths = graph.strengths()
    leaves = (homes >= 0) & ~held & (best >= 0) & (best != homes)
    leaves &= (own < leave_share * strengths) & (2 * most > strengths)
    return np.where(leaves, -1, homes)


def place(graph: TextGraph, homes: Ints1d, groups: Ints1d, *, join_share: float) -> Ints1d:
    """Let texts without a complaint join the one they are tied to most, round by round.

    A text joins when more of its ties go to that complaint than to those of its own fresh group that have
    none either: a new matter keeps together and becomes a complaint of its own.

    Args:
        graph: Of all texts.
        homes: Complaint of each text, -1 for none. *Shape:* ``(size,)``.
        groups: The fresh partition. *Shape:* ``(size,)``.
        join_share: Least share of its ties that a text gives to the complaint it joins.

    Returns:
        Complaint of each text, -1 for those that joined none. *Shape:* ``(size,)``.
    """
    strengths = graph.strengths()
    for _ in range(_ROUNDS):
        best, most = _strongest(graph, homes)
        fellows = _ties_within(graph, np.where(homes < 0, groups, -1))
        joins = (homes < 0) & (best >= 0) & (most > fellows) & (most >= join_share * strengths)
        if not joins.any():
            break
        homes = np.where(joins, best, homes)
    return homes


def _strongest(graph: TextGraph, homes: Ints1d) -> tuple[Ints1d, Ints1d]:
    """Return the complaint each text is tied to most (of equals the first), and the sum of those ties."""
    best = np.full(graph.size, -1, dtype=np.int64)
    most = np.zeros(graph.size, dtype=np.int64)
    tied_from, tied_to, weights = graph.both_ways()
    known = homes[tied_to] >= 0
    if not known.any():
        return best, most
    width = int(homes.max()) + 1
    keys, places = np.unique(tied_from[known] * width + homes[tied_to[known]], return_inverse=True)
    sums = np.bincount(places, weights=weights[known]).astype(np.int64)
    order = np.lexsort((-(keys % width), sums, keys // width))
    texts = keys[order] // width
    best[texts] = keys[order] % width  # of one text the strongest comes last and stays
    most[texts] = sums[order]
    return best, most


def _ties_within(graph: TextGraph, homes: Ints1d) -> Ints1d:
    """Sum each text's ties to others of its own home."""
    tied_from, tied_to, weights = graph.both_ways()
    same = (homes[tied_from] == homes[tied_to]) & (homes[tied_from] >= 0)
    return np.bincount(tied_from, weights=weights * same, minlength=graph.size).astype(np.int64)
