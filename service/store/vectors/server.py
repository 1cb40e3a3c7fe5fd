"""The vector index on a Qdrant server or cluster."""

import asyncio
from collections.abc import Awaitable, Sequence
from json import JSONDecodeError
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from models.arrays import Floats1d
from service.store.errors import IndexUnavailableError
from service.store.vectors.filters import Conditions, conditions_of
from service.store.vectors.points import KEYWORD_FIELDS, NUMBER_FIELDS, TENANT, prepared, unit_vector
from service.store.vectors.protocol import FACETS, Hit, Point, VectorFilter
from service.store.vectors.ranking import TIE_GROWTH, as_cosine, engine_threshold, first_request, page_of
from service.store.vectors.space import safe_name

_CHUNK: Final = 512
"""Points in one request: about 5 MB of JSON; Qdrant refuses more than 32 MB."""

_TIMEOUT_SECONDS: Final = 10

_NOT_FOUND: Final = 404
_CONFLICT: Final = 409

_T = TypeVar("_T")


class QdrantServerIndex:
    """A `VectorIndex` on a collection of its own on a Qdrant server, searched exactly.

    The collection is made on first use, so a server that is down delays nothing but the index. It has no
    HNSW graph: Qdrant's graph loses matches under wide filters without saying so (recall 0.84 at 50,000
    points), and no search would use it. One made beforehand under the same name, with more shards or
    replicas, is taken as it is.

    Args:
        url: Where the server is, such as ``http://127.0.0.1:6333``.
        api_key: The server's key, if it wants one.
        space: Identity of the vector space; each has its own collection.
        dimensions: Length of a vector.
        transport: What carries the requests, instead of the network.

    Raises:
        ValueError: `url` is not an address.
    """

    def __init__(
        self,
        url: str,
        api_key: str | None,
        *,
        space: str,
        dimensions: int,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"expected the address of a Qdrant server, http:// or https://, got {url!r}")
        self._collection = f"closeloop-{safe_name(space)}"
        self._dimensions = dimensions
        self._prepared = False
        self._preparing = asyncio.Lock()
        carrier: dict[str, Any] = {} if transport is None else {"transport": transport}
        # The check of the server's version would be a request in a thread of its own, before anyone asks.
        self._client = AsyncQdrantClient(
            url=url, api_key=api_key, timeout=_TIMEOUT_SECONDS, check_compatibility=False, **carrier
        )

    async def upsert(self, points: Sequence[Point]) -> None:
        written = [
            models.PointStruct(id=str(point.id), vector=point.vector.tolist(), payload=dict(point.payload))
            for point in prepared(points, self._dimensions)
        ]
        await self._prepare()
        for start in range(0, len(written), _CHUNK):
            chunk = written[start : start + _CHUNK]
            await self._call(self._client.upsert(self._collection, chunk, wait=True))

    async def delete(self, ids: Sequence[UUID]) -> None:
        await self._prepare()
        for start in range(0, len(ids), _CHUNK):
            chunk: list[models.ExtendedPointId] = [str(id_) for id_ in ids[start : start + _CHUNK]]
            selector = models.PointIdsList(points=chunk)
            await self._call(self._client.delete(self._collection, selector, wait=True))

    async def query(
        self,
        vector: Floats1d,
        where: VectorFilter,
        *,
        limit: int,
        offset: int = 0,
        score_threshold: float | None = None,
    ) -> list[Hit]:
        nearest = unit_vector(vector, self._dimensions).tolist()
        matching = _filter(conditions_of(where))
        threshold = engine_threshold(score_threshold)
        asked = first_request(limit, offset)
        await self._prepare()
        while True:
            answer = await self._call(
                self._client.query_points(
                    self._collection,
                    query=nearest,
                    query_filter=matching,
                    search_params=models.SearchParams(exact=True),
                    limit=asked,
                    with_payload=list(FACETS),
                    score_threshold=threshold,
                )
            )
            found = [(point.score, UUID(str(point.id))) for point in answer.points]
            page = page_of(found, asked=asked, limit=limit, offset=offset, score_threshold=score_threshold)
            if page is not None:
                payloads = {UUID(str(point.id)): point.payload or {} for point in answer.points}
                return [Hit(id=id_, score=as_cosine(score), payload=payloads[id_]) for score, id_ in page]
            asked *= TIE_GROWTH

    async def count_similar(
        self, vector: Floats1d, where: VectorFilter, *, score_threshold: float, at_most: int
    ) -> int:
        await self._prepare()
        answer = await self._call(
            self._client.query_points(
                self._collection,
                query=unit_vector(vector, self._dimensions).tolist(),
                query_filter=_filter(conditions_of(where)),
                search_params=models.SearchParams(exact=True),
                limit=at_most,
                with_payload=False,
                score_threshold=engine_threshold(score_threshold),
            )
        )
        return sum(as_cosine(point.score) >= score_threshold for point in answer.points)

    async def scroll_ids(self, *, after: UUID | None = None, limit: int = 1000) -> list[UUID]:
        await self._prepare()
        records, _ = await self._call(
            self._client.scroll(
                self._collection,
                offset=str(UUID(int=0) if after is None else after),
                limit=limit + 1,
                with_payload=False,
                with_vectors=False,
            )
        )
        ids = [UUID(str(record.id)) for record in records]
        return [id_ for id_ in ids if after is None or id_ > after][:limit]

    async def count(self) -> int:
        await self._prepare()
        return (await self._call(self._client.count(self._collection, exact=True))).count

    async def ping(self) -> None:
        await self._prepare()
        await self._call(self._client.collection_exists(self._collection))

    async def close(self) -> None:
        await self._client.close()

    async def _prepare(self) -> None:
        async with self._preparing:
            if not self._prepared:
                await self._create_indexes(await self._collection_info())
                self._prepared = True

    async def _collection_info(self) -> models.CollectionInfo:
        if not await self._call(self._client.collection_exists(self._collection)):
            await self._create_collection()
        info = await self._call(self._client.get_collection(self._collection))
        vectors = info.config.params.vectors
        size = vectors.size if isinstance(vectors, models.VectorParams) else None
        if size != self._dimensions:
            raise IndexUnavailableError(
                f"expected vectors of length {self._dimensions} in the Qdrant collection {self._collection}, "
                f"got {size or 'named vectors'}"
            )
        return info

    async def _create_collection(self) -> None:
        vectors = models.VectorParams(size=self._dimensions, distance=models.Distance.COSINE)
        graph = models.HnswConfigDiff(m=0)
        try:
            await self._call(
                self._client.create_collection(self._collection, vectors_config=vectors, hnsw_config=graph)
            )
        except IndexUnavailableError as error:
            # Another process was faster: what it made is what we wanted.
            if not (
                isinstance(error.__cause__, UnexpectedResponse) and error.__cause__.status_code == _CONFLICT
            ):
                raise

    async def _create_indexes(self, info: models.CollectionInfo) -> None:
        wanted: dict[str, models.PayloadFieldSchema] = {
            field: models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=field == TENANT)
            for field in KEYWORD_FIELDS
        }
        wanted |= dict.fromkeys(NUMBER_FIELDS, models.PayloadSchemaType.FLOAT)
        for field, schema in wanted.items():
            if field not in info.payload_schema:
                await self._call(
                    self._client.create_payload_index(self._collection, field, schema, wait=True)
                )

    async def _call(self, answer: Awaitable[_T]) -> _T:
        try:
            return await answer
        except UnexpectedResponse as error:
            if error.status_code == _NOT_FOUND:
                self._prepared = False  # someone removed the collection: the next call makes it again
            raise IndexUnavailableError(
                f"Qdrant refused: {error.status_code} {error.reason_phrase} ({self._collection})"
            ) from error
        except ResponseHandlingException as error:
            raise IndexUnavailableError(
                f"no answer from Qdrant that could be read: {type(error.source).__name__}: {error.source}"
            ) from error
        except QdrantException as error:
            raise IndexUnavailableError(f"Qdrant refused: {error}") from error
        except JSONDecodeError as error:
            raise IndexUnavailableError(
                "expected JSON from Qdrant, got something else: is it one?"
            ) from error


def _filter(conditions: Conditions) -> models.Filter:
    must: list[models.Condition] = [
        models.FieldCondition(key=choice.field, match=models.MatchAny(any=list(choice.values)))
        for choice in conditions.one_of
    ]
    must += [
        models.FieldCondition(key=within.field, range=models.Range(gte=within.at_least, lt=within.below))
        for within in conditions.within
    ]
    if not conditions.exclude:
        return models.Filter(must=must)
    excluded = models.HasIdCondition(has_id=[str(id_) for id_ in conditions.exclude])
    return models.Filter(must=must, must_not=[excluded])
