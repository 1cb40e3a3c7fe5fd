"""The vector index in process: Qdrant's own engine, no server."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar, TypeVarTuple
from uuid import UUID

import qdrant_edge as edge

from models.arrays import Floats1d
from service.store.errors import IndexUnavailableError
from service.store.vectors.edge_log import EdgeLog
from service.store.vectors.edge_shard import engine_errors, open_shard
from service.store.vectors.filters import Conditions, conditions_of
from service.store.vectors.points import prepared, unit_vector
from service.store.vectors.protocol import FACETS, Hit, Point, VectorFilter
from service.store.vectors.ranking import TIE_GROWTH, as_cosine, engine_threshold, first_request, page_of
from service.store.vectors.space import safe_name

_WRITE_CHUNK: Final = 64
"""Points a call of the engine writes: it holds the interpreter, 64 points for about 5 ms."""

_READ_CHUNK: Final = 512
"""Payloads a call of the engine reads: 512 for about 3 ms."""

_FLUSH_EVERY: Final = 32_768
"""Points after which the log is emptied into the shard's files.

More is longer to replay after a kill, 1.3 s for these; less is a flush more often, and each one stops every
thread, for half a second on a busy disk.
"""

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class EdgeIndex:
    """A `VectorIndex` on a Qdrant Edge shard of its own, searched exactly.

    The engine holds Python's interpreter lock in every call and is not asynchronous, so one thread of its
    own makes the calls, in order, in small pieces. Its `optimize()` is never called: it would stall every
    thread for seconds, and the graph it builds loses matches under wide filters.

    Args:
        folder: Where the shards of all spaces lie; created if missing.
        space: Identity of the vector space; each has its own shard.
        dimensions: Length of a vector.

    Raises:
        IndexUnavailableError: Another process holds the shard, it is damaged, or its vectors have another
            length.
    """

    def __init__(self, folder: Path, *, space: str, dimensions: int) -> None:
        path = folder / safe_name(space)
        self._log = EdgeLog(path)
        self._dimensions = dimensions
        self._unflushed = 0
        self._closed = False
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="vector-index")
        try:
            self._shard = self._worker.submit(open_shard, path, dimensions).result()
        except BaseException:
            self._worker.shutdown()
            raise

    async def upsert(self, points: Sequence[Point]) -> None:
        ready = await self._run(prepared, points, self._dimensions)
        for start in range(0, len(ready), _WRITE_CHUNK):
            await self._run(self._upsert, ready[start : start + _WRITE_CHUNK])
        await self._run(self._settle, len(ready))

    async def delete(self, ids: Sequence[UUID]) -> None:
        await self._run(self._delete, ids)
        await self._run(self._settle, len(ids))

    async def query(
        self,
        vector: Floats1d,
        where: VectorFilter,
        *,
        limit: int,
        offset: int = 0,
        score_threshold: float | None = None,
    ) -> list[Hit]:
        page, hits = await self._run(self._query, vector, where, limit, offset, score_threshold)
        for start in range(_READ_CHUNK, len(page), _READ_CHUNK):
            hits += await self._run(self._hits, page[start : start + _READ_CHUNK])
        return hits

    async def count_similar(
        self, vector: Floats1d, where: VectorFilter, *, score_threshold: float, at_most: int
    ) -> int:
        return await self._run(self._count_similar, vector, where, score_threshold, at_most)

    async def scroll_ids(self, *, after: UUID | None = None, limit: int = 1000) -> list[UUID]:
        return await self._run(self._scroll_ids, after, limit)

    async def count(self) -> int:
        return await self._run(self._shard.count, edge.CountRequest(exact=True))

    async def ping(self) -> None:
        await self._run(self._shard.info)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            with engine_errors():
                await asyncio.get_running_loop().run_in_executor(self._worker, self._close)
        finally:
            self._worker.shutdown()

    async def _run(self, work: Callable[[*_Ts], _T], *args: *_Ts) -> _T:
        if self._closed:
            raise IndexUnavailableError("the vector index has been closed")
        with engine_errors():
            return await asyncio.get_running_loop().run_in_executor(self._worker, work, *args)

    # What follows runs in the worker thread.

    def _upsert(self, points: Sequence[Point]) -> None:
        written = [edge.Point(point.id, point.vector.tolist(), dict(point.payload)) for point in points]
        self._shard.update(edge.UpdateOperation.upsert_points(written))

    def _delete(self, ids: Sequence[UUID]) -> None:
        self._shard.update(edge.UpdateOperation.delete_points(list(ids)))

    def _settle(self, written: int) -> None:
        if not written:
            return
        self._log.sync()
        self._unflushed += written
        if self._unflushed >= _FLUSH_EVERY:
            self._shard.flush()
            self._unflushed = 0

    def _query(
        self, vector: Floats1d, where: VectorFilter, limit: int, offset: int, score_threshold: float | None
    ) -> tuple[list[tuple[float, UUID]], list[Hit]]:
        page = self._page(vector, where, limit, offset, score_threshold)
        # Nearly always the whole page: one change of threads, not two.
        return page, self._hits(page[:_READ_CHUNK])

    def _page(
        self, vector: Floats1d, where: VectorFilter, limit: int, offset: int, score_threshold: float | None
    ) -> list[tuple[float, UUID]]:
        nearest = edge.Query.Nearest(unit_vector(vector, self._dimensions).tolist())
        matching = _filter(conditions_of(where))
        threshold = engine_threshold(score_threshold)
        asked = first_request(limit, offset)
        while True:
            request = _request(nearest, matching, threshold, asked)
            found = [(point.score, _uuid(point.id)) for point in self._shard.query(request)]
            page = page_of(found, asked=asked, limit=limit, offset=offset, score_threshold=score_threshold)
            if page is not None:
                return page
            asked *= TIE_GROWTH

    def _count_similar(
        self, vector: Floats1d, where: VectorFilter, score_threshold: float, at_most: int
    ) -> int:
        nearest = edge.Query.Nearest(unit_vector(vector, self._dimensions).tolist())
        threshold = engine_threshold(score_threshold)
        request = _request(nearest, _filter(conditions_of(where)), threshold, at_most)
        return sum(as_cosine(point.score) >= score_threshold for point in self._shard.query(request))

    def _hits(self, page: Sequence[tuple[float, UUID]]) -> list[Hit]:
        # Fetched for the page alone: payloads cost several times what finding the points does.
        records = self._shard.retrieve([id_ for _, id_ in page], list(FACETS), False)
        payloads = {_uuid(record.id): record.payload or {} for record in records}
        # A point may have been deleted since it was found.
        return [
            Hit(id=id_, score=as_cosine(score), payload=payloads[id_])
            for score, id_ in page
            if id_ in payloads
        ]

    def _scroll_ids(self, after: UUID | None, limit: int) -> list[UUID]:
        start = UUID(int=0) if after is None else after
        request = edge.ScrollRequest(offset=start, limit=limit + 1, with_payload=False, with_vector=False)
        records, _ = self._shard.scroll(request)
        ids = [_uuid(record.id) for record in records]
        return [id_ for id_ in ids if after is None or id_ > after][:limit]

    def _close(self) -> None:
        self._shard.flush()
        self._shard.close()


def _request(
    nearest: edge.Query, matching: edge.Filter, threshold: float | None, limit: int
) -> edge.QueryRequest:
    return edge.QueryRequest(
        limit=limit,
        query=nearest,
        filter=matching,
        score_threshold=threshold,
        with_payload=False,
        params=edge.SearchParams(exact=True),
    )


def _filter(conditions: Conditions) -> edge.Filter:
    must: list[edge.ConditionType] = [
        edge.FieldCondition(key=choice.field, match=edge.MatchAny(list(choice.values)))
        for choice in conditions.one_of
    ]
    must += [
        edge.FieldCondition(key=within.field, range=edge.RangeFloat(gte=within.at_least, lt=within.below))
        for within in conditions.within
    ]
    excluded: list[edge.ConditionType] = (
        [edge.HasIdCondition(set(conditions.exclude))] if conditions.exclude else []
    )
    return edge.Filter(must=must, must_not=excluded)


def _uuid(point_id: object) -> UUID:
    # Only UUIDs are ever written; the engine's type allows for numbers too.
    if not isinstance(point_id, UUID):
        raise IndexUnavailableError(f"expected points named by UUIDs in the vector index, got {point_id!r}")
    return point_id
