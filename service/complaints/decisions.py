"""What people decided about a tenant's complaints, in the form that models take."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.complaints import Decisions
from service.store.records import Complaint, ComplaintApart, ComplaintMapRecord, ComplaintPin


def decisions_of(session: Session, tenant: UUID) -> Decisions:
    """Return everything that people decided about this tenant's complaints."""
    pins = select(ComplaintPin.feedback_id, ComplaintPin.complaint_id).where(ComplaintPin.tenant_id == tenant)
    merged = select(Complaint.id, Complaint.merged_into).where(
        Complaint.tenant_id == tenant, Complaint.merged_by.is_not(None)
    )
    apart = select(ComplaintApart.one, ComplaintApart.other).where(ComplaintApart.tenant_id == tenant)
    dissolved = select(Complaint.id).where(Complaint.tenant_id == tenant, Complaint.dissolved_at.is_not(None))
    return Decisions(
        pinned={str(row[0]): row[1] for row in session.execute(pins)},
        merged={row[0]: row[1] for row in session.execute(merged) if row[1] is not None},
        apart=frozenset(frozenset((row[0], row[1])) for row in session.execute(apart)),
        dissolved=frozenset(session.scalars(dissolved)),
    )


def map_record(session: Session, tenant: UUID) -> ComplaintMapRecord:
    """Return the tenant's row of maps; make it where there is none. Needs the tenant's lock."""
    record = session.get(ComplaintMapRecord, tenant)
    if record is None:
        record = ComplaintMapRecord(tenant_id=tenant, revision=0, decisions=0)
        session.add(record)
        session.flush()
    return record
