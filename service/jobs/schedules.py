"""What schedules do, and what is written when a job is given up."""

from uuid import UUID

import structlog
from sqlalchemy import select

from service.complaints.measures import measures_of, write_measures
from service.complaints.membership import members_of
from service.complaints.refits import Asked, due_tenants, fail, request_refit
from service.complaints.watching import watch
from service.store import outbox
from service.store.database import Database
from service.store.records import Complaint
from service.store.tenant_lock import lock_tenant

log = structlog.get_logger()


def ask_for_due_refits(database: Database) -> int:
    """Ask for a refit of every tenant who has new texts; return for how many."""
    with database.read() as session:
        due = due_tenants(session)
    for tenant in due:
        with database.write() as session:
            request_refit(session, tenant, Asked(by="schedule", reason="schedule"))
    return len(due)


def watch_all(database: Database) -> None:
    """Look at every tenant's complaints, each in a transaction of its own."""
    with database.read() as session:
        tenants = list(session.scalars(select(Complaint.tenant_id).distinct().order_by(Complaint.tenant_id)))
    for tenant in tenants:
        watch_tenant(database, tenant)


def watch_tenant(database: Database, tenant: UUID) -> None:
    """Count a tenant's complaints and test them for bursts."""
    with database.read() as session:  # the long part, while others write
        measured = measures_of(session, tenant)
    with database.write() as session:
        lock_tenant(session, tenant)
        for complaint in session.scalars(select(Complaint).where(Complaint.tenant_id == tenant)):
            # The size follows each text in its own transaction: a count of a moment ago is behind it.
            write_measures(complaint, measured.get(complaint.id), sizes=False)
        moved = members_of(session, tenant, watch(session, tenant))
        outbox.enqueue(session, (), behind=moved)


def give_up(database: Database, refit_id: UUID, reason: str) -> None:
    """Write that a refit failed, for whoever asked for it."""
    log.error("refit_failed", refit_id=str(refit_id), reason=reason)
    with database.write() as session:
        fail(session, refit_id, reason)
