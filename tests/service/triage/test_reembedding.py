"""Texts of another vector space get a vector of this one, behind all who wait for an answer."""

import threading
import time
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from service.errors import OverloadedError
from service.store import outbox
from service.store.records import Feedback, OutboxEntry, now
from service.triage.reembedding import TEXTS_AT_ONCE

PATIENCE_SECONDS = 60.0


class Models:
    """Models that are busy with others, or that refuse a word, for those who re-embed."""

    def __init__(self, batcher=None, refused="nothing"):
        self.batcher = batcher
        self.refused = refused
        self.sizes = []

    async def score_politely(self, texts, languages, *, deadline):
        self.sizes.append(len(texts))
        if self.batcher is None:
            raise OverloadedError("too much is waiting")
        if any(self.refused in text for text in texts):
            raise ValueError("a text that no model can read: Aino")
        return await self.batcher.score_politely(texts, languages, deadline=deadline)


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


def is_waiting_for_a_lock(database):
    with database.read() as session:
        query = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted"
        return session.scalar(text(f"{query} AND datname = current_database()")) > 0


@pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
def test_a_vector_of_an_old_text_is_not_written_over_the_new_text_that_is_being_stored(
    app, database, indexer_with
):
    stored = store(app, "the old text")[0]
    let_it_settle(app, database)
    reembedding = indexer_with(Models())._reembedding
    id_ = UUID(stored["id"])
    scored = app.portal.call(
        lambda: app.app.state.closeloop.batcher.score(
            ["the old text"], [None], deadline=time.monotonic() + 60
        )
    )

    with database.write() as session:
        new = {"text": "the new text", "vector": b"new", "space": "new"}
        session.execute(update(Feedback).values(**new))
        writing = threading.Thread(
            target=reembedding._write, args=({id_: "the old text"}, {id_: scored[0]}), daemon=True
        )
        writing.start()
        wait_until(lambda: is_waiting_for_a_lock(database))
    writing.join(PATIENCE_SECONDS)

    with database.read() as session:
        row = session.execute(select(Feedback.text, Feedback.vector, Feedback.space)).one()
    assert row._asdict() == new


def test_rows_that_busy_models_cannot_embed_now_are_tried_again_later_and_hold_no_other_back(
    app, database, indexer_with
):
    store(app, "one", "two")
    let_it_settle(app, database)
    indexer = indexer_with(Models())
    app.post("/v1/reindex", json={"re_embed": True})
    store(app, "text that came")

    assert app.portal.call(indexer.drain_once) == 1

    wait_until(lambda: [entry.attempts for entry in entries(database)] == [1, 1])
    assert {entry.last_error for entry in entries(database)} == {"too much is waiting"}
    assert "text that came" in found(app)
    with database.read() as session:
        assert outbox.take(session, 10) == []


def test_a_text_that_cannot_be_embedded_anew_is_tried_again_later_and_holds_no_other_back(
    app, database, indexer_with
):
    stored = store(app, "one", "bad", "two")
    let_it_settle(app, database)
    indexer = indexer_with(Models(app.app.state.closeloop.batcher, refused="bad"))
    app.post("/v1/reindex", json={"re_embed": True})

    assert app.portal.call(indexer.drain_once) == 0
    wait_until(indexer._reembedding._task.done)
    assert app.portal.call(indexer.drain_once) == 2

    left = entries(database)
    assert [(str(entry.feedback_id), entry.last_error) for entry in left] == [(stored[1]["id"], "ValueError")]


def test_texts_are_embedded_anew_a_few_at_a_time(app, database, indexer_with):
    store(app, *(f"text {place}" for place in range(2 * TEXTS_AT_ONCE + 1)))
    let_it_settle(app, database)
    models = Models(app.app.state.closeloop.batcher)
    indexer = indexer_with(models)
    app.post("/v1/reindex", json={"re_embed": True})

    app.portal.call(indexer.drain_once)
    wait_until(indexer._reembedding._task.done)

    assert models.sizes == [TEXTS_AT_ONCE, TEXTS_AT_ONCE, 1]
    assert app.portal.call(indexer.drain_once) == 2 * TEXTS_AT_ONCE + 1
    assert entries(database) == []


def assert_alike(score, expected):
    """Equal, but for the rounding that another batch brings."""
    for field in ("sentiment", "urgency"):
        assert score[field]["probabilities"] == pytest.approx(expected[field]["probabilities"], abs=1e-5)
        assert score[field]["label"] == expected[field]["label"]
    assert [score[name] for name in ("language", "topic", "kind")] == [
        expected[name] for name in ("language", "topic", "kind")
    ]


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
