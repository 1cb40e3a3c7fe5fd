"""People's corrections as training data: every text that a person's word holds of, in order of time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, or_, select
from sqlalchemy.orm import Session, aliased

from service.learning.judgements import standing_labels
from service.store.database import Database
from service.store.records import Feedback, LabelEvent
from service.triage.labels import FIELDS

PAGE: Final = 500
"""Texts in memory at once, of 20,000 characters at most. Each page looks for its beginning anew: of 90,000
corrected texts pages of 500 take 31 s on one core of SQLite, pages of 200 take 53 s."""

Step = Row[UUID, datetime, UUID]
"""Id and time of a label or an undo, and whose it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What people say of one text.

    Attributes:
        values: The labels that hold by a person's word, by field of `service.triage.labels.FIELDS`.
        previous: What held just before each of them: the model's label, or an earlier one of a person.
        by: Who took the latest step, a label or an undo.
        at: When.
        model_revision: Revision of the heads that scored the text last; `None` when none have.
    """

    feedback_id: UUID
    text: str
    language: str
    values: Mapping[str, Any]
    previous: Mapping[str, Any]
    by: str
    at: datetime
    model_revision: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which corrections to export: those whose latest step lies in it, both ends included.

    What is done after `until` is not looked at: a walk in pages shows one state, whatever is
    corrected meanwhile.
    """

    tenant: UUID
    since: datetime | None
    until: datetime


def corrections(database: Database, span: Span, *, page_size: int = PAGE) -> Iterator[list[Correction]]:
    """Walk through all corrections, oldest first, in pages of bounded size.

    Each page is a short transaction of its own, so a slow reader holds neither a connection nor the
    database's log.

    Args:
        database: Where they are.
        span: Whose, and of when.
        page_size: Texts of a page at most.

    Yields:
        Corrections; a page may have none, where people took all of their labels back.

    Raises:
        DatabaseUnavailableError: The database does not answer.
    """
    after: Step | None = None
    while True:
        with database.read() as session:
            steps = _latest_steps(session, span, after, limit=page_size)
            page = _read(session, span, [row.feedback_id for row in steps])
        yield page
        if len(steps) < page_size:
            return
        after = steps[-1]


def _latest_steps(session: Session, span: Span, after: Step | None, *, limit: int) -> Sequence[Step]:
    """Return the latest step of each text, from the end of the last page on."""
    later = aliased(LabelEvent)
    superseded = select(later.id).where(
        later.feedback_id == LabelEvent.feedback_id, later.id > LabelEvent.id, later.at <= span.until
    )
    wanted: list[ColumnElement[bool]] = [
        LabelEvent.tenant_id == span.tenant,
        LabelEvent.at <= span.until,
        ~superseded.exists(),
    ]
    if span.since is not None:
        wanted.append(LabelEvent.at >= span.since)
    if after is not None:
        same = and_(LabelEvent.at == after.at, LabelEvent.id > after.id)
        wanted.append(or_(LabelEvent.at > after.at, same))
    query = select(LabelEvent.id, LabelEvent.at, LabelEvent.feedback_id).where(*wanted)
    return session.execute(query.order_by(LabelEvent.at, LabelEvent.id).limit(limit)).all()


def _read(session: Session, span: Span, ids: Sequence[UUID]) -> list[Correction]:
    """Return what holds of these texts, in their order; a text deleted a moment ago is left out."""
    history = select(LabelEvent).where(LabelEvent.feedback_id.in_(ids), LabelEvent.at <= span.until)
    events: dict[UUID, list[LabelEvent]] = defaultdict(list)
    for event in session.scalars(history.order_by(LabelEvent.id)):
        events[event.feedback_id].append(event)
    columns = (Feedback.id, Feedback.text, Feedback.language, Feedback.model_revision)
    texts = {
        row.id: row
        for row in session.execute(select(*columns).where(Feedback.id.in_(ids)))
        if row.id in events
    }
    found = (_correction(texts[key], events[key]) for key in ids if key in texts)
    return [correction for correction in found if correction.values]


def _correction(text: Row[UUID, str, str, str | None], events: Sequence[LabelEvent]) -> Correction:
    standing = {field: standing_labels(events, field) for field in FIELDS}
    holding = {field: labels[-1] for field, labels in standing.items() if labels}
    return Correction(
        feedback_id=text.id,
        text=text.text,
        language=text.language,
        values={field: event.value["value"] for field, event in holding.items()},
        previous={field: event.previous["value"] for field, event in holding.items()},
        by=events[-1].by,
        at=events[-1].at,
        model_revision=text.model_revision,
    )
