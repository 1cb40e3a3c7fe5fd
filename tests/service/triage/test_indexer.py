"""The index follows the database: what happens when it is away, refuses a row, or a row changes meanwhile."""

import time
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select, update
from starlette.concurrency import run_in_threadpool

from service.errors import OverloadedError
from service.learning.judgements import judge
from service.metrics import Metrics
from service.store import outbox
from service.store.errors import IndexUnavailableError
from service.store.feedback import remove
from service.store.records import Feedback, OutboxEntry, now
from service.store.vectors import EdgeIndex
from service.triage.indexer import Indexer

PATIENCE_SECONDS = 60.0


class Index:
    """The engine in process, with a switch to take it away and a word it refuses."""

    def __init__(self, engine):
        self.engine = engine
        self.down = False
        self.refused = set()
        self.during_upsert = None

    def __getattr__(self, name):
        method = getattr(self.engine, name)

        async def call(*args, **kwargs):
            if self.down and name != "close":
                raise IndexUnavailableError("the engine has left the building")
            return await method(*args, **kwargs)

        return call

    async def upsert(self, points):
        if self.down:
            raise IndexUnavailableError("the engine has left the building")
        if any(point.id in self.refused for point in points):
            raise ValueError("a point that no engine takes: Aino")
        if self.during_upsert:
            hook, self.during_upsert = self.during_upsert, None
            await run_in_threadpool(hook)
        await self.engine.upsert(points)


@pytest.fixture
def index(memory_folder, hashing_encoder):
    space, dimensions = hashing_encoder.space, hashing_encoder.dimensions
    return Index(EdgeIndex(memory_folder, space=space, dimensions=dimensions))


@pytest.fixture
def app(serve, parts, index):
    return serve(replace(parts, index=index))


@pytest.fixture
def database(app):
    return app.app.state.closeloop.database


def store(app, *texts, **fields):
    answer = app.post("/v1/feedback", json={"items": [{"text": text, **fields} for text in texts]})
    assert answer.status_code == 201
    return answer.json()["items"]


def found(app, query="text", **where):
    answer = app.post("/v1/search", json={"query": query, "filter": where})
    assert answer.status_code == 200, answer.text
    return {hit["feedback"]["text"] for hit in answer.json()["items"]}


def entries(database):
    with database.read() as session:
        return list(session.scalars(select(OutboxEntry)))


def wait_until(condition):
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def let_it_settle(app, database, left=0):
    """Make every entry due and wait until no more than these are left."""
    with database.write() as session:
        session.execute(update(OutboxEntry).values(available_at=now()))
    app.app.state.closeloop.indexer._wake.set()
    wait_until(lambda: len(entries(database)) <= left)


def assert_alike(score, expected):
    """Equal, but for the rounding that another batch brings."""
    for field in ("sentiment", "urgency"):
        assert score[field]["probabilities"] == pytest.approx(expected[field]["probabilities"], abs=1e-5)
        assert score[field]["label"] == expected[field]["label"]
    assert [score[name] for name in ("language", "topic", "kind")] == [
        expected[name] for name in ("language", "topic", "kind")
    ]


def test_an_index_that_was_away_catches_up_with_all_that_came_changed_and_went(app, index, database, refusal):
    before = store(app, "text that was there", "text that will go")
    let_it_settle(app, database)
    index.down = True

    came = store(app, "text that came", account_external_id="acme")[0]
    assert came["similar_count"] is None
    assert app.delete(f"/v1/feedback/{before[1]['id']}").status_code == 204
    assert (
        app.patch(f"/v1/feedback/{before[0]['id']}/labels", json={"urgency": "critical"}).status_code == 200
    )
    assert app.put("/v1/accounts/acme", json={"type": "enterprise"}).status_code == 200
    assert refusal(app.post("/v1/search", json={"query": "text"}), 503)["type"].endswith("index-unavailable")
    wait_until(lambda: all(entry.attempts for entry in entries(database)))
    assert len(entries(database)) == 3

    index.down = False
    let_it_settle(app, database)
    assert found(app) == {"text that was there", "text that came"}
    assert found(app, urgency=["critical"]) == {"text that was there"}
    assert found(app, account_type=["enterprise"]) == {"text that came"}


def test_searches_while_the_index_is_away_say_when_to_come_back(app, index):
    index.down = True

    assert app.post("/v1/search", json={"query": "text"}).headers["retry-after"] == "1"


def test_waiting_for_an_index_that_is_away_ends_with_the_deadline_and_the_text_is_stored(app, index):
    index.down = True

    answer = app.post(
        "/v1/feedback?wait=indexed", json={"items": [{"text": "text"}]}, headers={"X-Deadline-Ms": "300"}
    )

    assert answer.status_code == 201
    assert answer.headers["x-indexed"] == "false"
    assert app.get("/v1/feedback").json()["items"][0]["text"] == "text"


def test_a_row_the_engine_refuses_is_tried_again_later_and_holds_no_other_back(app, index, database):
    index.down = True
    stored = store(app, "good text one", "bad text", "good text two")
    index.refused = {UUID(stored[1]["id"])}
    index.down = False

    let_it_settle(app, database, left=1)

    assert found(app) == {"good text one", "good text two"}
    wait_until(lambda: entries(database)[0].attempts >= 1)
    left = entries(database)[0]
    assert str(left.feedback_id) == stored[1]["id"]
    assert left.available_at > now()
    assert left.last_error == "ValueError"
    index.refused = set()
    let_it_settle(app, database)
    assert "bad text" in found(app)


def test_a_row_that_changes_while_it_is_written_is_written_again(app, index, database):
    def judge_it():
        with database.write() as session:
            row = session.scalars(select(Feedback)).one()
            judge(session, row.tenant_id, row.id, {"topics": ["pricing_value"]}, by="x", reason=None)

    index.during_upsert = judge_it
    store(app, "text")

    wait_until(lambda: index.during_upsert is None)
    let_it_settle(app, database)
    assert found(app, topic=["pricing_value"]) == {"text"}


def test_a_row_that_is_deleted_while_it_is_written_leaves_the_index(app, index, database):
    def delete_it():
        with database.write() as session:
            row = session.scalars(select(Feedback)).one()
            remove(session, row.tenant_id, row.id)

    index.during_upsert = delete_it
    store(app, "text")

    wait_until(lambda: index.during_upsert is None)
    let_it_settle(app, database)
    assert app.portal.call(index.count) == 0


def test_texts_of_another_space_are_embedded_anew_and_keep_what_people_said_of_them(app, database):
    german = store(app, "please add a dark mode", language="de")[0]
    other = store(app, "the app crashes at checkout")[0]
    app.patch(f"/v1/feedback/{other['id']}/labels", json={"urgency": "critical"})
    let_it_settle(app, database)
    with database.write() as session:
        session.execute(update(Feedback).values(space="another-encoder", vector=b"\0\0" * 8))

    health = app.get("/readyz").json()["checks"]["vectors"]
    assert not health["ok"]
    assert "2 texts have vectors of another encoder" in health["detail"]
    like = app.post("/v1/search", json={"like_id": other["id"]})
    assert [hit["feedback"]["id"] for hit in like.json()["items"]] == [german["id"]]

    assert app.post("/v1/reindex", json={}).json() == {"queued": 2}
    let_it_settle(app, database)
    assert app.get("/readyz").json()["checks"]["vectors"] == {"ok": True, "detail": "up to date"}
    assert found(app, "crashes at checkout", urgency=["critical"]) == {"the app crashes at checkout"}
    assert found(app, "dark mode", language=["de"]) == {"please add a dark mode"}
    kept = app.get(f"/v1/feedback/{german['id']}").json()["score"]
    assert_alike(kept, german["score"])
    assert kept["language"] == {"code": "de", "confidence": 1.0}


def test_embedding_all_anew_gives_the_same_scores_again(app, database):
    stored = store(app, "the app crashes at checkout", "lovely food and friendly people")
    let_it_settle(app, database)

    assert app.post("/v1/reindex", json={"re_embed": True}).json() == {"queued": 2}
    let_it_settle(app, database)

    for row in stored:
        assert_alike(app.get(f"/v1/feedback/{row['id']}").json()["score"], row["score"])
    assert app.get("/v1/reindex").json() == {"pending": 0, "indexed": 2}


def test_the_status_of_the_index_counts_the_callers_texts_only(app, index, database, key):
    other = key("other", "read", "write", "admin")
    store(app, "text", "text")
    let_it_settle(app, database)
    index.down = True
    store(app, "another text")

    assert app.get("/v1/reindex").json() == {"pending": 1, "indexed": 2}
    assert app.get("/v1/reindex", headers=other).json() == {"pending": 0, "indexed": 0}


class Busy:
    """Models that are busy with others."""

    async def score(self, *_args, **_kwargs):
        raise OverloadedError("too much is waiting")


def test_rows_that_busy_models_cannot_embed_now_are_all_tried_again_later(app, index, database):
    store(app, "one", "two")
    let_it_settle(app, database)
    state = app.app.state.closeloop
    indexer = Indexer(database=database, index=index, batcher=Busy(), model=state.model, metrics=Metrics())
    app.portal.call(state.indexer.stop)
    app.post("/v1/reindex", json={"re_embed": True})

    assert app.portal.call(indexer.drain_once) == 2

    assert [(entry.attempts, entry.last_error) for entry in entries(database)] == [
        (1, "too much is waiting")
    ] * 2
    with database.read() as session:
        assert outbox.take(session, 10) == []


def test_stopping_ends_the_batch_in_hand(app, index, database):
    state = app.app.state.closeloop
    stopped = []

    def stop_meanwhile():
        stopped.append(app.portal.start_task_soon(state.indexer.stop))

    index.during_upsert = stop_meanwhile
    store(app, "text")
    wait_until(lambda: stopped)
    stopped[0].result(PATIENCE_SECONDS)

    assert entries(database) == []
    assert found(app) == {"text"}
    store(app, "another text")
    assert len(entries(database)) == 1
