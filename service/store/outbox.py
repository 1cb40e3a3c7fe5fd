"""What must still reach the index: written in the transaction that changes a row, read by the indexer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, case, delete, exists, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.store.records import Feedback, OutboxEntry, now

BACKOFF_SECONDS_MAX: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A feedback to bring up to date, as of one revision of its entry."""

    feedback_id: UUID
    revision: int
    attempts: int


def enqueue(session: Session, feedback_ids: Sequence[UUID]) -> None:
    """Ask for these texts' points to follow their rows, as part of this transaction."""
    if feedback_ids:
        moment = now()
        rows = [
            {
                "feedback_id": feedback_id,
                "revision": 1,
                "attempts": 0,
                "available_at": moment,
                "enqueued_at": moment,
            }
            for feedback_id in dict.fromkeys(feedback_ids)
        ]
        _upsert(session, rows)


def enqueue_where(session: Session, *conditions: Any) -> int:
    """Ask for the points of all texts that match to follow their rows; return how many there are.

    One statement whatever their number, so that an account with many texts changes at once.
    """
    chosen: Select[*tuple[Any, ...]] = select(
        Feedback.id,
        literal(1).label("revision"),
        literal(0).label("attempts"),
        literal(now(), OutboxEntry.available_at.type).label("available_at"),
        literal(now(), OutboxEntry.enqueued_at.type).label("enqueued_at"),
    ).where(*conditions)
    count = session.scalar(select(func.count()).select_from(chosen.subquery())) or 0
    _upsert(session, chosen)
    return count


def take(session: Session, limit: int) -> list[Pending]:
    """Return the entries that are due, oldest first."""
    rows = session.execute(
        select(OutboxEntry.feedback_id, OutboxEntry.revision, OutboxEntry.attempts)
        .where(OutboxEntry.available_at <= now())
        .order_by(OutboxEntry.available_at, OutboxEntry.feedback_id)
        .limit(limit)
    )
    return [Pending(feedback_id=row[0], revision=row[1], attempts=row[2]) for row in rows]


def settle(session: Session, done: Sequence[Pending]) -> None:
    """Remove entries, but those that changed while they were worked on."""
    for entry in done:
        session.execute(
            delete(OutboxEntry).where(
                OutboxEntry.feedback_id == entry.feedback_id, OutboxEntry.revision == entry.revision
            )
        )


def postpone(session: Session, failed: Sequence[Pending], error: str) -> None:
    """Try entries again later: after 1 s, then twice as long each time, up to a minute."""
    for entry in failed:
        seconds = min(BACKOFF_SECONDS_MAX, 2.0 ** min(entry.attempts, 10))
        session.execute(
            update(OutboxEntry)
            .where(OutboxEntry.feedback_id == entry.feedback_id, OutboxEntry.revision == entry.revision)
            .values(
                attempts=entry.attempts + 1,
                available_at=now() + timedelta(seconds=seconds),
                last_error=error[:500],
            )
        )


def count(session: Session) -> int:
    """Return how many texts the index is behind by."""
    return session.scalar(select(func.count()).select_from(OutboxEntry)) or 0


def count_of(session: Session, tenant: UUID) -> int:
    """Return how many of a tenant's texts the index is behind by; deleted ones belong to nobody any more."""
    query = (
        select(func.count())
        .select_from(OutboxEntry)
        .join(Feedback, Feedback.id == OutboxEntry.feedback_id)
        .where(Feedback.tenant_id == tenant)
    )
    return session.scalar(query) or 0


def is_pending(session: Session, feedback_ids: Sequence[UUID]) -> bool:
    """Tell whether the index is behind on any of these."""
    return bool(session.scalar(select(exists().where(OutboxEntry.feedback_id.in_(feedback_ids)))))


def _upsert(session: Session, source: "list[dict[str, Any]] | Select[*tuple[Any, ...]]") -> None:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    columns = ["feedback_id", "revision", "attempts", "available_at", "enqueued_at"]
    statement = insert(OutboxEntry)
    statement = (
        statement.values(source) if isinstance(source, list) else statement.from_select(columns, source)
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[OutboxEntry.feedback_id],
            set_={
                "revision": OutboxEntry.revision + 1,
                "attempts": 0,
                # An entry that is due already keeps its place in the line.
                "available_at": case(
                    (OutboxEntry.available_at < statement.excluded.available_at, OutboxEntry.available_at),
                    else_=statement.excluded.available_at,
                ),
            },
        )
    )
