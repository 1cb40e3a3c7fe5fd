"""Reading complaints: one, a page, its lineage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.errors import NotFoundError
from service.store.records import Complaint, ComplaintEvent, ComplaintEventPart, Feedback

Sort = Literal["size", "growth", "severity", "last_seen"]

LINEAGE: Final = ("born", "grew", "split", "merged", "dormant", "returned")
"""What happens to complaints; everything else in their history is a person's act."""

LINEAGE_MAX: Final = 200
"""Events shown of one complaint, the latest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintFilter:
    """Which of a tenant's complaints; those that are none any more are never among them."""

    tenant: UUID
    status: tuple[str, ...] = ()
    alert: bool | None = None
    language: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintPlace:
    """Where a page ended."""

    value: float | datetime
    complaint: str


def get_complaint(session: Session, tenant: UUID, complaint_id: str) -> Complaint:
    """Return a complaint, whatever became of it: its id is for life.

    Raises:
        NotFoundError: This tenant has no such complaint.
    """
    complaint = session.get(Complaint, (tenant, complaint_id))
    if complaint is None:
        raise NotFoundError(f"no complaint {complaint_id} in this tenant")
    return complaint


def list_complaints(
    session: Session, where: ComplaintFilter, *, sort: Sort, after: ComplaintPlace | None, limit: int
) -> list[Complaint]:
    """Return a page of complaints, those with most of what they are sorted by first."""
    column = _SORTED_BY[sort]
    query = select(Complaint).where(*_conditions(where), column.is_not(None))
    if after is not None:
        follows = and_(column == after.value, Complaint.id > after.complaint)
        query = query.where(or_(column < after.value, follows))
    return list(session.scalars(query.order_by(column.desc(), Complaint.id).limit(limit)))


def sorted_value(complaint: Complaint, sort: Sort) -> float | datetime:
    """Return what a complaint is sorted by."""
    value: float | datetime = getattr(complaint, _SORTED_BY[sort].key)
    return value


def history_of(session: Session, tenant: UUID, complaint_id: str) -> list[ComplaintEvent]:
    """Return what happened to a complaint, oldest first; of a long life the latest part."""
    query = (
        select(ComplaintEvent)
        .join(ComplaintEventPart, ComplaintEventPart.event_id == ComplaintEvent.id)
        .where(ComplaintEventPart.tenant_id == tenant, ComplaintEventPart.complaint_id == complaint_id)
        .order_by(ComplaintEvent.id.desc())
        .limit(LINEAGE_MAX)
    )
    return list(session.scalars(query))[::-1]


def members_in_order(session: Session, tenant: UUID, complaint: Complaint) -> list[UUID]:
    """Return the representative texts that are still members, best first."""
    wanted = [UUID(name) for name in complaint.representatives]
    query = select(Feedback.id).where(
        Feedback.tenant_id == tenant, Feedback.id.in_(wanted), Feedback.complaint_id == complaint.id
    )
    still = set(session.scalars(query))
    return [feedback_id for feedback_id in wanted if feedback_id in still]


def title_of(complaint: Complaint, languages: Sequence[str]) -> tuple[str, str | None]:
    """Return a complaint's title in the first of the reader's languages that it has one in.

    What people call it wins; without one of their languages it is in that of most of its texts.

    Returns:
        The title and its language, `None` for people's own.
    """
    if complaint.title is not None:
        return complaint.title, None
    offered = [code for code in complaint.title_languages if code in complaint.titles]
    chosen = next((code for code in languages if code in offered), offered[0] if offered else None)
    return (complaint.titles[chosen], chosen) if chosen else (f"Complaint {complaint.id[:8]}", None)


def reference_to(complaint: Complaint | None, languages: Sequence[str]) -> dict[str, Any] | None:
    """Return what other documents tell of a complaint."""
    if complaint is None:
        return None
    return {"id": complaint.id, "title": title_of(complaint, languages)[0]}


def _conditions(where: ComplaintFilter) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = [
        Complaint.tenant_id == where.tenant,
        Complaint.dissolved_at.is_(None),
        Complaint.merged_into.is_(None),
        # One whose texts were all erased or taken away has an id and a history, and nothing to show.
        Complaint.size > 0,
    ]
    if where.status:
        chosen.append(Complaint.status.in_(where.status))
    if where.alert is not None:
        chosen.append(Complaint.rising.is_(where.alert))
    if where.language:
        chosen.append(
            exists().where(
                Feedback.tenant_id == where.tenant,
                Feedback.complaint_id == Complaint.id,
                Feedback.language.in_(where.language),
            )
        )
    return chosen


_SORTED_BY: Final[dict[Sort, InstrumentedAttribute[Any]]] = {
    "size": Complaint.size,
    "growth": Complaint.growth,
    "severity": Complaint.severity_value,
    "last_seen": Complaint.last_seen,
}
