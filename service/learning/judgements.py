"""People's labels: they win over the model's, are versioned, can be undone, and are training data."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.complaints import needs_fixing
from service.complaints.membership import Moves
from service.errors import ConflictError
from service.store import outbox
from service.store.feedback import lock, one
from service.store.records import (
    Case,
    ComplaintPin,
    Feedback,
    FeedbackVersion,
    LabelEvent,
    Tenant,
    new_id,
    now,
)
from service.store.tenant_lock import lock_tenant
from service.triage.labels import apply_labels, current
from service.triage.rank import rank_case, weights_of


def judge(
    session: Session,
    tenant: UUID,
    feedback_id: UUID,
    values: Mapping[str, Any],
    *,
    by: str,
    reason: str | None,
) -> None:
    """Lay a person's labels over the model's and re-rank the case.

    Args:
        session: A writing transaction.
        tenant: Whose text it is.
        feedback_id: Which text.
        values: New value by field (`service.triage.labels.FIELDS`).
        by: Who says so.
        reason: Why, in their words.

    Raises:
        NotFoundError: This tenant has no such text.
    """
    feedback, case = _locked(session, tenant, feedback_id)
    held = current(feedback)
    for field, value in values.items():
        _record(session, feedback, field, value, undo=False, by=by, reason=reason)
        held[field] = value
    _settle(session, feedback, case, held)


def undo(
    session: Session, tenant: UUID, feedback_id: UUID, field: str, *, by: str, reason: str | None
) -> None:
    """Take back the latest label of a field that has not been taken back yet.

    Raises:
        NotFoundError: This tenant has no such text.
        ConflictError: No person's label holds for this field.
    """
    feedback, case = _locked(session, tenant, feedback_id)
    standing = standing_labels(history(session, feedback_id), field)
    if not standing:
        raise ConflictError(f"expected a person's label of {field} to undo, the model's holds")
    held = current(feedback)
    held.pop(field, None)
    restored = standing[-2].value["value"] if len(standing) > 1 else None
    if restored is not None:
        held[field] = restored
    _record(session, feedback, field, restored, undo=True, by=by, reason=reason)
    _settle(session, feedback, case, held)


def history(session: Session, feedback_id: UUID) -> list[LabelEvent]:
    """Return every step, oldest first."""
    query = select(LabelEvent).where(LabelEvent.feedback_id == feedback_id).order_by(LabelEvent.id)
    return list(session.scalars(query))


def standing_labels(events: Iterable[LabelEvent], field: str) -> list[LabelEvent]:
    """Replay a field's history: an undo takes the latest label that still stands off.

    Args:
        events: Of one text, oldest first.
        field: Whose labels to return.

    Returns:
        Those that were not undone, oldest first; the last one holds. An undo of a label that is not among
        the events takes none off.
    """
    stack: list[LabelEvent] = []
    for event in events:
        if event.field == field:
            if not event.undo:
                stack.append(event)
            elif stack:
                stack.pop()
    return stack


def versions(session: Session, feedback_id: UUID) -> list[FeedbackVersion]:
    """Return the earlier texts, oldest first."""
    query = (
        select(FeedbackVersion)
        .where(FeedbackVersion.feedback_id == feedback_id)
        .order_by(FeedbackVersion.version)
    )
    return list(session.scalars(query))


def _locked(session: Session, tenant: UUID, feedback_id: UUID) -> tuple[Feedback, Case]:
    """Read a text under a lock: of two judgements at once the second must see the first."""
    lock_tenant(session, tenant)  # a complaint may lose the text
    lock(session, Feedback.tenant_id == tenant, Feedback.id == feedback_id)
    return one(session, tenant, feedback_id)


def _record(
    session: Session,
    feedback: Feedback,
    field: str,
    value: Any,
    *,
    undo: bool,
    by: str,
    reason: str | None,
) -> None:
    """Append a step; steps of one text follow each other in id and time, whatever processes' clocks say."""
    steps = select(LabelEvent).where(LabelEvent.feedback_id == feedback.id)
    last = session.scalar(steps.order_by(LabelEvent.id.desc()).limit(1))
    session.add(
        LabelEvent(
            id=max(new_id(), UUID(int=last.id.int + 1)) if last else new_id(),
            tenant_id=feedback.tenant_id,
            feedback_id=feedback.id,
            field=field,
            value={"value": value},
            previous={"value": getattr(feedback, field)},
            undo=undo,
            by=by,
            reason=reason,
            at=max(now(), last.at) if last else now(),
        )
    )


def _settle(session: Session, feedback: Feedback, case: Case, held: Mapping[str, Any]) -> None:
    apply_labels(session, feedback, held)
    moves = Moves(session, feedback.tenant_id)
    if _is_no_member_any_more(session, feedback):
        moves.move(feedback, None, left=feedback.complaint)
    rank_case(case, feedback, feedback.account, weights_of(session.get_one(Tenant, feedback.tenant_id)))
    session.flush()  # before the outbox: see `lock`
    outbox.enqueue(session, [feedback.id], behind=moves.settle())


def _is_no_member_any_more(session: Session, feedback: Feedback) -> bool:
    """Tell whether people say that nothing is to be put right, of a text that nobody put where it is.

    The other way round it joins its complaint with the next refit.
    """
    if feedback.complaint_id is None or needs_fixing(feedback.kind, feedback.sentiment):
        return False
    return session.get(ComplaintPin, feedback.id) is None
