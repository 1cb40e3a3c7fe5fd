"""What customers said, what the models said of it, and what people corrected."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, and_
from sqlalchemy import text as text_condition
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from service.store.records.accounts import Account
from service.store.records.base import Record, new_id, now
from service.store.records.complaints import Complaint


class Feedback(Record):
    """One text of one customer, with its embedding.

    `sentiment`, `urgency`, `topic` and `kind` are what holds now: a person's label where there is
    one, else the model's. `prediction` keeps what the model said. They are null while no heads fit
    the encoder. `topics_applied` holds the topics that filters match (the rows of FeedbackTopic).
    """

    __tablename__ = "feedback"
    __table_args__ = (
        UniqueConstraint("tenant_id", "channel", "external_id"),
        Index("ix_feedback_tenant_id_id", "tenant_id", "id"),
        Index("ix_feedback_tenant_id_occurred_at", "tenant_id", "occurred_at"),
        Index("ix_feedback_account_id", "account_id"),
        Index("ix_feedback_complaint", "tenant_id", "complaint_id", "id"),
        Index("ix_feedback_space", "space"),
        # Few or none: /readyz counts them each time it is asked.
        Index(
            "ix_feedback_unscored",
            "id",
            sqlite_where=text_condition("model_revision IS NULL"),
            postgresql_where=text_condition("model_revision IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(64))
    external_id: Mapped[str | None] = mapped_column(String(256))
    text: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    solicited: Mapped[bool | None]
    author: Mapped[dict[str, Any] | None]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    declared_urgency: Mapped[str | None] = mapped_column(String(16))
    rating: Mapped[dict[str, Any] | None]
    touchpoint: Mapped[str | None] = mapped_column(String(128))
    product: Mapped[str | None] = mapped_column(String(128))
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(default=now)
    details: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)

    vector: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    space: Mapped[str] = mapped_column(String(128))
    prediction: Mapped[dict[str, Any] | None]
    model_revision: Mapped[str | None] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(8))
    language_given: Mapped[str | None] = mapped_column(String(8))
    """What the sender said the text's language is; null where it was identified."""
    sentiment: Mapped[str | None] = mapped_column(String(64))
    urgency: Mapped[str | None] = mapped_column(String(64))
    topic: Mapped[str | None] = mapped_column(String(64))
    topics: Mapped[list[str]] = mapped_column(default=list)
    kind: Mapped[str | None] = mapped_column(String(16))
    judged: Mapped[list[str]] = mapped_column(default=list)
    """Which of sentiment, urgency and topics hold by a person's word."""
    complaint_id: Mapped[str | None] = mapped_column(String(64))
    dissolved_complaint_id: Mapped[str | None] = mapped_column(String(64))
    """The complaint it was a member of until people dissolved it: refits still know it there."""

    account: Mapped[Account | None] = relationship(lazy="raise")
    complaint: Mapped[Complaint | None] = relationship(
        primaryjoin=lambda: and_(
            foreign(Feedback.complaint_id) == Complaint.id, Feedback.tenant_id == Complaint.tenant_id
        ),
        lazy="raise",
        viewonly=True,
    )


class FeedbackTopic(Record):
    """A topic that holds for a text; a table of its own so that filters stay in SQL."""

    __tablename__ = "feedback_topics"
    __table_args__ = (Index("ix_feedback_topics_tenant_id_topic", "tenant_id", "topic", "feedback_id"),)

    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), primary_key=True)
    topic: Mapped[str] = mapped_column(String(64), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))


class FeedbackVersion(Record):
    """An earlier text of a feedback that its channel has since changed."""

    __tablename__ = "feedback_versions"

    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(Text)
    prediction: Mapped[dict[str, Any] | None]
    model_revision: Mapped[str | None] = mapped_column(String(64))
    replaced_at: Mapped[datetime] = mapped_column(default=now)


class LabelEvent(Record):
    """One step of a person's judgement of a field: a label set, or the latest one undone.

    Append-only, so that the history is the data that training learns from. `value` and `previous`
    hold `{"value": ...}`; `previous` is what held just before.
    """

    __tablename__ = "label_events"
    __table_args__ = (Index("ix_label_events_feedback_id", "feedback_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"))
    field: Mapped[str] = mapped_column(String(16))
    value: Mapped[dict[str, Any]]
    previous: Mapped[dict[str, Any]]
    undo: Mapped[bool] = mapped_column(default=False)
    by: Mapped[str] = mapped_column(String(128))
    reason: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=now)
