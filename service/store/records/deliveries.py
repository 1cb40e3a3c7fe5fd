"""What must still reach the index, and what has already been answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.store.records.base import Record, now


class OutboxEntry(Record):
    """A feedback whose point in the index may be behind its row.

    One entry a feedback: the index is made to follow what the row says now, so it does not matter
    how often it changed. No foreign keys: an entry outlives the row (and the tenant) whose point it
    removes. `revision` tells a change that came while the entry was being worked on. `bulk` entries
    come many at once, when something changed that many texts share: they wait until no other is due.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_line", "bulk", "available_at", "feedback_id"),)

    feedback_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(default=1)
    attempts: Mapped[int] = mapped_column(default=0)
    bulk: Mapped[bool] = mapped_column(default=False)
    available_at: Mapped[datetime] = mapped_column(default=now)
    last_error: Mapped[str | None] = mapped_column(Text)


class Idempotency(Record):
    """What became of a request that carried an `Idempotency-Key`, kept to answer a retry alike."""

    __tablename__ = "idempotency"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(256), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(String(64))
    outcomes: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
