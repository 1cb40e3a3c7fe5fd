"""Groups of texts, found afresh: themes first, then the small tight complaints inside them."""

from collections.abc import Sequence

import graspologic_native
import numpy as np

from models.arrays import Ints1d
from models.complaints.graph import UNIT, TextGraph

_SEED = 0
_ITERATIONS = 2


def partition(
    graph: TextGraph,
    *,
    resolutions: Sequence[float],
    bound_share: float,
    tightness: float,
    loose_share: float,
    least: int,
) -> Ints1d:
    """Partition a graph: by modularity, then carve out groups that keep to themselves.

    Modularity finds groups at any resolution asked for. The one taken is the finest at which groups still
    hold together: at which texts give most of their ties to their own group. Modularity also loses the three
    customers with a problem of their own in the nearest large group. So groups are sought a second time by
    density, which knows no size, and such a group is taken out when it gives little to the rest of its
    theme.

    Source: Traag, Waltman, van Eck, "From Louvain to Leiden", 2019; Traag, Van Dooren, Nesterov,
    "Narrow scope for resolution-limit-free community detection", 2011 (the constant Potts model).

    Args:
        graph: Of texts in canonical order.
        resolutions: Of modularity, the finest first; the last one is taken when none holds together.
        bound_share: Share of all ties that must lie inside of groups.
        tightness: Density of ties inside a small group, 0..1.
        loose_share: Largest share of its ties that a small group gives to the rest of its theme.
        least: Texts of the smallest group to carve out.

    Returns:
        Group of each text, numbered in the order of their first texts. *Shape:* ``(size,)``.
    """
    edges = _edges(graph)
    themes = np.zeros(graph.size, dtype=np.int64)
    for resolution in resolutions:
        themes = _leiden(graph.size, edges, resolution, modularity=True)
        inside = graph.weights[themes[graph.rows] == themes[graph.columns]].sum()
        if inside >= bound_share * graph.weights.sum():
            break
    tight = _leiden(graph.size, edges, tightness, modularity=False)
    return numbered(_carve(graph, themes, tight, loose_share, least))


def numbered(groups: Ints1d) -> Ints1d:
    """Number groups in the order in which they come first.

    >>> numbered(np.array([7, 3, 7])).tolist()
    [0, 1, 0]
    """
    _, first, places = np.unique(groups, return_index=True, return_inverse=True)
    ranks = np.empty(len(first), dtype=np.int64)
    ranks[np.argsort(first)] = np.arange(len(first))
    return ranks[places].astype(np.int64)


def _edges(graph: TextGraph) -> list[tuple[str, str, float]]:
    names = [str(place) for place in range(graph.size)]
    return [
        (names[row], names[column], weight / UNIT)
        for row, column, weight in zip(
            graph.rows.tolist(), graph.columns.tolist(), graph.weights.tolist(), strict=True
        )
    ]


def _leiden(size: int, edges: list[tuple[str, str, float]], resolution: float, *, modularity: bool) -> Ints1d:
    """Run Leiden with one seed; a text without ties is a group of its own."""
    groups = np.arange(size, dtype=np.int64) + size
    if not edges:
        return groups
    _, found = graspologic_native.leiden(
        edges, resolution=resolution, use_modularity=modularity, seed=_SEED, iterations=_ITERATIONS
    )
    for name, group in found.items():
        groups[int(name)] = group
    return groups


def _carve(graph: TextGraph, themes: Ints1d, tight: Ints1d, loose_share: float, least: int) -> Ints1d:
    # A small group is what of a tight one lies in one theme.
    pairs = numbered(themes * (2 * graph.size) + tight)
    sizes = np.bincount(pairs)
    tied_from, tied_to, weights = graph.both_ways()
    leaving = (themes[tied_from] == themes[tied_to]) & (pairs[tied_from] != pairs[tied_to])
    given = np.bincount(pairs[tied_from], weights=weights * leaving, minlength=len(sizes))
    held = np.bincount(pairs, weights=graph.strengths(), minlength=len(sizes))
    carved = (sizes >= least) & (given <= loose_share * held)
    return np.where(carved[pairs], 2 * graph.size + pairs, themes)
