"""A case's moves: which are legal, who may overwrite whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from service.errors import ConflictError, NotFoundError, UnprocessableError
from service.store import outbox
from service.store.records import Case, CaseEvent, Feedback, new_id, now

MOVES: Final[Mapping[str, tuple[str, ...]]] = {
    "open": ("closed", "dismissed"),
    "closed": ("open",),
    "dismissed": ("open",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What to change about a case; only the fields named in `given` are touched.

    Attributes:
        version: The version that was read before deciding.
        given: Out of `state`, `assignee`, `team`, `note`.
    """

    version: int
    given: frozenset[str]
    state: str | None = None
    assignee: str | None = None
    team: str | None = None
    note: str | None = None


def get_case(session: Session, tenant: UUID, case_id: UUID) -> Case:
    """Return a case with its feedback and account.

    Raises:
        NotFoundError: This tenant has no such case.
    """
    query = (
        select(Case)
        .where(Case.tenant_id == tenant, Case.id == case_id)
        .options(
            joinedload(Case.feedback).options(joinedload(Feedback.account), joinedload(Feedback.complaint))
        )
    )
    case = session.scalars(query).one_or_none()
    if case is None:
        raise NotFoundError(f"no case {case_id} in this tenant")
    return case


def change_case(session: Session, tenant: UUID, case_id: UUID, change: Change, *, by: str) -> Case:
    """Change a case and write its history.

    Raises:
        NotFoundError: This tenant has no such case.
        ConflictError: Somebody changed it since, or the move is not legal.
        UnprocessableError: Nothing to change, or a dismissal without a reason.
    """
    case = get_case(session, tenant, case_id)
    # Re-read under the lock: on PostgreSQL another transaction may be at it at this moment.
    session.refresh(case, attribute_names=["version", "state"], with_for_update=True)
    apply_change(session, case, change, by=by)
    if "state" in change.given and change.state is not None:
        outbox.enqueue(session, [case.feedback_id])
    session.flush()
    return case


def apply_change(session: Session, case: Case, change: Change, *, by: str) -> None:
    """Change a locked case and write its history; its point follows when the caller enqueues its text.

    Raises:
        ConflictError: Somebody changed it since, or the move is not legal.
        UnprocessableError: Nothing to change, or a dismissal without a reason.
    """
    _check(case, change)
    if "state" in change.given and change.state is not None:
        case.state = change.state
        case.closed_at = None if change.state == "open" else now()
    if "assignee" in change.given:
        case.assignee = change.assignee
    if "team" in change.given:
        case.team = change.team
    case.version += 1
    session.add(
        CaseEvent(
            id=new_id(),
            tenant_id=case.tenant_id,
            case_id=case.id,
            state=change.state,
            assignee=change.assignee,
            team=change.team,
            note=change.note,
            by=by,
            at=now(),
        )
    )


def case_history(session: Session, case_id: UUID) -> list[CaseEvent]:
    """Return what happened to a case, oldest first."""
    return list(session.scalars(select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.id)))


def _check(case: Case, change: Change) -> None:
    if change.version != case.version:
        raise ConflictError(
            f"expected version {case.version}, got {change.version}: somebody changed the case since",
            version=case.version,
        )
    if not change.given:
        raise UnprocessableError("expected a state, an assignee, a team or a note, got none of them")
    if "state" not in change.given:
        return
    allowed = MOVES[case.state]
    if change.state not in allowed:
        raise ConflictError(
            f"expected a move from {case.state} to {' or '.join(allowed)}, got {change.state}",
            allowed=list(allowed),
        )
    if change.state == "dismissed" and not (change.note or "").strip():
        raise UnprocessableError("expected the reason of the dismissal in `note`, got none")
