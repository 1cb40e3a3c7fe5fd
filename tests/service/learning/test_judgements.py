"""Steps of a judgement: how they are replayed, and their order whatever the clocks say."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from service.errors import ConflictError
from service.learning.judgements import history, judge, standing_labels, undo
from service.store.records import LabelEvent, new_id, now


def step(value=None, *, field="urgency"):
    """A label, or an undo where no value is given."""
    return LabelEvent(id=new_id(), field=field, value={"value": value}, undo=value is None, at=now())


@pytest.mark.parametrize(
    ("values", "standing"),
    [
        ([], []),
        ([None], []),
        ([None, None, "low"], ["low"]),
        ([None, "low", None], []),
        (["low", "high"], ["low", "high"]),
        (["low", "high", None], ["low"]),
        (["low", None, None, "high"], ["high"]),
        (["low", "high", None, "medium", None, None], []),
    ],
)
def test_an_undo_takes_the_latest_standing_label_off_and_none_where_none_stands(values, standing):
    found = standing_labels([step(value) for value in values], "urgency")

    assert [event.value["value"] for event in found] == standing


def test_steps_of_other_fields_do_not_count():
    steps = [step("low"), step(["other"], field="topics"), step(field="topics")]

    assert standing_labels(steps, "urgency") == steps[:1]


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=1)])
def test_steps_follow_each_other_where_another_processs_clock_was_ahead(caller, ahead):
    tenant, database = caller.tenant_id, caller.state.database
    feedback_id = UUID(caller.store("the train was late")[0]["id"])
    with database.write() as session:
        judge(session, tenant, feedback_id, {"urgency": "low", "sentiment": "neutral"}, by="a", reason=None)
    later = now() + ahead
    with database.write() as session:
        # As that process writes it: the time stands in the first 48 bits of the id too.
        last = session.scalars(select(LabelEvent).where(LabelEvent.feedback_id == feedback_id)).all()[-1]
        kept = last.id.int & ((1 << 80) - 1)
        last.id, last.at = UUID(int=(int(later.timestamp() * 1000) << 80) | kept), later
    with database.write() as session:
        judge(session, tenant, feedback_id, {"urgency": "high", "topics": ["other"]}, by="b", reason=None)
        undo(session, tenant, feedback_id, "urgency", by="b", reason=None)
        undo(session, tenant, feedback_id, "urgency", by="b", reason=None)
        with pytest.raises(ConflictError):
            undo(session, tenant, feedback_id, "urgency", by="b", reason=None)

    with database.read() as session:
        steps = history(session, feedback_id)
    assert [(row.field, row.undo) for row in steps] == [
        ("urgency", False),
        ("sentiment", False),
        ("urgency", False),
        ("topics", False),
        ("urgency", True),
        ("urgency", True),
    ]
    assert [row.at for row in steps] == sorted(row.at for row in steps)
    assert all(row.id.version == 7 for row in steps)
