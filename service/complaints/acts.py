"""What people do with complaints; every later refit respects it.

Each act locks the tenant, so that of two people at once the second sees what the first did, and names the
version it was decided on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.complaints.titles import title_from
from service.complaints.changing import (
    Actor,
    count_decision,
    is_pair,
    lock_texts,
    locked,
    move_texts,
    new_complaint_id,
    pin_texts,
    record_act,
    settle,
)
from service.complaints.membership import members_of
from service.complaints.reading import get_complaint
from service.complaints.watching import end_alert
from service.errors import ConflictError, NotFoundError, UnprocessableError
from service.store.feedback import lock, one
from service.store.records import Complaint, ComplaintApart, ComplaintPin, Feedback, now
from service.store.tenant_lock import lock_tenant

REPRESENTATIVES: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """What to change about a complaint; only the fields named in `given` are touched, null takes one off."""

    given: frozenset[str]
    title: str | None = None
    owner: str | None = None
    notes: str | None = None


def rename(session: Session, actor: Actor, complaint_id: str, version: int, change: Rename) -> str:
    """Give a complaint a title, an owner, notes; return its id.

    Raises:
        NotFoundError: This tenant has no such complaint.
        ConflictError: Somebody changed it since, or it is none any more.
        UnprocessableError: Nothing to change.
    """
    if not change.given:
        raise UnprocessableError("expected a title, an owner or notes, got none of them")
    complaint = locked(session, actor.tenant, complaint_id, version)
    for name in change.given:
        setattr(complaint, name, getattr(change, name))
    complaint.version += 1
    record_act(
        session, actor, "renamed" if "title" in change.given else "annotated", [complaint], [complaint]
    )
    # The method merges no complaint away that people hold dear: a running refit is to know.
    count_decision(session, actor.tenant)
    return complaint_id


def merge(session: Session, actor: Actor, complaint_id: str, version: int, into: str) -> str:
    """Let a complaint go on as part of another, for ever; return the other one's id.

    Raises:
        NotFoundError: This tenant has not both.
        ConflictError: Somebody changed it since, or one of them is none any more.
        UnprocessableError: They are the same.
    """
    if into == complaint_id:
        raise UnprocessableError("expected another complaint to merge into, got the same")
    goes = locked(session, actor.tenant, complaint_id, version)
    stays = locked(session, actor.tenant, into, None)
    texts = members_of(session, actor.tenant, [goes.id])
    move_texts(session, actor.tenant, texts, stays.id)
    session.execute(
        update(ComplaintPin)
        .where(ComplaintPin.tenant_id == actor.tenant, ComplaintPin.complaint_id == goes.id)
        .values(complaint_id=stays.id)
    )
    session.execute(
        delete(ComplaintApart).where(ComplaintApart.tenant_id == actor.tenant, *is_pair(goes.id, stays.id))
    )
    goes.merged_into, goes.merged_by = stays.id, actor.name
    goes.version += 1
    stays.version += 1
    end_alert(session, actor.tenant, goes.id)
    goes.rising = False
    record_act(session, actor, "merged", [goes, stays], [stays], texts=len(texts))
    settle(session, actor.tenant, [goes, stays], texts)
    return into


def split(
    session: Session,
    actor: Actor,
    complaint_id: str,
    version: int,
    feedback_ids: Sequence[UUID],
    *,
    title: str | None,
) -> str:
    """Make a complaint of its own of some members; the two are never one again by the method.

    Returns:
        The new complaint's id.

    Raises:
        NotFoundError: This tenant has no such complaint, or a text is no member of it.
        ConflictError: Somebody changed it since, or it is none any more.
        UnprocessableError: Nothing would be left of it.
    """
    old = locked(session, actor.tenant, complaint_id, version)
    members = set(members_of(session, actor.tenant, [old.id]))
    strangers = [feedback_id for feedback_id in feedback_ids if feedback_id not in members]
    if strangers:
        raise NotFoundError(f"no feedback {strangers[0]} in complaint {complaint_id}")
    if len(set(feedback_ids)) == len(members):
        raise UnprocessableError("expected some of the complaint's texts, got all: nothing would be left")
    new = _founded(session, actor.tenant, feedback_ids, title)
    session.add(new)
    session.add(
        ComplaintApart(
            tenant_id=actor.tenant, one=min(old.id, new.id), other=max(old.id, new.id), by=actor.name
        )
    )
    session.flush()
    move_texts(session, actor.tenant, feedback_ids, new.id)
    pin_texts(session, actor, feedback_ids, new.id)
    old.version += 1
    record_act(session, actor, "split", [old], [old, new], texts=len(set(feedback_ids)))
    settle(session, actor.tenant, [old, new], list(members))
    return new.id


def move_text(
    session: Session, actor: Actor, feedback_id: UUID, *, to: str | None, seen_in: str | None
) -> None:
    """Put a text into another complaint, or into none, for ever.

    Args:
        session: A writing transaction.
        actor: Who.
        feedback_id: The text.
        to: The complaint it belongs to; `None` for none.
        seen_in: The complaint in which the person saw it.

    Raises:
        NotFoundError: This tenant has no such text or complaint.
        ConflictError: The text is elsewhere by now, or the complaint is none any more.
    """
    lock_tenant(session, actor.tenant)
    lock(session, Feedback.tenant_id == actor.tenant, Feedback.id == feedback_id)
    feedback, _ = one(session, actor.tenant, feedback_id)
    if feedback.complaint_id != seen_in:
        raise ConflictError(
            f"expected a text in complaint {seen_in}, it is in {feedback.complaint_id} by now",
            complaint_id=feedback.complaint_id,
        )
    target = None if to is None else locked(session, actor.tenant, to, None)
    left = None if seen_in is None else get_complaint(session, actor.tenant, seen_in)
    move_texts(session, actor.tenant, [feedback_id], to)
    pin_texts(session, actor, [feedback_id], to)
    touched = [row for row in (left, target) if row is not None]
    if touched:
        record_act(session, actor, "moved", [left] if left else [], [target] if target else [], texts=1)
    settle(session, actor.tenant, touched, [feedback_id])


def dissolve(session: Session, actor: Actor, complaint_id: str, version: int) -> str:
    """Say that a complaint is none: its texts stay open, and their like do not found it anew.

    Returns:
        Its id.

    Raises:
        NotFoundError: This tenant has no such complaint.
        ConflictError: Somebody changed it since, or it is none any more.
    """
    complaint = locked(session, actor.tenant, complaint_id, version)
    texts = members_of(session, actor.tenant, [complaint.id])
    lock_texts(session, texts)
    session.execute(
        update(Feedback)
        .where(Feedback.tenant_id == actor.tenant, Feedback.complaint_id == complaint.id)
        .values(complaint_id=None, dissolved_complaint_id=complaint.id)
        .execution_options(synchronize_session=False)
    )
    complaint.dissolved_at = now()
    complaint.version += 1
    end_alert(session, actor.tenant, complaint.id)
    complaint.rising = False
    record_act(session, actor, "dissolved", [complaint], [], texts=len(texts))
    settle(session, actor.tenant, [complaint], texts)
    return complaint_id


def _founded(session: Session, tenant: UUID, feedback_ids: Sequence[UUID], title: str | None) -> Complaint:
    """Make a complaint of texts; its own titles are short of what a refit finds, but somebody's words."""
    chosen = list(dict.fromkeys(feedback_ids))
    query = select(Feedback.id, Feedback.text, Feedback.language).where(
        Feedback.tenant_id == tenant, Feedback.id.in_(chosen)
    )
    titles, sources = {}, {}
    for row in sorted(session.execute(query), key=lambda row: chosen.index(row.id)):
        if row.language not in titles:
            told, _ = title_from([row.text], row.language, ())
            if told:
                titles[row.language], sources[row.language] = told, str(row.id)
    return Complaint(
        tenant_id=tenant,
        id=new_complaint_id(session, tenant, chosen),
        title=title,
        status="open",
        version=1,
        titles=titles,
        title_languages=list(titles),
        title_sources=sources,
        keywords={},
        representatives=[str(feedback_id) for feedback_id in chosen[:REPRESENTATIVES]],
        languages={},
        size=0,
        customers=0,
        revenue_affected=0.0,
        severity_value=0.0,
        rising=False,
    )
