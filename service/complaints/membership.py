"""A text joins a complaint, or leaves it: what that changes at once."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from service.store.records import Complaint, ComplaintEvent, ComplaintEventPart, Feedback, new_id, now
from service.triage.priority import complaint_step

QUIET_DAYS: Final = 60
"""Days without a text after which a complaint sleeps."""


def complaints_by_id(session: Session, tenant: UUID, ids: Collection[str]) -> dict[str, Complaint]:
    """Return those of these complaints that the tenant has."""
    if not ids:
        return {}
    query = select(Complaint).where(Complaint.tenant_id == tenant, Complaint.id.in_(ids))
    return {row.id: row for row in session.scalars(query)}


def members_of(session: Session, tenant: UUID, ids: Collection[str]) -> list[UUID]:
    """Return the texts of these complaints."""
    if not ids:
        return []
    query = select(Feedback.id).where(Feedback.tenant_id == tenant, Feedback.complaint_id.in_(ids))
    return list(session.scalars(query))


class Moves:
    """Texts that change complaint within one transaction; needs the tenant's lock.

    Sizes follow at once. Cases whose priority a changed size moves are ranked anew through the outbox.
    """

    def __init__(self, session: Session, tenant: UUID) -> None:
        self._session = session
        self._tenant = tenant
        self._before: dict[str, int] = {}
        self._touched: dict[str, Complaint] = {}
        self._returned: list[str] = []

    def move(self, feedback: Feedback, complaint: Complaint | None, *, left: Complaint | None) -> None:
        """Put a text into a complaint, or into none.

        Args:
            feedback: The text.
            complaint: Where it goes.
            left: Where it was.
        """
        if left is not None:
            self._touch(left).size = max(0, left.size - 1)
        if complaint is not None:
            self._touch(complaint).size += 1
            seen = feedback.occurred_at
            complaint.first_seen = min(complaint.first_seen or seen, seen)
            complaint.last_seen = max(complaint.last_seen or seen, seen)
            self._wake(complaint, feedback)
        feedback.complaint_id = complaint.id if complaint else None
        feedback.dissolved_complaint_id = None
        set_committed_value(feedback, "complaint", complaint)

    def settle(self) -> list[UUID]:
        """Write what happened to the complaints; return the texts whose cases are to follow.

        They are those of complaints whose size weighs differently now, never of one beyond the last step.
        After a flush: what refers to texts comes after them.
        """
        for name in self._returned:
            record_event(self._session, self._tenant, "returned", sources=[name], targets=[name], texts=1)
        names = [
            name
            for name, size in self._before.items()
            if complaint_step(size) != complaint_step(self._touched[name].size)
        ]
        return members_of(self._session, self._tenant, names)

    def _touch(self, complaint: Complaint) -> Complaint:
        self._before.setdefault(complaint.id, complaint.size)
        self._touched[complaint.id] = complaint
        return complaint

    def _wake(self, complaint: Complaint, feedback: Feedback) -> None:
        """A text that comes after all was quiet, or was put right, brings its complaint back."""
        asleep = complaint.status == "dormant" and feedback.occurred_at >= now() - timedelta(days=QUIET_DAYS)
        closed = complaint.status == "closed" and _later(feedback.occurred_at, complaint.closed_at)
        if asleep or closed:
            complaint.status = "open"
            complaint.version += 1
            self._returned.append(complaint.id)


def record_event(
    session: Session,
    tenant: UUID,
    event: str,
    *,
    sources: Iterable[str],
    targets: Iterable[str],
    texts: int = 0,
    by: str | None = None,
    note: str | None = None,
    at: datetime | None = None,
) -> UUID:
    """Write what happened to complaints; return the event's id."""
    row = ComplaintEvent(
        id=new_id(),
        tenant_id=tenant,
        event=event,
        sources=list(sources),
        targets=list(targets),
        texts=texts,
        by=by,
        note=note,
        at=at or now(),
    )
    session.add(row)
    session.flush()
    session.add_all(
        ComplaintEventPart(event_id=row.id, complaint_id=name, tenant_id=tenant)
        for name in dict.fromkeys([*row.sources, *row.targets])
    )
    return row.id


def _later(moment: datetime, than: datetime | None) -> bool:
    return than is not None and moment > than
