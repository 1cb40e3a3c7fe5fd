"""Closing a whole complaint: its open cases, and one notice for everybody it affects.

The notices are written here, durably and once; sending them is a later part of the service.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.complaints.changing import Actor, lock_texts, locked
from service.complaints.membership import members_of, record_event
from service.errors import ConflictError
from service.loop.cases import Change, apply_change
from service.store import outbox
from service.store.records import Case, ComplaintNotice, Feedback, new_id, now

DISMISSED: Final = "dismissed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """How to close.

    Attributes:
        note: Why it is closed, for colleagues.
        message: What the people it affects are told, by language; `None` leaves it to whoever sends.
        version: The version that was read before deciding; `None` closes whatever it is now.
    """

    note: str
    message: Mapping[str, str] | None
    version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What became of it."""

    cases: int
    notices: int


def close_complaint(session: Session, actor: Actor, complaint_id: str, closing: Closing) -> Closed:
    """Close a complaint's open cases and write one notice for each person it affects.

    Whoever has a notice of this complaint already that is newer than all their texts gets none again, and
    whoever's only cases were dismissed is not affected. Texts of nobody known can be told to nobody.

    Raises:
        NotFoundError: This tenant has no such complaint.
        ConflictError: It is closed already, none any more, or changed since.
    """
    complaint = locked(session, actor.tenant, complaint_id, closing.version)
    if complaint.status == "closed":
        raise ConflictError(f"complaint {complaint_id} is closed already", version=complaint.version)
    lock_texts(session, members_of(session, actor.tenant, [complaint_id]))
    cases = _close_cases(session, actor, complaint_id, closing.note)
    event = record_event(
        session,
        actor.tenant,
        "closed",
        sources=[complaint_id],
        targets=[complaint_id],
        texts=len(cases),
        by=actor.name,
        note=closing.note,
    )
    complaint.status, complaint.closed_at = "closed", now()
    complaint.version += 1
    notices = _write_notices(session, actor.tenant, complaint_id, event, closing.message)
    session.flush()
    outbox.enqueue(session, [case.feedback_id for case in cases])
    return Closed(cases=len(cases), notices=notices)


def person_of(author: Mapping[str, Any] | None, account_id: UUID | None) -> str | None:
    """Return who is to be told, as a hash: the author, else the account; `None` for nobody known.

    The same person again has the same hash, which names nobody.

    >>> person_of({"external_id": "u1"}, None) == person_of({"external_id": "u1", "email": "a@b.c"}, None)
    True
    >>> person_of(None, None) is None
    True
    """
    known = author or {}
    for name in ("external_id", "email"):
        if known.get(name):
            told = f"{name}:{str(known[name]).casefold() if name == 'email' else known[name]}"
            break
    else:
        if account_id is None:
            return None
        told = f"account:{account_id}"
    return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _close_cases(session: Session, actor: Actor, complaint_id: str, note: str) -> list[Case]:
    query = (
        select(Case)
        .join(Feedback, Feedback.id == Case.feedback_id)
        .where(
            Case.tenant_id == actor.tenant,
            Feedback.tenant_id == actor.tenant,
            Feedback.complaint_id == complaint_id,
            Case.state == "open",
        )
        .order_by(Case.id)
        .with_for_update(of=Case)
    )
    cases = list(session.scalars(query.execution_options(populate_existing=True)))
    for case in cases:
        change = Change(version=case.version, given=frozenset({"state", "note"}), state="closed", note=note)
        apply_change(session, case, change, by=actor.name)
    return cases


def _write_notices(
    session: Session, tenant: UUID, complaint_id: str, event: UUID, message: Mapping[str, str] | None
) -> int:
    told = _told(session, tenant, complaint_id)
    query = (
        select(Feedback.id, Feedback.author, Feedback.account_id, Feedback.language, Feedback.received_at)
        .join(Case, Case.feedback_id == Feedback.id)
        .where(Feedback.tenant_id == tenant, Feedback.complaint_id == complaint_id, Case.state != DISMISSED)
        .order_by(Feedback.id)
    )
    latest: dict[str, Any] = {}
    for row in session.execute(query):
        person = person_of(row.author, row.account_id)
        if person is not None:
            latest[person] = row
    wanted = {
        person: row for person, row in latest.items() if person not in told or told[person] < row.received_at
    }
    session.add_all(
        ComplaintNotice(
            id=new_id(),
            tenant_id=tenant,
            complaint_id=complaint_id,
            closing_id=event,
            person=person,
            feedback_id=row.id,
            language=(row.author or {}).get("language") or row.language,
            message=dict(message) if message else None,
            state="waiting",
        )
        for person, row in wanted.items()
    )
    return len(wanted)


def _told(session: Session, tenant: UUID, complaint_id: str) -> dict[str, datetime]:
    """Return when each person was last given a notice of this complaint."""
    query = (
        select(ComplaintNotice.person, func.max(ComplaintNotice.created_at))
        .where(ComplaintNotice.tenant_id == tenant, ComplaintNotice.complaint_id == complaint_id)
        .group_by(ComplaintNotice.person)
    )
    return {row[0]: row[1] for row in session.execute(query)}
