"""A text that is deleted leaves its complaint too: size, titles, exemplars."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from models.complaints import ComplaintMap
from service.complaints.maps import Maps
from service.complaints.membership import complaints_by_id, members_of
from service.store.records import Complaint, ComplaintMapRecord, Feedback
from service.triage.priority import complaint_step


def forget(session: Session, tenant: UUID, feedback_id: UUID, maps: Maps) -> list[UUID]:
    """Take a text that is about to be deleted out of everything that was learnt from it.

    Needs the tenant's lock, and comes before the deletion.

    Args:
        session: A writing transaction.
        tenant: Whose text it is.
        feedback_id: The text.
        maps: Tells at little cost whether its vector is on the map.

    Returns:
        Texts whose cases are to follow their complaint's new size.
    """
    name = str(feedback_id)
    query = select(Feedback.complaint_id).where(Feedback.tenant_id == tenant, Feedback.id == feedback_id)
    complaint_id = session.scalar(query)
    moved: list[UUID] = []
    if complaint_id is not None:
        complaint = complaints_by_id(session, tenant, [complaint_id]).get(complaint_id)
        if complaint is not None:
            before = complaint.size
            complaint.size = max(0, before - 1)
            if complaint_step(before) != complaint_step(complaint.size):
                moved = [
                    member for member in members_of(session, tenant, [complaint_id]) if member != feedback_id
                ]
    for complaint in _naming(session, tenant, complaint_id):
        _take_words(complaint, name)
    found = maps.of(session, tenant)
    if found is not None and name in found.texts:
        _take_vector(session, tenant, name)
    return moved


def _naming(session: Session, tenant: UUID, complaint_id: str | None) -> list[Complaint]:
    """Return complaints whose title may be the text's words: its own, and those without members."""
    query = select(Complaint).where(Complaint.tenant_id == tenant)
    chosen = Complaint.merged_into.is_not(None) | Complaint.dissolved_at.is_not(None)
    return list(session.scalars(query.where(chosen | (Complaint.id == complaint_id))))


def _take_words(complaint: Complaint, name: str) -> None:
    gone = [code for code, source in complaint.title_sources.items() if source == name]
    if gone:
        complaint.titles = {code: told for code, told in complaint.titles.items() if code not in gone}
        complaint.title_languages = [code for code in complaint.title_languages if code not in gone]
        complaint.title_sources = {
            code: source for code, source in complaint.title_sources.items() if code not in gone
        }
    if name in complaint.representatives:
        complaint.representatives = [told for told in complaint.representatives if told != name]


def _take_vector(session: Session, tenant: UUID, name: str) -> None:
    query = select(ComplaintMapRecord).where(ComplaintMapRecord.tenant_id == tenant)
    record = session.scalars(query.options(undefer(ComplaintMapRecord.stored))).one()
    record.stored = ComplaintMap.from_bytes(record.stored or b"").without([name]).to_bytes()
    record.revision += 1
