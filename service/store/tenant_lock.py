"""One writer a tenant where two could store the same thing."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session


def lock_tenant(session: Session, tenant: UUID) -> None:
    """Let racing requests of one tenant store one after the other, so that nothing is stored twice.

    The lock ends with the transaction. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:tenant, 0))"), {"tenant": str(tenant)}
        )
