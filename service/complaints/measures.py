"""Counts of a complaint's members: customers, revenue, languages, how urgent, how bad."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.complaints import Severity, severity
from service.complaints.snapshot import customer_of
from service.store.records import Account, Complaint, Feedback, now


@dataclass(slots=True, kw_only=True)
class Measures:
    """What the members of one complaint add up to.

    Attributes:
        size: Texts.
        customers: Distinct customers; a text of nobody known is one of its own.
        revenue: A year's revenue of their accounts, each once, in whatever currency it is kept.
        languages: Texts by language.
        urgencies: Texts by urgency.
        first_seen: When the first of them was said.
        last_seen: When the last of them was said.
    """

    size: int = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    languages: Counter[str] = field(default_factory=Counter)
    urgencies: Counter[str] = field(default_factory=Counter)
    who: set[str] = field(default_factory=set)
    revenues: dict[UUID, float] = field(default_factory=dict)

    @property
    def customers(self) -> int:
        """Distinct customers."""
        return len(self.who)

    @property
    def revenue(self) -> float:
        """Revenue of the accounts, each once."""
        return sum(self.revenues.values())

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return severity(self.urgencies, customers=self.customers, revenue=self.revenue)

    def add(self, row: Any) -> None:
        """Count one member."""
        self.size += 1
        self.first_seen = min(self.first_seen or row.occurred_at, row.occurred_at)
        self.last_seen = max(self.last_seen or row.occurred_at, row.occurred_at)
        self.languages[row.language] += 1
        if row.urgency is not None:
            self.urgencies[row.urgency] += 1
        self.who.add(customer_of(row.account_id, row.author) or f"text:{row.id}")
        if row.account_id is not None and row.revenue_amount is not None:
            self.revenues[row.account_id] = row.revenue_amount


def measures_of(session: Session, tenant: UUID, ids: Collection[str] | None = None) -> dict[str, Measures]:
    """Count the members of complaints.

    Args:
        session: An open session.
        tenant: Whose.
        ids: Which complaints; all when `None`.
    """
    query = (
        select(
            Feedback.complaint_id,
            Feedback.id,
            Feedback.language,
            Feedback.urgency,
            Feedback.account_id,
            Feedback.author,
            Feedback.occurred_at,
            Account.revenue_amount,
        )
        .outerjoin(Account, Account.id == Feedback.account_id)
        .where(Feedback.tenant_id == tenant, Feedback.complaint_id.is_not(None))
    )
    if ids is not None:
        query = query.where(Feedback.complaint_id.in_(ids))
    found: dict[str, Measures] = {}
    for row in session.execute(query.execution_options(yield_per=5_000)):
        found.setdefault(row.complaint_id, Measures()).add(row)
    return found


def write_measures(complaint: Complaint, measured: Measures | None, *, sizes: bool = True) -> None:
    """Write onto a complaint what its members add up to; one without any keeps when it was seen.

    Args:
        complaint: The row.
        measured: Of its members; `None` when it has none.
        sizes: Whether size and dates are written too: the count must be of this transaction then.
    """
    counted = measured or Measures()
    if sizes:
        complaint.size = counted.size
    if sizes and counted.size:
        complaint.first_seen, complaint.last_seen = counted.first_seen, counted.last_seen
    complaint.customers = counted.customers
    complaint.revenue_affected = counted.revenue
    complaint.languages = dict(counted.languages.most_common())
    complaint.severity = counted.severity.level if counted.size else None
    complaint.severity_value = counted.severity.value if counted.size else 0.0
    complaint.measured_at = now()
