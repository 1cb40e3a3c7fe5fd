"""The implementations of the vector port that the contract is held against."""

import asyncio
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from qdrant_client import QdrantClient, models

from service.store.vectors import EdgeIndex, VectorIndex
from service.store.vectors.server import QdrantServerIndex

DIMENSIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorBackend:
    """Opens one store as often as asked; `has_lock` says whether twice at a time is refused."""

    open: Callable[[], VectorIndex]
    has_lock: bool


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def index_folder() -> Iterator[Path]:
    # A new shard syncs a hundred files: in memory, where there is such a place, that is ten times faster.
    memory = Path("/dev/shm")  # noqa: S108  made unpredictable below
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(
    params=[
        "edge",
        "server-double",
        pytest.param("server", marks=pytest.mark.qdrant),
    ]
)
def vector_backend(request, index_folder) -> Iterator[VectorBackend]:
    opened: list[VectorIndex] = []

    def keep(index: VectorIndex) -> VectorIndex:
        opened.append(index)
        return index

    space = f"contract-{uuid4()}"
    if request.param == "edge":
        yield VectorBackend(
            open=lambda: keep(EdgeIndex(index_folder, space=space, dimensions=DIMENSIONS)), has_lock=True
        )
        asyncio.run(_close(opened))
    elif request.param == "server-double":
        # The real client over HTTP, its bodies checked, in front of the client's own in-memory engine.
        transport = httpx.MockTransport(QdrantDouble())
        yield VectorBackend(
            open=lambda: keep(
                QdrantServerIndex(
                    "http://qdrant.test", None, space=space, dimensions=DIMENSIONS, transport=transport
                )
            ),
            has_lock=False,
        )
        asyncio.run(_close(opened))
    else:
        url = os.environ.get("QDRANT_TEST_URL")
        if url is None:
            pytest.skip("QDRANT_TEST_URL names no Qdrant server")
        key = os.environ.get("QDRANT_TEST_API_KEY")
        yield VectorBackend(
            open=lambda: keep(QdrantServerIndex(url, key, space=space, dimensions=DIMENSIONS)), has_lock=False
        )
        asyncio.run(_close(opened))
        cleaner = QdrantClient(url=url, api_key=key, check_compatibility=False)
        for index in opened[:1]:
            cleaner.delete_collection(index._collection)
        cleaner.close()


@pytest.fixture
def vector_index(vector_backend) -> VectorIndex:
    return vector_backend.open()


async def _close(opened: list[VectorIndex]) -> None:
    for index in opened:
        await index.close()


class QdrantDouble:
    """Qdrant's REST interface as far as the index uses it; a body it does not know is an error."""

    def __init__(self) -> None:
        self._engine = QdrantClient(":memory:")
        self._indexes: dict[str, Any] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        match = re.fullmatch(r"/collections/([^/]+)(/.*)?", request.url.path)
        assert match, request.url
        collection, rest = match.groups()
        answer = getattr(self, f"_{request.method.lower()}{(rest or '').replace('/', '_')}")
        result = answer(collection, request.content)
        if isinstance(result, httpx.Response):
            return result
        return httpx.Response(200, json={"result": result, "status": "ok", "time": 0.0})

    def _get_exists(self, collection: str, _body: bytes) -> Any:
        return {"exists": self._engine.collection_exists(collection)}

    def _get(self, collection: str, _body: bytes) -> Any:
        info = self._engine.get_collection(collection).model_dump(mode="json")
        return info | {"payload_schema": self._indexes}

    def _put(self, collection: str, body: bytes) -> Any:
        wanted = models.CreateCollection.model_validate_json(body)
        if self._engine.collection_exists(collection):
            return httpx.Response(409, json={"status": {"error": "already exists"}})
        return self._engine.create_collection(collection, vectors_config=wanted.vectors)

    def _put_index(self, _collection: str, body: bytes) -> Any:
        wanted = models.CreateFieldIndex.model_validate_json(body)
        kind = getattr(wanted.field_schema, "type", wanted.field_schema)
        self._indexes[wanted.field_name] = {"data_type": kind.value, "points": 0}
        return {"operation_id": 0, "status": "completed"}

    def _put_points(self, collection: str, body: bytes) -> Any:
        points = models.PointsList.model_validate_json(body).points
        return self._engine.upsert(collection, points).model_dump(mode="json")

    def _post_points_delete(self, collection: str, body: bytes) -> Any:
        ids = models.PointIdsList.model_validate_json(body)
        return self._engine.delete(collection, ids).model_dump(mode="json")

    def _post_points_query(self, collection: str, body: bytes) -> Any:
        wanted = models.QueryRequest.model_validate_json(body)
        assert wanted.params
        assert wanted.params.exact
        answer = self._engine.query_points(
            collection,
            query=wanted.query,
            query_filter=wanted.filter,
            limit=wanted.limit,
            with_payload=wanted.with_payload,
            score_threshold=wanted.score_threshold,
        )
        return answer.model_dump(mode="json")

    def _post_points_scroll(self, collection: str, body: bytes) -> Any:
        wanted = models.ScrollRequest.model_validate_json(body)
        records, after = self._engine.scroll(
            collection, offset=wanted.offset, limit=wanted.limit, with_payload=wanted.with_payload
        )
        return {"points": [record.model_dump(mode="json") for record in records], "next_page_offset": after}

    def _post_points_count(self, collection: str, body: bytes) -> Any:
        wanted = models.CountRequest.model_validate_json(body)
        return self._engine.count(collection, exact=wanted.exact).model_dump(mode="json")
