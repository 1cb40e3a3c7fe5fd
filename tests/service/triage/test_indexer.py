"""The index follows the database: what happens when it is away, refuses a row, or a row changes meanwhile."""

import threading
import time
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import select, update

from service.learning.judgements import judge
from service.store.database import Database
from service.store.feedback import remove
from service.store.records import Feedback, OutboxEntry, now

PATIENCE_SECONDS = 60.0


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


def test_the_status_of_the_index_counts_the_callers_texts_only(app, index, database, key):
    other = key("other", "read", "write", "admin")
    store(app, "text", "text")
    let_it_settle(app, database)
    index.down = True
    store(app, "another text")

    assert app.get("/v1/reindex").json() == {"pending": 1, "indexed": 2}
    assert app.get("/v1/reindex", headers=other).json() == {"pending": 0, "indexed": 0}


def test_a_text_that_comes_during_a_reindex_is_indexed_before_the_bulk(
    app, database, indexer_with, monkeypatch
):
    store(app, "old", "older", "oldest")
    let_it_settle(app, database)
    indexer = indexer_with(None)
    app.post("/v1/reindex", json={})
    came = store(app, "text that came")[0]
    monkeypatch.setattr("service.triage.indexer.BATCH", 1)

    app.portal.call(indexer.drain_once)

    assert len(entries(database)) == 3
    assert UUID(came["id"]) not in {entry.feedback_id for entry in entries(database)}


def test_a_row_that_loses_its_vector_after_it_was_taken_is_embedded_anew_first(
    app, index, database, indexer_with
):
    class Moving(Database):
        """A database in which somebody asks for new vectors between the look and the write."""

        def write(self):
            with database.write() as session:
                session.execute(update(Feedback).values(space="another-encoder"))
            return super().write()

    indexer = indexer_with(None, Moving(database.url.render_as_string(hide_password=False)))
    store(app, "text")

    app.portal.call(indexer.drain_once)

    assert len(entries(database)) == 1
    assert app.portal.call(index.count) == 0
    indexer._database.close()


def test_the_lock_of_all_indexers_is_taken_and_given_back_beside_the_event_loop(app, database, indexer_with):
    threads = []

    class Watched(Database):
        @contextmanager
        def exclusive(self, name):
            threads.append(threading.get_ident())
            with super().exclusive(name) as free:
                yield free
            threads.append(threading.get_ident())

    indexer = indexer_with(None, Watched(database.url.render_as_string(hide_password=False)))

    app.portal.call(indexer.drain_once)

    assert len(threads) == 2
    assert app.portal.call(threading.get_ident) not in threads
    indexer._database.close()


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
