"""The clustering part that BERTopic is given: vectors in, one complaint a text out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats2d, Ints1d
from models.complaints.changes import merges, splits
from models.complaints.decisions import Decisions
from models.complaints.graph import TextGraph, text_graph
from models.complaints.neighbours import nearest_by_language
from models.complaints.partition import partition
from models.complaints.placement import place, release
from models.complaints.settings import RefitSettings
from models.complaints.texts import ComplaintText

_ID_BYTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What the last refit, the assignments since and people left behind.

    Attributes:
        members: Complaint of each text that is a member of one now.
        known: Every complaint id that was ever given, the dissolved and the merged too.
        kept: Complaints that people gave a title, an owner or a note: the method merges none into another.
    """

    members: Mapping[str, str] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()


class ComplaintClusterer:
    """Groups texts, starting from what was there and bound by what people decided.

    BERTopic's contract of a clustering part: `fit` looks at the vectors, `labels_` says the group of each
    row, -1 for open ones. `complaints` are the ids of the groups.

    Args:
        texts: In canonical order.
        earlier: Where the partition starts from.
        decisions: What people said.
        settings: How to cluster.
    """

    def __init__(
        self,
        texts: Sequence[ComplaintText],
        *,
        earlier: Earlier,
        decisions: Decisions,
        settings: RefitSettings,
    ) -> None:
        self._texts = texts
        self._earlier = earlier
        self._decisions = decisions
        self._settings = settings
        self._voices = np.unique([text.voice for text in texts], return_inverse=True)[1]
        self.labels_: Ints1d = np.full(len(texts), -1, dtype=np.int64)
        self.complaints: tuple[str, ...] = ()

    def fit(self, vectors: Floats2d, y: object = None) -> "ComplaintClusterer":  # noqa: ARG002 (the contract)
        """Find the groups.

        Args:
            vectors: Centred, on the grid. *Shape:* ``(texts, dimensions)``, float32.
            y: Not used.
        """
        names, homes, held = self._start()
        shut = np.array([text.id in self._decisions.pinned for text in self._texts], dtype=np.bool_) & ~held
        graph = self._graph(vectors, shut)
        fresh = self._partition(graph)
        if names:
            homes = self._evolved(graph, fresh, names, homes, held)
        else:
            homes = np.full(graph.size, -1, dtype=np.int64)
        founded = self._found(
            np.where((homes < 0) & ~shut, fresh, -1), following=int(homes.max(initial=-1)) + 1
        )
        homes = np.where(founded >= 0, founded, homes)
        self._settle(names, homes)
        return self

    def predict(self, vectors: Floats2d) -> Ints1d:
        """Not how new texts are placed: see `ComplaintMap`. Leaves all open.

        Args:
            vectors: *Shape:* ``(texts, dimensions)``.
        """
        return np.full(len(vectors), -1, dtype=np.int64)

    def _start(self) -> tuple[list[str], Ints1d, NDArray[np.bool_]]:
        """Return the complaints there are, where each text is, and which are held by a person's word."""
        pinned = self._decisions.pinned
        wanted: list[str | None] = [
            pinned[text.id] if text.id in pinned else self._earlier.members.get(text.id)
            for text in self._texts
        ]
        final = [None if name is None else self._decisions.survivor(name) for name in wanted]
        names = sorted({name for name in final if name is not None})
        places = {name: place for place, name in enumerate(names)}
        homes = np.array([-1 if name is None else places[name] for name in final], dtype=np.int64)
        held = np.array([pinned.get(text.id) is not None for text in self._texts], dtype=np.bool_)
        return names, homes, held

    def _graph(self, vectors: Floats2d, shut: NDArray[np.bool_]) -> TextGraph:
        """Tie the texts; those that people keep out of all complaints have no ties."""
        rows = np.flatnonzero(~shut)
        count = self._settings.neighbours_among(len(rows))
        languages = [self._texts[row].language for row in rows.tolist()]
        own, other = nearest_by_language(vectors[rows], languages, count=count, floor=self._settings.floor)
        graph = text_graph(len(rows), own, other)
        return TextGraph(
            size=len(vectors), rows=rows[graph.rows], columns=rows[graph.columns], weights=graph.weights
        )

    def _partition(self, graph: TextGraph) -> Ints1d:
        return partition(
            graph,
            resolutions=self._settings.resolutions_among(graph.size),
            bound_share=self._settings.bound_share,
            tightness=self._settings.tightness,
            loose_share=self._settings.loose_share,
            least=self._settings.least_texts,
        )

    def _evolved(
        self, graph: TextGraph, fresh: Ints1d, names: Sequence[str], homes: Ints1d, held: NDArray[np.bool_]
    ) -> Ints1d:
        settings = self._settings
        homes = release(graph, homes, held, leave_share=settings.leave_share)
        homes = place(graph, homes, fresh, join_share=settings.join_share)
        merged = {self._decisions.survivor(name) for name in self._decisions.merged}
        homes = splits(
            graph,
            homes,
            fresh,
            held,
            whole=frozenset(place for place, name in enumerate(names) if name in merged),
            split_share=settings.split_share,
            enough=self._enough,
        )
        joined = merges(graph, homes, merge_share=settings.merge_share, allowed=self._may_merge(names, homes))
        for goes, into in joined.items():
            homes = np.where(homes == goes, into, homes)
        return homes

    def _may_merge(self, names: Sequence[str], homes: Ints1d) -> Callable[[int, int], bool]:
        sizes = np.bincount(homes[homes >= 0])
        pinned = {self._decisions.survivor(name) for name in self._decisions.pinned.values() if name}
        bound = self._earlier.kept | self._decisions.dissolved | pinned

        def allowed(goes: int, into: int) -> bool:
            if goes >= len(names) or into >= len(names):  # split off just now
                return False
            if names[goes] in bound or names[into] in self._decisions.dissolved:
                return False
            return bool(sizes[goes] <= sizes[into]) and not self._decisions.forbids(names[goes], names[into])

        return allowed

    def _enough(self, rows: Ints1d) -> bool:
        return (
            len(rows) >= self._settings.least_texts
            and len(np.unique(self._voices[rows])) >= self._settings.least_customers
        )

    def _found(self, groups: Ints1d, *, following: int) -> Ints1d:
        """Number the groups that make a complaint, from `following` on; -1 for all others."""
        founded = np.full(len(groups), -1, dtype=np.int64)
        order = np.argsort(groups, kind="stable")
        order = order[groups[order] >= 0]
        for rows in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
            if self._enough(rows):
                founded[rows] = following
                following += 1
        return founded

    def _settle(self, names: Sequence[str], homes: Ints1d) -> None:
        """Give new groups their ids, and number all of them from 0 without gaps."""
        present = sorted(set(homes[homes >= 0].tolist()))
        taken = set(self._earlier.known) | set(names) | set(self._decisions.merged)
        ids = {}
        for home in present:
            ids[home] = (
                names[home] if home < len(names) else self._new_id(np.flatnonzero(homes == home), taken)
            )
            taken.add(ids[home])
        ordered = sorted(present, key=ids.__getitem__)
        table = np.full(int(homes.max(initial=-1)) + 2, -1, dtype=np.int64)
        table[ordered] = np.arange(len(ordered))
        self.labels_ = table[homes]
        self.complaints = tuple(ids[home] for home in ordered)

    def _new_id(self, rows: Ints1d, taken: set[str]) -> str:
        founders = "\n".join(sorted(self._texts[row].id for row in rows.tolist()))
        salt = 0
        while True:
            name = blake2b(f"{salt}\n{founders}".encode(), digest_size=_ID_BYTES).hexdigest()
            if name not in taken:
                return name
            salt += 1
