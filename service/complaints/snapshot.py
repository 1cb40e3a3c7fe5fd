"""What a refit looks at: a tenant's texts, where they are, and what people decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from models.arrays import Floats2d
from models.complaints import ComplaintText, Decisions, needs_fixing
from models.predictions import vector_from_stored
from service.complaints.decisions import decisions_of
from service.store.database import Database
from service.store.records import Complaint, ComplaintMapRecord, ComplaintPin, Feedback

PAGE: Final = 2_000
"""Texts in one read: a reader holds no transaction open for the length of the corpus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A tenant's texts of one vector space, as of the beginning of a refit.

    Attributes:
        texts: What needs fixing, and every member and pinned text.
        vectors: *Shape:* ``(len(texts), dimensions)``, float32.
        versions: Version of each text by id: one that changed since is another text.
        members: Complaint of each text that is a member, the dissolved ones' included.
        known: Every complaint id there ever was.
        kept: Those that people gave a title, an owner or a note.
        decisions: What people decided.
        decided: How often they had decided by then.
    """

    texts: list[ComplaintText]
    vectors: Floats2d
    versions: Mapping[str, int]
    members: Mapping[str, str]
    known: frozenset[str]
    kept: frozenset[str]
    decisions: Decisions
    decided: int


def take_snapshot(database: Database, tenant: UUID, *, space: str) -> Snapshot:
    """Read what a refit needs, in pages.

    Args:
        database: Where it is.
        tenant: Whose.
        space: Of the vectors; texts of another one keep their complaint unseen.

    Raises:
        DatabaseUnavailableError: The database does not answer.
    """
    with database.read() as session:
        decided = decided_of(session, tenant)
        decisions = decisions_of(session, tenant)
        known = session.execute(
            select(Complaint.id, Complaint.title, Complaint.owner, Complaint.notes).where(
                Complaint.tenant_id == tenant
            )
        ).all()
    texts, vectors, versions, members = [], [], {}, {}
    after: UUID | None = None
    while True:
        with database.read() as session:
            rows = session.execute(_page(tenant, space, after)).all()
        for row in rows:
            name = row.complaint_id or row.dissolved_complaint_id
            if belongs(row, name is not None, pinned=str(row.id) in decisions.pinned):
                texts.append(_text(row))
                vectors.append(vector_from_stored(row.vector))
                versions[str(row.id)] = row.version
                if name is not None:
                    members[str(row.id)] = name
        if len(rows) < PAGE:
            break
        after = rows[-1].id
    return Snapshot(
        texts=texts,
        vectors=np.stack(vectors) if vectors else np.zeros((0, 1), dtype=np.float32),
        versions=versions,
        members=members,
        known=frozenset(row.id for row in known),
        kept=frozenset(row.id for row in known if row.title or row.owner or row.notes),
        decisions=decisions,
        decided=decided,
    )


def decided_of(session: Session, tenant: UUID) -> int:
    """Return how often people have decided something about this tenant's complaints."""
    query = select(ComplaintMapRecord.decisions).where(ComplaintMapRecord.tenant_id == tenant)
    return session.scalar(query) or 0


def belongs(row: Any, is_member: bool, *, pinned: bool) -> bool:
    """Tell whether a refit looks at a text.

    A member stays one even when a later model thinks better of it; not against a person's word that there
    is nothing to be put right.

    Args:
        row: With `kind`, `sentiment` and `judged`.
        is_member: Whether it is in a complaint.
        pinned: Whether a person put it where it is.
    """
    if pinned or needs_fixing(row.kind, row.sentiment):
        return True
    return is_member and not row.judged


def _page(tenant: UUID, space: str, after: UUID | None) -> Select[*tuple[Any, ...]]:
    columns = (
        Feedback.id,
        Feedback.text,
        Feedback.version,
        Feedback.language,
        Feedback.vector,
        Feedback.kind,
        Feedback.sentiment,
        Feedback.judged,
        Feedback.account_id,
        Feedback.author,
        Feedback.occurred_at,
        Feedback.complaint_id,
        Feedback.dissolved_complaint_id,
    )
    pinned = select(ComplaintPin.feedback_id).where(ComplaintPin.tenant_id == tenant)
    # What needs fixing, in SQL as `needs_fixing` has it: most texts of many tenants are none of it.
    wanted = or_(
        Feedback.kind.in_(("complaint", "request")),
        Feedback.sentiment == "negative",
        Feedback.complaint_id.is_not(None),
        Feedback.dissolved_complaint_id.is_not(None),
        Feedback.id.in_(pinned),
    )
    query = select(*columns).where(Feedback.tenant_id == tenant, Feedback.space == space, wanted)
    if after is not None:
        query = query.where(Feedback.id > after)
    return query.order_by(Feedback.id).limit(PAGE)


def _text(row: Any) -> ComplaintText:
    return ComplaintText(
        id=str(row.id),
        text=row.text,
        language=row.language,
        customer=customer_of(row.account_id, row.author),
        occurred_on=row.occurred_at.date(),
    )


def customer_of(account_id: UUID | None, author: Mapping[str, Any] | None) -> str | None:
    """Return whom a text counts for: its account, else its author, else nobody that is known.

    >>> customer_of(None, {"external_id": "u1", "email": "a@b.c"}), customer_of(None, None)
    ('author:u1', None)
    """
    if account_id is not None:
        return f"account:{account_id}"
    known = author or {}
    if known.get("external_id"):
        return f"author:{known['external_id']}"
    return f"email:{known['email'].casefold()}" if known.get("email") else None
