"""The loops to close."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.store.records.base import Record, new_id, now
from service.store.records.feedback import Feedback


class Case(Record):
    """One loop: what is to be done about one feedback, with the numbers that rank it.

    Waiting is the only part of a priority that moves with the clock. It is therefore left out of
    `base` and added by the query that reads the queue (service/loop/queue.py):
    ``max(base + weight * waited share, floor)``. `resting` is ``max(base, floor)``, the
    least that value can be; the index over it lets a page be found without ranking every case.

    What the queue is filtered by is repeated here from the feedback, inside that index: a filter that
    had to look at the wide rows of `feedback` took 1.2 s at 100,000 cases on SQLite.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index(
            "ix_cases_queue",
            "tenant_id",
            "state",
            "resting",
            "id",
            "base",
            "floor",
            "waiting_since",
            "service_level_seconds",
            "feedback_id",
            "language",
            "sentiment",
            "urgency",
            "kind",
            "channel",
            "account_id",
            "occurred_at",
            "assignee",
            "team",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), unique=True)
    state: Mapped[str] = mapped_column(String(16), default="open")
    assignee: Mapped[str | None] = mapped_column(String(128))
    team: Mapped[str | None] = mapped_column(String(128))
    version: Mapped[int] = mapped_column(default=1)
    opened_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None]

    base: Mapped[float]
    floor: Mapped[float]
    resting: Mapped[float]
    waiting_since: Mapped[float]
    """POSIX seconds: SQLite and PostgreSQL subtract these alike."""
    service_level_seconds: Mapped[float]

    language: Mapped[str] = mapped_column(String(8))
    sentiment: Mapped[str | None] = mapped_column(String(64))
    urgency: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[str | None] = mapped_column(String(16))
    channel: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    occurred_at: Mapped[datetime]

    feedback: Mapped[Feedback] = relationship(lazy="raise")


class CaseEvent(Record):
    """What happened to a case: a move, an assignment, a note."""

    __tablename__ = "case_events"
    __table_args__ = (Index("ix_case_events_case_id", "case_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"))
    state: Mapped[str | None] = mapped_column(String(16))
    assignee: Mapped[str | None] = mapped_column(String(128))
    team: Mapped[str | None] = mapped_column(String(128))
    note: Mapped[str | None] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(128))
    at: Mapped[datetime] = mapped_column(default=now)
