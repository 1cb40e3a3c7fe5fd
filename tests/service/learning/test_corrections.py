"""The walk through all corrections: pages of bounded size, one state, nothing lost and nothing twice."""

from uuid import UUID

import pytest
from sqlalchemy import event, select

from service.learning.corrections import Span, corrections
from service.learning.judgements import judge, undo
from service.store.feedback import remove
from service.store.records import Feedback, LabelEvent, now


def walk(caller, page_size=2):
    span = Span(tenant=caller.tenant_id, since=None, until=now())
    return corrections(caller.state.database, span, page_size=page_size)


def rows_of(pages):
    return [row for page in pages for row in page]


def many(caller, count):
    """Store and label texts; every third label is undone, every fourth is set twice."""
    ids = [
        UUID(row["id"]) for row in caller.store(*[f"the train was late {place}" for place in range(count)])
    ]
    tenant = caller.tenant_id
    for place, feedback_id in enumerate(ids):
        with caller.state.database.write() as session:
            judge(session, tenant, feedback_id, {"urgency": "low"}, by="a", reason=None)
            if place % 4 == 0:
                judge(session, tenant, feedback_id, {"urgency": "high"}, by="a", reason=None)
            if place % 3 == 0:
                undo(session, tenant, feedback_id, "urgency", by="a", reason=None)
    return ids


def test_without_corrections_there_is_one_empty_page(caller):
    assert list(walk(caller)) == [[]]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 13])
def test_pages_together_are_the_whole_each_text_once(caller, count):
    ids = many(caller, count)

    pages = list(walk(caller))

    expected = [key for place, key in enumerate(ids) if place % 3 or place % 4 == 0]
    assert [row.feedback_id for row in rows_of(pages)] == expected
    assert max(map(len, pages)) <= 2
    with caller.state.database.read() as session:
        stored = session.scalars(select(Feedback).where(Feedback.tenant_id == caller.tenant_id))
        assert {row.id for row in stored if row.judged} == set(expected)


def test_of_many_steps_at_one_moment_none_is_lost(caller):
    ids = many(caller, 9)
    moment = now()
    with caller.state.database.write() as session:
        for row in session.scalars(select(LabelEvent).where(LabelEvent.feedback_id.in_(ids))):
            row.at = moment

    assert len({row.feedback_id for row in rows_of(walk(caller))}) == len(rows_of(walk(caller))) == 7


def test_what_is_corrected_during_a_walk_does_not_show_and_loses_nothing(caller):
    ids = many(caller, 8)
    tenant, database = caller.tenant_id, caller.state.database
    expected = {row.feedback_id: row.values for row in rows_of(walk(caller))}
    pages = walk(caller)
    first = next(pages)
    with database.write() as session:
        judge(session, tenant, ids[7], {"urgency": "critical"}, by="b", reason=None)
        judge(session, tenant, first[0].feedback_id, {"urgency": "critical"}, by="b", reason=None)
        undo(session, tenant, ids[5], "urgency", by="b", reason=None)
        remove(session, tenant, ids[4])

    seen = rows_of([first, *pages])
    del expected[ids[4]]
    assert {row.feedback_id: row.values for row in seen} == expected
    assert len(seen) == len(expected)


def test_statements_grow_with_pages_not_with_texts(caller):
    many(caller, 12)

    def statements(page_size):
        counted = []

        def count(*given):
            counted.append(given[2])

        pages = walk(caller, page_size)
        engine = caller.state.database._engine
        event.listen(engine, "before_cursor_execute", count)
        try:
            list(pages)
        finally:
            event.remove(engine, "before_cursor_execute", count)
        return sum("label_events" in statement for statement in counted)

    assert statements(20) == 2
    assert statements(4) == 2 * 4
