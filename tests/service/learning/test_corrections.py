"""The walk through all corrections: pages of bounded size, one state, nothing lost and nothing twice."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, select

from service.learning.corrections import Span, corrections
from service.learning.judgements import judge, undo
from service.store.feedback import remove
from service.store.records import Feedback, LabelEvent, now


def walk(caller, page_size=2, steps_size=5, until=None):
    span = Span(tenant=caller.tenant_id, since=None, until=until or now())
    return corrections(caller.state.database, span, page_size=page_size, steps_size=steps_size)


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


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 10, 13])
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

    def statements(page_size, steps_size=20):
        counted = []

        def count(*given):
            counted.append(given[2])

        pages = walk(caller, page_size, steps_size)
        engine = caller.state.database._engine
        event.listen(engine, "before_cursor_execute", count)
        try:
            list(pages)
        finally:
            event.remove(engine, "before_cursor_execute", count)
        return sum("label_events" in statement for statement in counted)

    assert statements(20) == 1 + 1
    assert statements(4) == 1 + 3
    assert statements(4, steps_size=8) == 2 + 3


def test_an_undo_without_its_label_in_the_span_takes_nothing_off_and_breaks_nothing(caller):
    # As clocks that differ wrote it once: the undo is in, its label lies after the end.
    ids = many(caller, 4)
    until = now()
    with caller.state.database.write() as session:
        judge(session, caller.tenant_id, ids[3], {"sentiment": "neutral"}, by="a", reason=None)
        undone = select(LabelEvent).where(LabelEvent.feedback_id == ids[3], ~LabelEvent.undo)
        session.scalars(undone.where(LabelEvent.field == "urgency")).one().at = until + timedelta(seconds=2)
        kept = session.scalars(undone.where(LabelEvent.field == "sentiment")).one()
        kept.at = until

    found = {row.feedback_id: row.values for row in rows_of(walk(caller, until=until))}

    assert found[ids[3]] == {"sentiment": "neutral"}
    assert set(found) == {ids[1], ids[2], ids[3], ids[0]}


def test_a_text_that_is_changed_during_a_walk_is_told_with_the_words_that_were_judged(caller):
    caller.store(
        {"text": "the train was late", "external_id": "1"}, {"text": "lovely food", "external_id": "2"}
    )
    with caller.state.database.write() as session:
        for row in session.scalars(select(Feedback).where(Feedback.tenant_id == caller.tenant_id)).all():
            judge(session, caller.tenant_id, row.id, {"urgency": "low"}, by="a", reason=None)
    pages = walk(caller, page_size=1)
    first = next(pages)
    caller.store(*({"text": "thank you", "external_id": key, "update": True} for key in "12"))

    assert {row.words.text for row in rows_of([first, *pages])} == {"the train was late", "lovely food"}
