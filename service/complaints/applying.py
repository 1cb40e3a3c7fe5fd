"""A refit's result becomes what is stored: one transaction a tenant."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.complaints import ComplaintMap, LineageEvent, needs_fixing
from models.predictions import vector_from_stored
from service.complaints.decisions import map_record
from service.complaints.measures import measures_of, write_measures
from service.complaints.membership import members_of, record_event
from service.complaints.snapshot import Snapshot, decided_of
from service.complaints.watching import watch
from service.store import outbox
from service.store.feedback import lock
from service.store.records import Complaint, Feedback, now
from service.store.tenant_lock import lock_tenant
from service.triage.priority import complaint_step

if TYPE_CHECKING:
    # Brings BERTopic: the process of a refit imports it, nobody else.
    from models.complaints.refit import Refit

AT_ONCE: Final = 500
"""Texts in one statement; SQLite takes some 30,000 parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What came of a refit."""

    texts: int
    complaints: int
    open_texts: int


def apply_refit(
    session: Session, tenant: UUID, snapshot: Snapshot, result: "Refit", *, space: str
) -> Applied | None:
    """Write a refit's result, and place the texts that came while it ran by its map.

    Args:
        session: A writing transaction.
        tenant: Whose.
        snapshot: What the refit looked at.
        result: What it found.
        space: Of the vectors.

    Returns:
        `None`, with nothing written, when people decided something meanwhile: it is to be found anew.
    """
    lock_tenant(session, tenant)
    if decided_of(session, tenant) != snapshot.decided:
        return None
    record = map_record(session, tenant)
    found = _wanted(session, tenant, snapshot, result, space, since=record.made_at)
    wanted = found.places
    _write_complaints(session, tenant, result)
    dissolved = snapshot.decisions.dissolved
    moved = _move_texts(session, tenant, wanted, dissolved)
    record.stored = result.map.without(found.gone).to_bytes()
    record.space, record.made_at = space, now()
    record.revision += 1
    weighs_differently = _measure(session, tenant)
    for event in _with_joined(result.events, found.joined):
        _record(session, tenant, event)
    weighs_differently |= watch(session, tenant)
    moved.update(members_of(session, tenant, weighs_differently))
    _enqueue(session, sorted(moved))
    counted = Counter(name is None for name in wanted.values())
    return Applied(texts=len(wanted), complaints=len(result.complaints), open_texts=counted[True])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a refit asks for.

    Attributes:
        places: Where every text belongs now.
        gone: Ids of texts that the refit knew and that are deleted or changed.
        joined: Texts of each complaint that joined it by themselves since the last refit.
    """

    places: dict[UUID, str | None]
    gone: list[str]
    joined: dict[str, list[str]]


def _wanted(
    session: Session, tenant: UUID, snapshot: Snapshot, result: "Refit", space: str, *, since: datetime | None
) -> _Wanted:
    query = select(
        Feedback.id,
        Feedback.version,
        Feedback.kind,
        Feedback.sentiment,
        Feedback.complaint_id,
        Feedback.dissolved_complaint_id,
        Feedback.received_at,
    ).where(Feedback.tenant_id == tenant, Feedback.space == space)
    places: dict[UUID, str | None] = {}
    joined: dict[str, list[str]] = {}
    late: list[UUID] = []
    seen = set()
    for row in session.execute(query):
        key = str(row.id)
        if snapshot.versions.get(key) == row.version:
            seen.add(key)
            name = places[row.id] = result.members[key]
            if name is not None and snapshot.members.get(key) == name and since and row.received_at > since:
                joined.setdefault(name, []).append(key)
        elif needs_fixing(row.kind, row.sentiment):
            late.append(row.id)
        elif row.complaint_id is not None or row.dissolved_complaint_id is not None:
            places[row.id] = None
    pinned = {UUID(key): name for key, name in snapshot.decisions.pinned.items()}
    placed = _placed(session, result.map, late)
    for feedback_id in late:
        name = pinned[feedback_id] if feedback_id in pinned else placed.get(feedback_id)
        places[feedback_id] = None if name is None else snapshot.decisions.survivor(name)
    gone = [key for key in snapshot.versions if key not in seen]
    return _Wanted(places=places, gone=gone, joined=joined)


def _with_joined(
    events: Sequence[LineageEvent], joined: Mapping[str, Sequence[str]]
) -> Iterator[LineageEvent]:
    """Let growth count what joined at once, too: to a refit that is where it began."""
    left = dict(joined)
    for event in events:
        more = left.pop(event.targets[0], ()) if event.event == "grew" else ()
        yield replace(event, texts=(*event.texts, *more))
    for name in sorted(left):
        yield LineageEvent(event="grew", sources=(name,), targets=(name,), texts=tuple(left[name]))


def _placed(session: Session, found: ComplaintMap, late: Sequence[UUID]) -> dict[UUID, str | None]:
    placed: dict[UUID, str | None] = {}
    for start in range(0, len(late), AT_ONCE):
        rows = session.execute(
            select(Feedback.id, Feedback.vector, Feedback.language).where(
                Feedback.id.in_(late[start : start + AT_ONCE])
            )
        ).all()
        if rows:
            vectors = np.stack([vector_from_stored(row.vector) for row in rows])
            assigned = found.assign(vectors, [row.language for row in rows])
            placed |= {row.id: told.complaint for row, told in zip(rows, assigned, strict=True)}
    return placed


def _write_complaints(session: Session, tenant: UUID, result: "Refit") -> None:
    stored = {row.id: row for row in session.scalars(select(Complaint).where(Complaint.tenant_id == tenant))}
    for found in result.complaints:
        complaint = stored.get(found.id)
        if complaint is None:
            complaint = Complaint(tenant_id=tenant, id=found.id, status="open", version=1, size=0)
            session.add(complaint)
        complaint.titles = dict(found.name.titles)
        complaint.title_languages = list(found.name.titles)
        complaint.title_sources = dict(found.name.sources)
        complaint.keywords = {code: list(words) for code, words in found.name.keywords.items()}
        complaint.representatives = list(found.name.representatives)
    for event in result.events:
        if event.event == "merged":
            _follow_merge(stored, event)
    session.flush()


def _follow_merge(stored: Mapping[str, Complaint], event: LineageEvent) -> None:
    goes_on = event.targets[0]
    for name in event.sources:
        if name != goes_on and name in stored and stored[name].merged_into is None:
            stored[name].merged_into = goes_on
            stored[name].version += 1


def _move_texts(
    session: Session, tenant: UUID, wanted: Mapping[UUID, str | None], dissolved: frozenset[str]
) -> set[UUID]:
    """Write each text's complaint where it changed; return the texts that moved."""
    current = {
        row.id: (row.complaint_id, row.dissolved_complaint_id)
        for row in session.execute(
            select(Feedback.id, Feedback.complaint_id, Feedback.dissolved_complaint_id).where(
                Feedback.tenant_id == tenant
            )
        )
    }
    changes = {}
    for feedback_id, name in wanted.items():
        place = (None, name) if name in dissolved else (name, None)
        if current.get(feedback_id, place) != place:
            changes[feedback_id] = place
    ordered = sorted(changes)
    for start in range(0, len(ordered), AT_ONCE):
        lock(session, Feedback.id.in_(ordered[start : start + AT_ONCE]))
    by_place: dict[tuple[str | None, str | None], list[UUID]] = {}
    for feedback_id in ordered:
        by_place.setdefault(changes[feedback_id], []).append(feedback_id)
    for (shown, hidden), ids in by_place.items():
        for start in range(0, len(ids), AT_ONCE):
            session.execute(
                update(Feedback)
                .where(Feedback.tenant_id == tenant, Feedback.id.in_(ids[start : start + AT_ONCE]))
                .values(complaint_id=shown, dissolved_complaint_id=hidden)
                .execution_options(synchronize_session=False)
            )
    return set(changes)


def _enqueue(session: Session, ordered: Sequence[UUID]) -> None:
    """Let cases and index follow, in one order of ids, behind whatever comes meanwhile."""
    for start in range(0, len(ordered), AT_ONCE):
        outbox.enqueue_where(session, Feedback.id.in_(ordered[start : start + AT_ONCE]))


def _measure(session: Session, tenant: UUID) -> set[str]:
    """Count all complaints anew; return those whose size weighs differently now."""
    measured = measures_of(session, tenant)
    moved = set()
    for complaint in session.scalars(select(Complaint).where(Complaint.tenant_id == tenant)):
        before = complaint_step(complaint.size)
        write_measures(complaint, measured.get(complaint.id))
        if complaint_step(complaint.size) != before:
            moved.add(complaint.id)
    session.flush()
    return moved


def _record(session: Session, tenant: UUID, event: LineageEvent) -> None:
    told: dict[str, Any] = {"sources": event.sources, "targets": event.targets, "texts": len(event.texts)}
    record_event(session, tenant, event.event, **told)
