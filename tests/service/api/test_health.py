"""What those who run the service see when something is missing."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from anyio import to_thread
from starlette.concurrency import run_in_threadpool

from models.artefact import write_artefact
from models.errors import ArtefactError
from service.store.database import WORKER_THREADS, Database
from service.store.errors import IndexUnavailableError
from service.store.vectors import EdgeIndex

PATIENCE_SECONDS = 60.0
WORDS = "the parcel has not arrived yet and nobody answers the phone"


class Index:
    """The engine in process, until it is taken away."""

    def __init__(self, engine):
        self.engine = engine
        self.down = False
        self.answers = set()

    def __getattr__(self, name):
        if self.down and name not in {"close", *self.answers}:

            async def refuse(*_args, **_kwargs):
                raise IndexUnavailableError("the engine has left the building")

            return refuse
        return getattr(self.engine, name)


def wait_until(condition):
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


@pytest.fixture
def index(memory_folder, hashing_encoder):
    space, dimensions = hashing_encoder.space, hashing_encoder.dimensions
    return Index(EdgeIndex(memory_folder, space=space, dimensions=dimensions))


@pytest.fixture
def app(serve, parts, index):
    return serve(replace(parts, index=index))


def test_a_healthy_service_says_so_by_name(app):
    answer = app.get("/readyz")

    assert answer.status_code == 200
    checks = answer.json()["checks"]
    assert answer.json()["ready"]
    assert {name: check["ok"] for name, check in checks.items()} == dict.fromkeys(
        ("database", "index", "heads", "models", "indexer", "jobs", "vectors"), True
    )
    assert checks["heads"]["detail"] == "tiny 2026.1.1-test"
    assert checks["index"]["detail"] == "Qdrant Edge"
    assert app.get("/livez").json() == {"status": "ok"}


def test_an_index_that_is_away_is_named_and_the_service_not_ready_but_alive(app, index):
    index.down = True

    answer = app.get("/readyz")
    assert answer.status_code == 503
    assert not answer.json()["ready"]
    assert answer.json()["checks"]["index"] == {"ok": False, "detail": "the engine has left the building"}
    assert answer.json()["checks"]["database"]["ok"]
    assert app.get("/livez").status_code == 200

    index.down = False
    assert app.get("/readyz").status_code == 200


def test_texts_the_index_waits_for_are_told_and_stop_nothing(app, index):
    index.down, index.answers = True, {"ping"}
    app.post("/v1/feedback", json={"items": [{"text": "one"}, {"text": "two"}]})

    told = app.get("/readyz")

    assert told.json()["checks"]["vectors"] == {"ok": True, "detail": "2 texts wait for the index"}
    assert told.status_code == 200


def test_a_database_that_is_away_is_named_and_every_route_says_when_to_come_back(app, refusal):
    database = app.app.state.closeloop.database
    nowhere = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing?connect_timeout=2")
    good = database._engine, database._writing
    database._engine, database._writing = nowhere._engine, nowhere._writing

    ready = app.get("/readyz")
    assert ready.status_code == 503
    assert set(ready.json()["checks"]) == {"database", "index", "heads", "models", "indexer", "jobs"}
    assert not ready.json()["checks"]["database"]["ok"]
    for answer in (
        app.get("/v1/feedback"),
        app.get("/v1/queue"),
        app.get("/v1/corrections/export"),
        app.post("/v1/feedback", json={"items": [{"text": "one"}]}),
        app.put("/v1/accounts/a", json={}),
        app.get("/v1/queue", headers={"Authorization": "Bearer cl_id_secret"}),
    ):
        assert refusal(answer, 503)["type"] == "urn:closeloop:problem:database-unavailable"
        assert answer.headers["retry-after"] == "1"
    assert app.post("/v1/score", json={"items": [{"text": "one"}]}).status_code == 200
    assert app.get("/livez").status_code == 200
    assert app.get("/metrics").status_code == 200

    database._engine, database._writing = good
    assert app.get("/readyz").status_code == 200
    assert app.get("/v1/feedback").json()["items"] == []


@pytest.mark.parametrize(("name", "part"), [("models", "batcher"), ("indexer", "indexer")])
def test_a_service_whose_inner_task_has_ended_is_not_ready_and_says_which(app, name, part):
    task = getattr(app.app.state.closeloop, part)._task
    app.portal.call(task.cancel)
    while not task.done():
        app.portal.call(asyncio.sleep, 0)

    answer = app.get("/readyz")

    assert answer.status_code == 503
    assert {name for name, check in answer.json()["checks"].items() if not check["ok"]} == {name}
    assert answer.json()["checks"][name]["detail"].endswith("has ended: restart the service")


def test_texts_that_cannot_reach_the_index_are_told_with_the_reason(app, index):
    index.down = True
    app.post("/v1/feedback", json={"items": [{"text": WORDS}]})

    def vectors():
        return app.get("/readyz").json()["checks"]["vectors"]["detail"]

    wait_until(lambda: "failed" in vectors())
    assert vectors() == "1 texts wait for the index; the last that failed: the engine has left the building"


def test_while_all_worker_threads_wait_the_operators_still_get_their_answers(app):
    waiting = threading.Event()
    for _ in range(WORKER_THREADS):
        app.portal.start_task_soon(run_in_threadpool, waiting.wait, PATIENCE_SECONDS)
    limiter = app.portal.call(to_thread.current_default_thread_limiter)
    wait_until(lambda: limiter.available_tokens == 0)

    try:
        with ThreadPoolExecutor() as pool:
            calls = [pool.submit(app.get, path) for path in ("/livez", "/metrics", "/readyz")]
            assert [call.result(PATIENCE_SECONDS / 2).status_code for call in calls] == [200, 200, 200]
    finally:
        waiting.set()


@pytest.fixture
def without_heads(serve, parts, tmp_path, tiny_artefact):
    """An application whose folder of heads was trained on another encoder."""
    folder = tmp_path / "model"
    manifest = tiny_artefact.manifest.model_copy(update={"encoder": "another:0123"})
    write_artefact(folder, manifest=manifest, heads=tiny_artefact.heads, branch=None, card="# Another")
    return serve(replace(parts, artefact=None), model=folder)


def test_without_heads_texts_are_stored_found_and_queued_but_not_scored(without_heads, refusal):
    app = without_heads
    ready = app.get("/readyz")
    assert ready.status_code == 200
    heads = ready.json()["checks"]["heads"]
    assert not heads["ok"]
    assert "another:0123" in heads["detail"]
    problem = refusal(app.post("/v1/score", json={"items": [{"text": "hello"}]}), 503)
    assert problem["detail"] == heads["detail"]

    item = {"text": WORDS, "declared_urgency": "critical", "occurred_at": "2026-01-01T00:00:00Z"}
    stored = app.post("/v1/feedback?wait=indexed", json={"items": [item]}).json()["items"][0]
    assert stored["score"] is None
    terms = {term["name"]: term for term in stored["priority"]["terms"]}
    assert (terms["urgency"]["value"], terms["sentiment"]["value"]) == (None, None)
    assert stored["priority"]["value"] == pytest.approx(25)
    read = app.get(f"/v1/feedback/{stored['id']}").json()
    assert [read[name] for name in ("sentiment", "urgency", "topic", "kind", "model_revision")] == [None] * 5
    assert (read["topics"], read["language"]) == ([], "en")
    found = app.post("/v1/search", json={"query": WORDS}).json()
    assert [hit["feedback"]["id"] for hit in found["items"]] == [stored["id"]]
    assert found["facets"]["language"] == {"en": 1}
    assert app.get("/v1/queue", params={"sentiment": "negative"}).json()["items"] == []

    labelled = app.patch(f"/v1/feedback/{stored['id']}/labels", json={"urgency": "low", "topics": ["other"]})
    assert [labelled.json()[name] for name in ("urgency", "topic", "kind")] == ["low", "other", None]
    undone = app.patch(f"/v1/feedback/{stored['id']}/labels", json={"undo": "urgency"}).json()
    assert undone["urgency"] is None


def test_a_missing_model_folder_is_an_error_at_the_start(serve, parts, tmp_path):
    with pytest.raises(ArtefactError):
        serve(replace(parts, artefact=None), model=tmp_path / "nothing")


def test_texts_stored_without_heads_are_told_of_until_they_are_scored(without_heads, serve):
    without_heads.post("/v1/feedback?wait=indexed", json={"items": [{"text": WORDS, "language": "en"}]})
    without_heads.__exit__(None, None, None)
    app = serve()
    told = app.get("/readyz").json()["checks"]["vectors"]
    assert not told["ok"]
    assert "1 texts were stored while there were no heads" in told["detail"]

    app.post("/v1/reindex", json={"re_embed": True})
    wait_until(lambda: app.get("/readyz").json()["checks"]["vectors"]["ok"])
    assert app.get("/v1/feedback").json()["items"][0]["score"]["language"] == {
        "code": "en",
        "confidence": 1.0,
    }
