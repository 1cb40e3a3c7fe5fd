"""The demo's own tenant: a key for as long as it is needed, and a way to be rid of it all."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import delete, select

from service.auth import create_key, revoke_key
from service.store import outbox
from service.store.database import Database
from service.store.feedback import lock
from service.store.records import Feedback, Tenant

DEMO_TENANT: Final = "demo"
SCOPES: Final = ("read", "write")


@contextmanager
def demo_key(database: Database) -> Iterator[str]:
    """Make a key of the demo's tenant, and revoke it at the end whatever happened."""
    with database.write() as session:
        key = create_key(session, tenant_name=DEMO_TENANT, name="closeloop demo", scopes=SCOPES)
    try:
        yield key
    finally:
        with database.write() as session:
            revoke_key(session, key.split("_")[1])


def remove_demo(database: Database) -> int | None:
    """Delete the demo's tenant with everything in it.

    Its points leave the index through the outbox: the running service, or the next one, removes them.

    Returns:
        How many texts it had, `None` when there was no such tenant.
    """
    with database.write() as session:
        tenant = session.scalar(select(Tenant.id).where(Tenant.name == DEMO_TENANT))
        if tenant is None:
            return None
        # Rows before the outbox, as everywhere: a person may be judging one of these texts.
        lock(session, Feedback.tenant_id == tenant)
        texts = outbox.enqueue_where(session, Feedback.tenant_id == tenant)
        session.execute(delete(Tenant).where(Tenant.id == tenant))
    return texts
