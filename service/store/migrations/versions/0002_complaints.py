"""Recurring complaints, what people decide about them, their refits, alerts and notices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "complaint_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("sources", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("targets", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_complaint_events_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint_events")),
    )
    with op.batch_alter_table("complaint_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_complaint_events_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "complaint_maps",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("decisions", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=128), nullable=True),
        sa.Column("stored", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("watched_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_complaint_maps_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_complaint_maps")),
    )
    op.create_table(
        "complaint_refits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("requested_by", sa.String(length=128), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("texts", sa.Integer(), nullable=True),
        sa.Column("complaints", sa.Integer(), nullable=True),
        sa.Column("open_texts", sa.Integer(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_complaint_refits_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint_refits")),
    )
    with op.batch_alter_table("complaint_refits", schema=None) as batch_op:
        batch_op.create_index("ix_complaint_refits_tenant_id", ["tenant_id", "id"], unique=False)
        batch_op.create_index(
            "uq_complaint_refits_active",
            ["tenant_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('queued', 'running')"),
            postgresql_where=sa.text("state IN ('queued', 'running')"),
        )

    op.create_table(
        "complaints",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=256), nullable=True),
        sa.Column("owner", sa.String(length=128), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dissolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merged_into", sa.String(length=64), nullable=True),
        sa.Column("merged_by", sa.String(length=128), nullable=True),
        sa.Column("titles", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column(
            "title_languages", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("title_sources", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("keywords", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column(
            "representatives", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("revenue_affected", sa.Double(), nullable=False),
        sa.Column("languages", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("growth", sa.Double(), nullable=True),
        sa.Column("rising", sa.Boolean(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=True),
        sa.Column("severity_value", sa.Double(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_complaints_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_complaints")),
    )
    with op.batch_alter_table("complaints", schema=None) as batch_op:
        batch_op.create_index("ix_complaints_last_seen", ["tenant_id", "last_seen", "id"], unique=False)
        batch_op.create_index("ix_complaints_size", ["tenant_id", "size", "id"], unique=False)

    op.create_table(
        "complaints_apart",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("one", sa.String(length=64), nullable=False),
        sa.Column("other", sa.String(length=64), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_complaints_apart_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "one", "other", name=op.f("pk_complaints_apart")),
    )
    op.create_table(
        "complaint_alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("complaint_id", sa.String(length=64), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("seen", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Double(), nullable=False),
        sa.Column("p_value", sa.Double(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "complaint_id"],
            ["complaints.tenant_id", "complaints.id"],
            name=op.f("fk_complaint_alerts_tenant_id_complaint_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_complaint_alerts_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint_alerts")),
    )
    with op.batch_alter_table("complaint_alerts", schema=None) as batch_op:
        batch_op.create_index(
            "ix_complaint_alerts_complaint", ["tenant_id", "complaint_id", "id"], unique=False
        )

    op.create_table(
        "complaint_event_parts",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("complaint_id", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["complaint_events.id"],
            name=op.f("fk_complaint_event_parts_event_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_complaint_event_parts_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", "complaint_id", name=op.f("pk_complaint_event_parts")),
    )
    with op.batch_alter_table("complaint_event_parts", schema=None) as batch_op:
        batch_op.create_index(
            "ix_complaint_event_parts_complaint", ["tenant_id", "complaint_id", "event_id"], unique=False
        )

    op.create_table(
        "complaint_notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("complaint_id", sa.String(length=64), nullable=False),
        sa.Column("closing_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("feedback_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("message", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["closing_id"],
            ["complaint_events.id"],
            name=op.f("fk_complaint_notices_closing_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["feedback_id"],
            ["feedback.id"],
            name=op.f("fk_complaint_notices_feedback_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "complaint_id"],
            ["complaints.tenant_id", "complaints.id"],
            name=op.f("fk_complaint_notices_tenant_id_complaint_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_complaint_notices_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint_notices")),
        sa.UniqueConstraint("closing_id", "person", name=op.f("uq_complaint_notices_closing_id_person")),
    )
    with op.batch_alter_table("complaint_notices", schema=None) as batch_op:
        batch_op.create_index(
            "ix_complaint_notices_complaint", ["tenant_id", "complaint_id", "person"], unique=False
        )
        batch_op.create_index("ix_complaint_notices_feedback_id", ["feedback_id"], unique=False)
        batch_op.create_index("ix_complaint_notices_state", ["state", "id"], unique=False)

    op.create_table(
        "complaint_pins",
        sa.Column("feedback_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("complaint_id", sa.String(length=64), nullable=True),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["feedback_id"], ["feedback.id"], name=op.f("fk_complaint_pins_feedback_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_complaint_pins_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("feedback_id", name=op.f("pk_complaint_pins")),
    )
    with op.batch_alter_table("complaint_pins", schema=None) as batch_op:
        batch_op.create_index("ix_complaint_pins_tenant_id", ["tenant_id"], unique=False)

    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.add_column(sa.Column("dissolved_complaint_id", sa.String(length=64), nullable=True))
        batch_op.create_index("ix_feedback_complaint", ["tenant_id", "complaint_id", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.drop_index("ix_feedback_complaint")
        batch_op.drop_column("dissolved_complaint_id")

    with op.batch_alter_table("complaint_pins", schema=None) as batch_op:
        batch_op.drop_index("ix_complaint_pins_tenant_id")

    op.drop_table("complaint_pins")
    with op.batch_alter_table("complaint_notices", schema=None) as batch_op:
        batch_op.drop_index("ix_complaint_notices_state")
        batch_op.drop_index("ix_complaint_notices_feedback_id")
        batch_op.drop_index("ix_complaint_notices_complaint")

    op.drop_table("complaint_notices")
    with op.batch_alter_table("complaint_event_parts", schema=None) as batch_op:
        batch_op.drop_index("ix_complaint_event_parts_complaint")

    op.drop_table("complaint_event_parts")
    with op.batch_alter_table("complaint_alerts", schema=None) as batch_op:
        batch_op.drop_index("ix_complaint_alerts_complaint")

    op.drop_table("complaint_alerts")
    op.drop_table("complaints_apart")
    with op.batch_alter_table("complaints", schema=None) as batch_op:
        batch_op.drop_index("ix_complaints_size")
        batch_op.drop_index("ix_complaints_last_seen")

    op.drop_table("complaints")
    with op.batch_alter_table("complaint_refits", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_complaint_refits_active",
            sqlite_where=sa.text("state IN ('queued', 'running')"),
            postgresql_where=sa.text("state IN ('queued', 'running')"),
        )
        batch_op.drop_index("ix_complaint_refits_tenant_id")

    op.drop_table("complaint_refits")
    op.drop_table("complaint_maps")
    with op.batch_alter_table("complaint_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_complaint_events_tenant_id"))

    op.drop_table("complaint_events")
