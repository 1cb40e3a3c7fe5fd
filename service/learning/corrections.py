"""People's corrections as training data: every text that a person's word holds of, in order of time.

A label belongs to the words that the person saw: one given on an earlier version of a text is told with that
version.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, or_, select
from sqlalchemy.orm import Session, aliased

from service.learning.judgements import standing_labels
from service.learning.versions import Key, Words, earlier_words, replaced_by_text, version_seen
from service.store.database import Database
from service.store.records import Feedback, LabelEvent
from service.triage.labels import FIELDS

PAGE: Final = 500
"""Texts in memory at once, each of 20,000 characters at most."""

STEPS: Final = 20_000
"""Latest steps in memory at once, some 10 MB. All of a tenant's steps are read and sorted to find them, so
it is done once for many pages: 90,000 corrected texts take 5.6 s on one core with SQLite, 11.3 s when it is
done for every page."""

Step = Row[UUID, datetime, UUID]
"""Id and time of a label or an undo, and whose it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What people say of one version of a text.

    Attributes:
        version: The one that the labels were given on.
        words: What the text said then.
        values: The labels that hold by a person's word, by field of `service.triage.labels.FIELDS`.
        previous: What held just before each of them: the model's label, or an earlier one of a person.
        by: Who took the latest step on the text, a label or an undo, whatever version they saw.
        at: When.
    """

    feedback_id: UUID
    version: int
    words: Words
    values: Mapping[str, Any]
    previous: Mapping[str, Any]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which corrections to export: those whose latest step lies in it, both ends included.

    What is done after `until` is not looked at: a walk in pages shows one state, whatever is
    corrected meanwhile.
    """

    tenant: UUID
    since: datetime | None
    until: datetime


def corrections(
    database: Database, span: Span, *, page_size: int = PAGE, steps_size: int = STEPS
) -> Iterator[list[Correction]]:
    """Walk through all corrections, oldest first, in pages of bounded size.

    Each page is a short transaction of its own, so a slow reader holds neither a connection nor the
    database's log.

    Args:
        database: Where they are.
        span: Whose, and of when.
        page_size: Texts of a page at most.
        steps_size: Texts to find at a time, before they are read in pages.

    Yields:
        Corrections: one a text, or one a version where labels that hold were given on several. A page may
        have none, where people took all of their labels back.

    Raises:
        DatabaseUnavailableError: The database does not answer.
    """
    after: Step | None = None
    while True:
        with database.read() as session:
            steps = _latest_steps(session, span, after, limit=steps_size)
        ids = [row.feedback_id for row in steps]
        for start in range(0, len(ids) or 1, page_size):
            with database.read() as session:
                page = _read(session, span, ids[start : start + page_size])
            yield page
        if len(steps) < steps_size:
            return
        after = steps[-1]


def _latest_steps(session: Session, span: Span, after: Step | None, *, limit: int) -> Sequence[Step]:
    """Return the latest step of each text, in order of time, from one on."""
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
    # After the steps, and earlier versions after that: words that are replaced meanwhile are found there.
    columns = (Feedback.id, Feedback.version, Feedback.text, Feedback.language, Feedback.model_revision)
    current = {row.id: row for row in session.execute(select(*columns).where(Feedback.id.in_(ids)))}
    replaced = replaced_by_text(session, [row.id for row in current.values() if row.version > 1])
    held = {
        (key, version): labels
        for key in ids
        if key in current and key in events
        for version, labels in _held(events[key], replaced.get(key, ())).items()
    }
    words = {
        (row.id, row.version): Words(text=row.text, language=row.language, model_revision=row.model_revision)
        for row in current.values()
    }
    words |= earlier_words(session, [key for key in held if key not in words])
    return [
        _correction(key, words[key], labels, events[key[0]][-1])
        for key, labels in held.items()
        if key in words
    ]


def _held(
    events: Sequence[LabelEvent], replaced: Sequence[datetime]
) -> Mapping[int, Mapping[str, LabelEvent]]:
    """Return the labels that hold, by the version that they were given on, then by field."""
    held: dict[int, dict[str, LabelEvent]] = defaultdict(dict)
    for field in FIELDS:
        if labels := standing_labels(events, field):
            held[version_seen(labels[-1], replaced)][field] = labels[-1]
    return dict(sorted(held.items()))


def _correction(key: Key, words: Words, labels: Mapping[str, LabelEvent], latest: LabelEvent) -> Correction:
    feedback_id, version = key
    return Correction(
        feedback_id=feedback_id,
        version=version,
        words=words,
        values={field: event.value["value"] for field, event in labels.items()},
        previous={field: event.previous["value"] for field, event in labels.items()},
        by=latest.by,
        at=latest.at,
    )
