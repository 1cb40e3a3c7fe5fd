"""What the index must still follow: one entry a text, whoever changed it how often."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from service.auth import ensure_tenant
from service.store import outbox
from service.store.database import Database
from service.store.records import Feedback, OutboxEntry, new_id, now


@pytest.fixture(scope="module")
def database(shared_database_url):
    opened = Database(shared_database_url)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def session(database):
    """A transaction that never happened."""
    with database._writing.connect() as connection, connection.begin() as transaction:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()


def rows(session):
    session.expire_all()
    return list(session.scalars(select(OutboxEntry).order_by(OutboxEntry.feedback_id)))


def a_text(session, tenant: UUID):
    feedback = Feedback(
        id=new_id(),
        tenant_id=tenant,
        channel="api",
        text="text",
        occurred_at=now(),
        vector=b"",
        space="",
        language="und",
    )
    session.add(feedback)
    session.flush()
    return feedback.id


def test_nothing_to_enqueue_writes_nothing(session):
    outbox.enqueue(session, [])

    assert rows(session) == []


def test_a_text_enqueued_again_and_again_has_one_entry_with_a_new_revision(session):
    one, two = sorted((new_id(), new_id()))
    outbox.enqueue(session, [one, two, one])
    outbox.enqueue(session, [one])

    assert [(row.feedback_id, row.revision) for row in rows(session)] == [(one, 2), (two, 1)]
    assert outbox.count(session) == 2


def test_entries_come_back_in_order_of_their_time_and_not_before_it(session):
    ids = [new_id() for _ in range(4)]
    outbox.enqueue(session, ids)
    for place, id_ in enumerate(ids):
        due = now() + (timedelta(hours=1) if place == 3 else timedelta(minutes=-place))
        session.execute(update(OutboxEntry).where(OutboxEntry.feedback_id == id_).values(available_at=due))

    assert [entry.feedback_id for entry in outbox.take(session, 10)] == [ids[2], ids[1], ids[0]]
    assert [entry.feedback_id for entry in outbox.take(session, 1)] == [ids[2]]


def test_texts_of_their_own_come_before_a_bulk_that_came_earlier(session):
    tenant = ensure_tenant(session, f"tenant-{new_id()}").id
    bulk = [a_text(session, tenant) for _ in range(5)]
    outbox.enqueue_where(session, Feedback.tenant_id == tenant)
    own = [new_id(), new_id()]
    outbox.enqueue(session, own)

    assert [entry.feedback_id for entry in outbox.take(session, 10)] == own + bulk
    assert [entry.feedback_id for entry in outbox.take(session, 2)] == own


def test_a_text_that_changes_while_it_waits_in_a_bulk_leaves_the_bulk_and_never_joins_it_again(session):
    tenant = ensure_tenant(session, f"tenant-{new_id()}").id
    first, second = a_text(session, tenant), a_text(session, tenant)
    outbox.enqueue_where(session, Feedback.tenant_id == tenant)

    outbox.enqueue(session, [second])
    outbox.enqueue_where(session, Feedback.tenant_id == tenant)

    assert [(row.feedback_id, row.bulk) for row in rows(session)] == [(first, True), (second, False)]
    assert [entry.feedback_id for entry in outbox.take(session, 1)] == [second]


def test_settling_and_postponing_are_one_statement_however_many_entries(session):
    outbox.enqueue(session, [new_id() for _ in range(30)])
    taken = outbox.take(session, 30)
    statements = []
    listen = (session.get_bind(), "before_cursor_execute", lambda *call: statements.append(call[2]))
    event.listen(*listen)
    try:
        outbox.postpone(session, taken[:20], "error")
        outbox.settle(session, taken)
        outbox.postpone(session, [], "error")
        outbox.settle(session, [])
    finally:
        event.remove(*listen)

    assert len(statements) == 2
    assert rows(session) == []


def test_the_error_told_is_of_the_latest_attempt_and_forgotten_once_the_text_changes(session):
    assert outbox.last_error(session) is None
    ids = sorted((new_id(), new_id()))
    outbox.enqueue(session, ids)
    taken = outbox.take(session, 2)
    outbox.postpone(session, taken[:1], "earlier")
    outbox.postpone(session, taken[1:], "later")

    assert outbox.last_error(session) == "later"
    outbox.enqueue(session, ids[1:])
    assert outbox.last_error(session) == "earlier"


def test_settling_leaves_what_changed_meanwhile(session):
    changed, unchanged = sorted((new_id(), new_id()))
    outbox.enqueue(session, [changed, unchanged])
    taken = outbox.take(session, 10)
    outbox.enqueue(session, [changed])

    outbox.settle(session, taken)

    assert [(row.feedback_id, row.revision) for row in rows(session)] == [(changed, 2)]
    assert outbox.is_pending(session, [unchanged, changed])
    assert not outbox.is_pending(session, [unchanged])
    assert not outbox.is_pending(session, [])


def test_a_failing_entry_waits_twice_as_long_each_time_up_to_a_minute(session):
    id_ = new_id()
    outbox.enqueue(session, [id_])
    waits = []
    for _ in range(9):
        before = now()
        session.execute(update(OutboxEntry).values(available_at=before))
        outbox.postpone(session, outbox.take(session, 1), "e" * 600)
        waits.append(round((rows(session)[0].available_at - before).total_seconds()))

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert rows(session)[0].attempts == 9
    assert rows(session)[0].last_error == "e" * 500
    assert outbox.take(session, 1) == []


def test_a_change_makes_a_failing_entry_due_at_once(session):
    id_ = new_id()
    outbox.enqueue(session, [id_])
    outbox.postpone(session, outbox.take(session, 1), "error")

    outbox.enqueue(session, [id_])

    assert [entry.feedback_id for entry in outbox.take(session, 1)] == [id_]
    assert rows(session)[0].attempts == 0


def test_postponing_leaves_what_changed_meanwhile_due(session):
    id_ = new_id()
    outbox.enqueue(session, [id_])
    taken = outbox.take(session, 1)
    outbox.enqueue(session, [id_])

    outbox.postpone(session, taken, "error")

    assert outbox.take(session, 1)[0].revision == 2


def test_all_texts_of_a_condition_are_enqueued_at_once_and_counted(session):
    mine, other = (ensure_tenant(session, f"tenant-{new_id()}").id for _ in range(2))
    ids = [a_text(session, mine) for _ in range(3)]
    a_text(session, other)
    outbox.enqueue(session, ids[:1])

    assert outbox.enqueue_where(session, Feedback.tenant_id == mine) == 3
    assert outbox.enqueue_where(session, Feedback.id == new_id()) == 0

    assert [(row.feedback_id, row.revision) for row in rows(session)] == [
        (ids[0], 2),
        (ids[1], 1),
        (ids[2], 1),
    ]
    assert outbox.count_of(session, mine) == 3
    assert outbox.count_of(session, other) == 0
