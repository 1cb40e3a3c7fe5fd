"""What all acts of people on complaints share: locks, versions, and what has to follow."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.complaints.decisions import map_record
from service.complaints.measures import measures_of, write_measures
from service.complaints.membership import members_of, record_event
from service.complaints.reading import get_complaint
from service.errors import ConflictError
from service.store import outbox
from service.store.feedback import lock
from service.store.records import Complaint, ComplaintApart, ComplaintPin, Feedback, now
from service.store.tenant_lock import lock_tenant

AT_ONCE: Final = 500
"""Texts in one statement."""

SOON: Final = 100
"""So many texts that a person moves are found at once where they are now; more wait with the bulk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts, and for which tenant."""

    tenant: UUID
    name: str


def locked(session: Session, tenant: UUID, complaint_id: str, version: int | None) -> Complaint:
    """Return a complaint that is about to be changed, under the tenant's lock.

    Raises:
        NotFoundError: This tenant has no such complaint.
        ConflictError: Somebody changed it since, or it is none any more.
    """
    lock_tenant(session, tenant)
    complaint = get_complaint(session, tenant, complaint_id)
    session.refresh(complaint)
    if complaint.merged_into is not None:
        raise ConflictError(
            f"complaint {complaint_id} was merged into {complaint.merged_into}", into=complaint.merged_into
        )
    if complaint.dissolved_at is not None:
        raise ConflictError(f"complaint {complaint_id} was dissolved")
    if version is not None and version != complaint.version:
        raise ConflictError(
            f"expected version {complaint.version}, got {version}: somebody changed the complaint since",
            version=complaint.version,
        )
    return complaint


def count_decision(session: Session, tenant: UUID) -> None:
    """Let maps in memory and a running refit know that people decided something."""
    map_record(session, tenant).decisions += 1


def lock_texts(session: Session, texts: Collection[UUID]) -> None:
    """Lock texts in the order in which all lock them."""
    ordered = sorted(texts)
    for start in range(0, len(ordered), AT_ONCE):
        lock(session, Feedback.id.in_(ordered[start : start + AT_ONCE]))


def move_texts(session: Session, tenant: UUID, texts: Collection[UUID], to: str | None) -> None:
    """Put texts into a complaint, or into none."""
    lock_texts(session, texts)
    ordered = sorted(texts)
    for start in range(0, len(ordered), AT_ONCE):
        session.execute(
            update(Feedback)
            .where(Feedback.tenant_id == tenant, Feedback.id.in_(ordered[start : start + AT_ONCE]))
            .values(complaint_id=to, dissolved_complaint_id=None)
            .execution_options(synchronize_session=False)
        )


def pin_texts(session: Session, actor: Actor, texts: Collection[UUID], to: str | None) -> None:
    """Keep texts where a person put them."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"tenant_id": actor.tenant, "complaint_id": to, "by": actor.name, "at": now()}
    rows = [{"feedback_id": feedback_id, **values} for feedback_id in sorted(set(texts))]
    session.execute(
        insert(ComplaintPin)
        .values(rows)
        .on_conflict_do_update(index_elements=[ComplaintPin.feedback_id], set_=values)
    )


def settle(session: Session, tenant: UUID, touched: Sequence[Complaint], texts: Collection[UUID]) -> None:
    """Count what changed anew; let cases, index, maps and a running refit follow."""
    session.flush()
    ids = [row.id for row in touched]
    measured = measures_of(session, tenant, ids)
    for complaint in touched:
        write_measures(complaint, measured.get(complaint.id))
    count_decision(session, tenant)
    session.flush()
    behind = {*texts, *members_of(session, tenant, ids)}
    outbox.enqueue(session, texts if len(texts) <= SOON else (), behind=behind)


def record_act(
    session: Session,
    actor: Actor,
    event: str,
    sources: Sequence[Complaint],
    targets: Sequence[Complaint],
    *,
    texts: int = 0,
) -> None:
    """Write what somebody did into the history of the complaints."""
    record_event(
        session,
        actor.tenant,
        event,
        sources=[row.id for row in sources],
        targets=[row.id for row in targets],
        texts=texts,
        by=actor.name,
    )


def is_pair(one: str, other: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Write what a row of `ComplaintApart` about these two fulfils."""
    return ComplaintApart.one == min(one, other), ComplaintApart.other == max(one, other)


def new_complaint_id(session: Session, tenant: UUID, founders: Collection[UUID]) -> str:
    """Return an id of the form that refits give, new to this tenant."""
    salt = 0
    while True:
        told = f"split {salt}\n" + "\n".join(sorted(map(str, set(founders))))
        name = blake2b(told.encode(), digest_size=10).hexdigest()
        if session.get(Complaint, (tenant, name)) is None:
            return name
        salt += 1
