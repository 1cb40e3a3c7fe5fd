"""Points without a row: what a restored or replaced database leaves behind in the index."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from service.store import outbox
from service.store.database import Database
from service.store.records import Feedback
from service.store.vectors import VectorIndex


async def enqueue_orphans(database: Database, index: VectorIndex) -> int:
    """Let the outbox remove every point whose text the database does not have; return how many.

    Raises:
        IndexUnavailableError: The index does not answer.
    """
    found = 0
    after = None
    while page := await index.scroll_ids(after=after):
        found += await run_in_threadpool(_enqueue_missing, database, page)
        after = page[-1]
    return found


def _enqueue_missing(database: Database, ids: Sequence[UUID]) -> int:
    with database.read() as session:
        stored = set(session.scalars(select(Feedback.id).where(Feedback.id.in_(ids))))
    missing = [point for point in ids if point not in stored]
    if missing:
        with database.write() as session:
            outbox.enqueue(session, missing)
    return len(missing)
