"""Recurring complaints: what they are called, where they went, what people decided."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as text_condition
from sqlalchemy.orm import Mapped, mapped_column

from service.store.records.base import Record, new_id, now


class Complaint(Record):
    """One recurring complaint; its id is for life, whatever becomes of it.

    `size`, `first_seen` and `last_seen` follow every text in its own transaction. The other numbers are as
    of `measured_at`: they need all members, and are counted after a refit, after people's acts, and hourly.
    """

    __tablename__ = "complaints"
    __table_args__ = (
        Index("ix_complaints_size", "tenant_id", "size", "id"),
        Index("ix_complaints_last_seen", "tenant_id", "last_seen", "id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str | None] = mapped_column(String(256))
    """What people call it; null where nobody has named it."""
    owner: Mapped[str | None] = mapped_column(String(128))
    notes: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16), default="open")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None]
    dissolved_at: Mapped[datetime | None]
    merged_into: Mapped[str | None] = mapped_column(String(64))
    merged_by: Mapped[str | None] = mapped_column(String(128))
    """Who merged it; null where a refit did, which binds no later one."""

    titles: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """A member's own words by language, most texts first; `title_languages` keeps that order."""
    title_languages: Mapped[list[str]] = mapped_column(default=list)
    title_sources: Mapped[dict[str, Any]] = mapped_column(default=dict)
    keywords: Mapped[dict[str, Any]] = mapped_column(default=dict)
    representatives: Mapped[list[str]] = mapped_column(default=list)

    size: Mapped[int] = mapped_column(default=0)
    first_seen: Mapped[datetime | None]
    last_seen: Mapped[datetime | None]
    customers: Mapped[int] = mapped_column(default=0)
    revenue_affected: Mapped[float] = mapped_column(default=0.0)
    languages: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """How many texts are in each language."""
    growth: Mapped[float | None]
    rising: Mapped[bool] = mapped_column(Boolean, default=False)
    """Whether an alert lasts: only then growth raises priorities."""
    severity: Mapped[str | None] = mapped_column(String(16))
    severity_value: Mapped[float] = mapped_column(default=0.0)
    measured_at: Mapped[datetime | None]


class ComplaintMapRecord(Record):
    """Where new texts of a tenant belong, and how far people's decisions and the watch have come.

    `revision` counts maps, `decisions` what people decided: whoever keeps a map in memory compares both.
    """

    __tablename__ = "complaint_maps"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(default=0)
    decisions: Mapped[int] = mapped_column(default=0)
    space: Mapped[str | None] = mapped_column(String(128))
    stored: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    made_at: Mapped[datetime | None]
    watched_on: Mapped[date | None] = mapped_column(Date)
    """Last day whose bursts were tested."""


class ComplaintPin(Record):
    """Where a person put a text; a null complaint keeps it out of all. Refits leave it there."""

    __tablename__ = "complaint_pins"
    __table_args__ = (Index("ix_complaint_pins_tenant_id", "tenant_id"),)

    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    complaint_id: Mapped[str | None] = mapped_column(String(64))
    by: Mapped[str] = mapped_column(String(128))
    at: Mapped[datetime] = mapped_column(default=now)


class ComplaintApart(Record):
    """Two complaints that a person split: never one again by the method."""

    __tablename__ = "complaints_apart"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    one: Mapped[str] = mapped_column(String(64), primary_key=True)
    other: Mapped[str] = mapped_column(String(64), primary_key=True)
    by: Mapped[str] = mapped_column(String(128))
    at: Mapped[datetime] = mapped_column(default=now)


class ComplaintEvent(Record):
    """One thing that happened to complaints: lineage of refits, and people's acts (`by` is theirs)."""

    __tablename__ = "complaint_events"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    event: Mapped[str] = mapped_column(String(16))
    sources: Mapped[list[str]]
    targets: Mapped[list[str]]
    texts: Mapped[int] = mapped_column(default=0)
    """How many texts it moved or brought."""
    by: Mapped[str | None] = mapped_column(String(128))
    note: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=now)


class ComplaintEventPart(Record):
    """Which complaints an event is about: what the lineage of one is found by."""

    __tablename__ = "complaint_event_parts"
    __table_args__ = (Index("ix_complaint_event_parts_complaint", "tenant_id", "complaint_id", "event_id"),)

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("complaint_events.id", ondelete="CASCADE"), primary_key=True
    )
    complaint_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))


class ComplaintAlert(Record):
    """One episode in which a complaint came more often than its past lets expect."""

    __tablename__ = "complaint_alerts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "complaint_id"], ["complaints.tenant_id", "complaints.id"], ondelete="CASCADE"
        ),
        Index("ix_complaint_alerts_complaint", "tenant_id", "complaint_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    complaint_id: Mapped[str] = mapped_column(String(64))
    since: Mapped[date] = mapped_column(Date)
    seen: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    times: Mapped[int]
    observed: Mapped[int]
    expected: Mapped[float]
    p_value: Mapped[float]
    severity: Mapped[str] = mapped_column(String(16))
    raised_at: Mapped[datetime] = mapped_column(default=now)


class ComplaintRefit(Record):
    """One refit that was asked for; its id is the workflow's in the library that carries jobs."""

    __tablename__ = "complaint_refits"
    __table_args__ = (
        # One of a tenant at a time, whoever asks.
        Index(
            "uq_complaint_refits_active",
            "tenant_id",
            unique=True,
            sqlite_where=text_condition("state IN ('queued', 'running')"),
            postgresql_where=text_condition("state IN ('queued', 'running')"),
        ),
        Index("ix_complaint_refits_tenant_id", "tenant_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(16), default="queued")
    reason: Mapped[str] = mapped_column(String(16))
    requested_by: Mapped[str] = mapped_column(String(128))
    requested_at: Mapped[datetime] = mapped_column(default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    texts: Mapped[int | None]
    complaints: Mapped[int | None]
    open_texts: Mapped[int | None]
    seconds: Mapped[float | None]
    error: Mapped[str | None] = mapped_column(Text)


class ComplaintNotice(Record):
    """What one affected person is to be told; a later part of the service sends it.

    Where to is read from the text when it is sent, so that no address is kept twice; erasing the text
    takes the notice along.
    """

    __tablename__ = "complaint_notices"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "complaint_id"], ["complaints.tenant_id", "complaints.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("closing_id", "person"),
        Index("ix_complaint_notices_complaint", "tenant_id", "complaint_id", "person"),
        Index("ix_complaint_notices_state", "state", "id"),
        Index("ix_complaint_notices_feedback_id", "feedback_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    complaint_id: Mapped[str] = mapped_column(String(64))
    closing_id: Mapped[UUID] = mapped_column(ForeignKey("complaint_events.id", ondelete="CASCADE"))
    person: Mapped[str] = mapped_column(String(64))
    """A hash of who it is: tells people apart without naming them."""
    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(String(8))
    message: Mapped[dict[str, Any] | None]
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    created_at: Mapped[datetime] = mapped_column(default=now)
