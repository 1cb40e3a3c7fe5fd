"""When a complaint is two, and when two are one: with hysteresis, so that the map keeps still."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.arrays import Ints1d
from models.complaints.graph import TextGraph
from models.complaints.partition import numbered


def splits(
    graph: TextGraph,
    homes: Ints1d,
    groups: Ints1d,
    held: NDArray[np.bool_],
    *,
    whole: frozenset[int],
    split_share: float,
    enough: Callable[[Ints1d], bool],
) -> Ints1d:
    """Take parts out of complaints that have all but come apart.

    Args:
        graph: Of all texts.
        homes: Complaint of each text, -1 for none. *Shape:* ``(size,)``.
        groups: The fresh partition: what of a complaint lies in one group is a part. *Shape:* ``(size,)``.
        held: Members by a person's word: they stay. *Shape:* ``(size,)``.
        whole: Complaints that are one by a person's word.
        split_share: Largest share of its ties that a part gives to the rest of its complaint.
        enough: Whether texts (rows) make a complaint.

    Returns:
        The complaints, with new numbers for the parts that left. *Shape:* ``(size,)``.
    """
    result = homes.copy()
    following = int(homes.max(initial=-1)) + 1
    members = np.flatnonzero(homes >= 0)
    parts = np.full(graph.size, -1, dtype=np.int64)
    parts[members] = numbered(homes[members] * (int(groups.max(initial=0)) + 1) + groups[members])
    given, strength = _given_to_rest(graph, homes, parts)
    for part in np.flatnonzero((given <= split_share * strength) & (strength > 0)).tolist():
        rows = np.flatnonzero((parts == part) & ~held)
        if not len(rows) or int(homes[rows[0]]) in whole:
            continue
        rest = np.setdiff1d(np.flatnonzero(result == homes[rows[0]]), rows)
        # Of two parts the one with more texts goes on.
        if enough(rows) and enough(rest) and len(rows) <= len(rest):
            result[rows] = following
            following += 1
    return result


def _given_to_rest(graph: TextGraph, homes: Ints1d, parts: Ints1d) -> tuple[Ints1d, Ints1d]:
    count = int(parts.max(initial=-1)) + 1
    tied_from, tied_to, weights = graph.both_ways()
    inside = (homes[tied_from] >= 0) & (homes[tied_from] == homes[tied_to])
    tied_from, tied_to, weights = tied_from[inside], tied_to[inside], weights[inside]
    crossing = parts[tied_from] != parts[tied_to]
    given = np.bincount(parts[tied_from], weights=weights * crossing, minlength=count)
    strength = np.bincount(parts[tied_from], weights=weights, minlength=count)
    return given.astype(np.int64), strength.astype(np.int64)


def merges(
    graph: TextGraph,
    homes: Ints1d,
    *,
    merge_share: float,
    allowed: Callable[[int, int], bool],
) -> dict[int, int]:
    """Find complaints that give most of their ties to another one.

    Args:
        graph: Of all texts.
        homes: Complaint of each text, -1 for none. *Shape:* ``(size,)``.
        merge_share: Least share of its ties that a complaint gives to the one it merges into.
        allowed: Whether the first may go into the second.

    Returns:
        Where complaints go; nobody goes into one that goes itself.
    """
    width = int(homes.max(initial=-1)) + 1
    if not width:
        return {}
    tied_from, tied_to, weights = graph.both_ways()
    inside = (homes[tied_from] >= 0) & (homes[tied_to] >= 0)
    keys = homes[tied_from[inside]] * width + homes[tied_to[inside]]
    pairs, places = np.unique(keys, return_inverse=True)
    sums = np.bincount(places, weights=weights[inside]).astype(np.int64)
    strengths = np.bincount(homes[homes >= 0], weights=graph.strengths()[homes >= 0], minlength=width).astype(
        np.int64
    )
    found: dict[int, int] = {}
    strongest = np.lexsort((pairs, -sums / np.maximum(1, strengths[pairs // width])))
    for place in strongest.tolist():
        goes, into = divmod(int(pairs[place]), width)
        if goes == into or sums[place] < merge_share * strengths[goes]:
            continue
        if goes in found or into in found or goes in found.values() or not allowed(goes, into):
            continue
        found[goes] = into
    return found
