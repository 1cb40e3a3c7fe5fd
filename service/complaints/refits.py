"""Refits that were asked for: one of a tenant at a time, and what became of each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from service.complaints.applying import Applied
from service.errors import NotFoundError
from service.store.records import ComplaintMapRecord, ComplaintRefit, Feedback, Tenant, new_id, now
from service.store.tenant_lock import lock_tenant

ACTIVE: Final = ("queued", "running")

LEAST_TEXTS: Final = 3
"""Texts that could make a complaint; with fewer a scheduled refit finds nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for a refit, and why."""

    by: str
    reason: str


def request_refit(session: Session, tenant: UUID, asked: Asked) -> tuple[ComplaintRefit, bool]:
    """Ask for a refit, unless one is on its way already.

    Returns:
        The refit, and whether it is a new one.
    """
    lock_tenant(session, tenant)
    query = select(ComplaintRefit).where(ComplaintRefit.tenant_id == tenant, ComplaintRefit.state.in_(ACTIVE))
    active = session.scalars(query).one_or_none()
    if active is not None:
        return active, False
    refit = ComplaintRefit(
        id=new_id(), tenant_id=tenant, state="queued", reason=asked.reason, requested_by=asked.by, attempts=0
    )
    session.add(refit)
    session.flush()
    return refit, True


def get_refit(session: Session, tenant: UUID, refit_id: UUID) -> ComplaintRefit:
    """Return one refit.

    Raises:
        NotFoundError: This tenant has no such refit.
    """
    query = select(ComplaintRefit).where(ComplaintRefit.tenant_id == tenant, ComplaintRefit.id == refit_id)
    refit = session.scalars(query).one_or_none()
    if refit is None:
        raise NotFoundError(f"no refit {refit_id} in this tenant")
    return refit


def list_refits(session: Session, tenant: UUID, *, before: UUID | None, limit: int) -> list[ComplaintRefit]:
    """Return refits, newest first."""
    query = select(ComplaintRefit).where(ComplaintRefit.tenant_id == tenant)
    if before is not None:
        query = query.where(ComplaintRefit.id < before)
    return list(session.scalars(query.order_by(ComplaintRefit.id.desc()).limit(limit)))


def queued(session: Session) -> list[UUID]:
    """Return refits that somebody asked for and that have not ended, of all tenants, oldest first."""
    query = select(ComplaintRefit.id).where(ComplaintRefit.state.in_(ACTIVE)).order_by(ComplaintRefit.id)
    return list(session.scalars(query))


def due_tenants(session: Session) -> list[UUID]:
    """Return the tenants for whom a scheduled refit has something to look at.

    Those with texts that need fixing and that came, or were decided on, since their map was made.
    """
    fixable: ColumnElement[bool] = or_(
        Feedback.kind.in_(("complaint", "request")), Feedback.sentiment == "negative"
    )
    texts = select(func.count()).where(Feedback.tenant_id == Tenant.id, fixable).scalar_subquery()
    since = exists().where(
        Feedback.tenant_id == Tenant.id, fixable, Feedback.received_at > ComplaintMapRecord.made_at
    )
    query = (
        select(Tenant.id)
        .outerjoin(ComplaintMapRecord, ComplaintMapRecord.tenant_id == Tenant.id)
        .where(or_(ComplaintMapRecord.made_at.is_(None), since), texts >= LEAST_TEXTS)
        .order_by(Tenant.id)
    )
    return list(session.scalars(query))


def begin(session: Session, refit_id: UUID) -> ComplaintRefit | None:
    """Say that a refit runs; `None` when it ended already, or its tenant is gone."""
    refit = session.get(ComplaintRefit, refit_id, with_for_update=True)
    if refit is None or refit.state not in ACTIVE:
        return None
    refit.state = "running"
    refit.started_at = now()
    refit.attempts += 1
    return refit


def succeed(refit: ComplaintRefit, applied: Applied, *, started: datetime) -> None:
    """Say what came of it, in the transaction that wrote it."""
    refit.state, refit.ended_at = "done", now()
    refit.texts, refit.complaints, refit.open_texts = applied.texts, applied.complaints, applied.open_texts
    refit.seconds = round((now() - started).total_seconds(), 3)
    refit.error = None


def fail(session: Session, refit_id: UUID, error: str) -> None:
    """Say that it is given up, and why; never with a customer's words."""
    refit = session.get(ComplaintRefit, refit_id, with_for_update=True)
    if refit is not None and refit.state in ACTIVE:
        refit.state, refit.ended_at, refit.error = "failed", now(), error[:500]
