import json
from uuid import UUID

import httpx
import numpy as np
import pytest
from qdrant_client import models

from service.store.errors import IndexUnavailableError
from service.store.vectors.points import KEYWORD_FIELDS, NUMBER_FIELDS
from service.store.vectors.protocol import FACETS, Point, VectorFilter
from service.store.vectors.server import QdrantServerIndex
from service.store.vectors.space import safe_name

pytestmark = pytest.mark.anyio

TENANT = UUID(int=1)
COLLECTION = f"/collections/closeloop-{safe_name('s')}"


class Server:
    """Answers as told and keeps what it was asked."""

    def __init__(self, *, exists: bool = True, indexed: bool = True, dimensions: int = 2) -> None:
        self.exists = exists
        self.indexed = indexed
        self.dimensions = dimensions
        self.requests: list[httpx.Request] = []
        self.answers: dict[tuple[str, str], httpx.Response | Exception] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path.removeprefix(COLLECTION)
        answer = self.answers.get((request.method, path)) or self._result(request.method, path)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, json={"result": answer, "status": "ok", "time": 0.001})

    def bodies(self, method: str, path: str) -> list[dict]:
        return [
            json.loads(request.content)
            for request in self.requests
            if (request.method, request.url.path) == (method, COLLECTION + path)
        ]

    def _result(self, method: str, path: str):
        done = {"operation_id": 1, "status": "completed"}
        results = {
            ("GET", "/exists"): {"exists": self.exists},
            ("GET", ""): self._info(),
            ("PUT", ""): True,
            ("POST", "/points/query"): {"points": []},
            ("POST", "/points/count"): {"count": 3},
            ("POST", "/points/scroll"): {"points": [{"id": str(UUID(int=9))}], "next_page_offset": None},
        }
        return results.get((method, path), done)

    def _info(self) -> dict:
        field = {"data_type": "keyword", "points": 0}
        names = [*KEYWORD_FIELDS, *NUMBER_FIELDS] if self.indexed else []
        hnsw = {"m": 0, "ef_construct": 100, "full_scan_threshold": 10000}
        optimizer = {"deleted_threshold": 0.2, "vacuum_min_vector_number": 1000}
        optimizer |= {"default_segment_number": 0, "flush_interval_sec": 5}
        vectors = {"size": self.dimensions, "distance": "Cosine"}
        return {
            "status": "green",
            "optimizer_status": "ok",
            "segments_count": 1,
            "config": {"params": {"vectors": vectors}, "hnsw_config": hnsw, "optimizer_config": optimizer},
            "payload_schema": dict.fromkeys(names, field),
        }


def open_index(server: Server, *, api_key: str | None = None) -> QdrantServerIndex:
    return QdrantServerIndex(
        "https://qdrant.test", api_key, space="s", dimensions=2, transport=httpx.MockTransport(server)
    )


def point(number: int) -> Point:
    vector = np.array([3, 4], dtype=np.float32)
    return Point(id=UUID(int=number), vector=vector, payload={"tenant": str(TENANT), "metadata": {"a": 1.0}})


HTML = httpx.Response(200, html="<h1>Welcome to nginx</h1>")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(500, json={"status": {"error": "disk"}}), "500 Internal Server Error"),
        (httpx.Response(401, text="no"), "401 Unauthorized"),
        (httpx.Response(400, json={"status": {"error": "bad"}}), "400 Bad Request"),
        (
            httpx.Response(429, json={"status": {"error": "slow down"}}, headers={"Retry-After": "3"}),
            "slow down",
        ),
        (httpx.Response(429, json={"status": {"error": "slow down"}}), "429 Too Many Requests"),
        (httpx.ConnectError("connection refused"), "ConnectError: connection refused"),
        (httpx.ReadTimeout("too slow"), "ReadTimeout: too slow"),
        (HTML, "expected JSON"),
        (httpx.Response(200, json={"result": 5}), "ValidationError"),
    ],
    ids=["500", "401", "400", "429 with wait", "429", "refused", "timeout", "html", "other json"],
)
@pytest.mark.parametrize(
    "path", ["/points/query", "/points/scroll", "/points/count", "/points", "/points/delete"]
)
async def test_whatever_the_server_does_wrong_is_an_index_that_is_unavailable(answer, message, path):
    server = Server()
    server.answers = {("PUT", path): answer, ("POST", path): answer}
    index = open_index(server)
    calls = {
        "/points/query": lambda: index.query(point(1).vector, VectorFilter(tenant=TENANT), limit=1),
        "/points/scroll": index.scroll_ids,
        "/points/count": index.count,
        "/points": lambda: index.upsert([point(1)]),
        "/points/delete": lambda: index.delete([UUID(int=1)]),
    }
    with pytest.raises(IndexUnavailableError, match=message) as raised:
        await calls[path]()
    assert raised.value.__cause__
    await index.close()


async def test_a_server_that_is_down_at_the_start_is_used_once_it_is_up():
    server = Server()
    server.answers = {("GET", "/exists"): httpx.ConnectError("refused")}
    index = open_index(server)
    for call in (index.ping, index.count):
        with pytest.raises(IndexUnavailableError):
            await call()
    server.answers = {}
    await index.ping()
    assert await index.count() == 3
    await index.close()


@pytest.mark.parametrize("url", ["", "localhost:6333", ":memory:", "/var/qdrant", "ftp://host"])
def test_what_is_no_address_is_refused_and_never_means_a_local_store(url):
    with pytest.raises(ValueError, match="expected the address of a Qdrant server"):
        QdrantServerIndex(url, None, space="s", dimensions=2)


async def test_a_collection_of_another_length_is_refused_with_both_lengths():
    index = open_index(Server(dimensions=384))
    with pytest.raises(IndexUnavailableError, match=r"expected vectors of length 2 .* got 384"):
        await index.count()
    await index.close()


async def test_bad_vectors_never_reach_the_server():
    server = Server()
    index = open_index(server)
    with pytest.raises(ValueError, match="expected a vector"):
        await index.upsert(
            [point(1), Point(id=UUID(int=2), vector=np.zeros(2), payload={"tenant": str(TENANT)})]
        )
    with pytest.raises(ValueError, match="expected a vector"):
        await index.query(np.array([np.nan, 1]), VectorFilter(tenant=TENANT), limit=1)
    assert server.requests == []
    await index.close()


async def test_a_missing_collection_is_made_without_graph_and_with_its_payload_indexes():
    server = Server(exists=False, indexed=False)
    index = open_index(server, api_key="secret")
    await index.ping()
    await index.ping()

    [created] = server.bodies("PUT", "")
    models.CreateCollection.model_validate(created)
    assert created["vectors"] == {"size": 2, "distance": "Cosine"}
    assert created["hnsw_config"] == {"m": 0}
    schemas = {body["field_name"]: body["field_schema"] for body in server.bodies("PUT", "/index")}
    assert schemas.keys() == {*KEYWORD_FIELDS, *NUMBER_FIELDS}
    assert schemas["tenant"] == {"type": "keyword", "is_tenant": True}
    assert schemas["language"] == {"type": "keyword", "is_tenant": False}
    assert schemas["occurred_at"] == "float"
    assert len(server.bodies("PUT", "/index")) == len(schemas)
    assert {request.headers["api-key"] for request in server.requests} == {"secret"}
    await index.close()


async def test_an_existing_collection_is_taken_as_it_is():
    server = Server()
    index = open_index(server)
    await index.ping()
    assert [request.method for request in server.requests] == ["GET", "GET", "GET"]
    await index.close()


async def test_losing_the_race_to_make_the_collection_is_no_error_but_being_refused_is():
    server = Server(exists=False)
    server.answers = {("PUT", ""): httpx.Response(409, json={"status": {"error": "already exists"}})}
    index = open_index(server)
    await index.ping()
    await index.close()
    server.answers = {("PUT", ""): httpx.Response(403, text="forbidden")}
    index = open_index(server)
    with pytest.raises(IndexUnavailableError, match="403"):
        await index.ping()
    await index.close()


async def test_a_collection_removed_under_way_is_made_again_by_the_next_call():
    server = Server()
    index = open_index(server)
    await index.ping()
    server.answers = {("POST", "/points/count"): httpx.Response(404, json={"status": {"error": "not found"}})}
    with pytest.raises(IndexUnavailableError, match="404"):
        await index.count()
    server.answers, server.exists = {}, False
    assert await index.count() == 3
    assert len(server.bodies("PUT", "")) == 1
    await index.close()


async def test_points_are_written_in_bounded_requests_that_wait_until_they_are_applied():
    server = Server()
    index = open_index(server)
    await index.upsert([point(number) for number in range(1100)])
    bodies = server.bodies("PUT", "/points")
    for body in bodies:
        models.PointsList.model_validate(body)
    assert [len(body["points"]) for body in bodies] == [512, 512, 76]
    first = bodies[0]["points"][0]
    assert first["id"] == str(UUID(int=0))
    assert first["vector"] == pytest.approx([0.6, 0.8])
    assert first["payload"] == {"tenant": str(TENANT), "metadata": ['["a", 1]']}

    await index.delete([UUID(int=number) for number in range(600)])
    assert [len(body["points"]) for body in server.bodies("POST", "/points/delete")] == [512, 88]
    writes = [request for request in server.requests if request.method in ("PUT", "POST")]
    assert {request.url.params["wait"] for request in writes} == {"true"}
    await index.close()


async def test_a_query_is_exact_filtered_by_tenant_and_brings_only_facets():
    server = Server()
    index = open_index(server)
    where = VectorFilter(tenant=TENANT, language=("de", "fi"), revenue_min=5, exclude=(UUID(int=3),))
    await index.query(np.array([0, 2]), where, limit=10, offset=5, score_threshold=0.5)
    [body] = server.bodies("POST", "/points/query")
    models.QueryRequest.model_validate(body)
    assert body["query"] == {"nearest": [0, 1]}
    assert body["params"] == {"exact": True}
    assert body["limit"] == 16
    assert "offset" not in body
    assert body["with_payload"] == list(FACETS)
    assert 0.4999 < body["score_threshold"] < 0.5
    assert body["filter"] == {
        "must": [
            {"key": "tenant", "match": {"any": [str(TENANT)]}},
            {"key": "language", "match": {"any": ["de", "fi"]}},
            {"key": "revenue", "range": {"gte": 5}},
        ],
        "must_not": [{"has_id": [str(UUID(int=3))]}],
    }
    await index.close()


async def test_equal_scores_past_the_end_of_a_page_are_asked_for_again():
    server = Server()
    tie = [{"id": str(UUID(int=n)), "version": 1, "score": 1.0000001, "payload": {}} for n in (3, 2, 1)]
    server.answers = {("POST", "/points/query"): httpx.Response(200, json={"result": {"points": tie}})}
    index = open_index(server)
    [hit] = await index.query(point(1).vector, VectorFilter(tenant=TENANT), limit=1)
    assert (hit.id, hit.score) == (UUID(int=1), 1.0)
    assert [body["limit"] for body in server.bodies("POST", "/points/query")] == [2, 16]
    await index.close()


async def test_ids_are_scrolled_from_the_one_after_the_last():
    server = Server()
    index = open_index(server)
    assert await index.scroll_ids(after=UUID(int=9), limit=5) == []
    assert await index.scroll_ids(limit=5) == [UUID(int=9)]
    bodies = server.bodies("POST", "/points/scroll")
    assert [(body["offset"], body["limit"]) for body in bodies] == [
        (str(UUID(int=9)), 6),
        (str(UUID(int=0)), 6),
    ]
    assert all(body["with_payload"] is False for body in bodies)
    await index.close()
