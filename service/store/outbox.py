"""What must still reach the index: written in the transaction that changes a row, read by the indexer.

Whoever locks rows of several texts does so in order of their ids, feedback before entries, so that no
two transactions wait for each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, and_, case, delete, exists, func, literal, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.store.records import Feedback, OutboxEntry, now

ROWS_AT_ONCE: Final = 2_000
"""Entries in one statement: five values each, and SQLite takes 32,766."""

BACKOFF_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
"""How long an entry waits that failed once, twice, ...; the last holds from then on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A feedback to bring up to date, as of one revision of its entry."""

    feedback_id: UUID
    revision: int


def enqueue(session: Session, feedback_ids: Iterable[UUID], *, behind: Iterable[UUID] = ()) -> None:
    """Ask for these texts' points to follow their rows, as part of this transaction.

    They are served before all that `enqueue_where` asked for.

    Args:
        session: A writing transaction.
        feedback_ids: Texts that changed themselves.
        behind: Texts that something else moved, such as their complaint's size: they wait with the bulk.
            In one call with the others, so that all entries are locked in one order.
    """
    wanted = dict.fromkeys(behind, True) | dict.fromkeys(feedback_ids, False)
    moment = now()
    rows = [
        {"feedback_id": feedback_id, "revision": 1, "attempts": 0, "bulk": bulk, "available_at": moment}
        for feedback_id, bulk in sorted(wanted.items())
    ]
    for start in range(0, len(rows), ROWS_AT_ONCE):
        _upsert(session, rows[start : start + ROWS_AT_ONCE])


def enqueue_where(session: Session, *conditions: Any) -> int:
    """Ask for the points of all texts that match to follow their rows; return how many there are.

    One statement whatever their number, so that an account with many texts changes at once. They wait
    until nothing of `enqueue` is due: a text that just came is not found later because of them.
    """
    chosen: Select[*tuple[Any, ...]] = (
        select(
            Feedback.id,
            literal(1).label("revision"),
            literal(0).label("attempts"),
            literal(True).label("bulk"),
            literal(now(), OutboxEntry.available_at.type).label("available_at"),
        )
        .where(*conditions)
        .order_by(Feedback.id)
    )
    count = session.scalar(select(func.count()).select_from(chosen.order_by(None).subquery())) or 0
    _upsert(session, chosen)
    return count


def take(session: Session, limit: int) -> list[Pending]:
    """Return the entries that are due: those of one text each before the bulk, each oldest first."""
    rows = session.execute(
        select(OutboxEntry.feedback_id, OutboxEntry.revision)
        .where(OutboxEntry.available_at <= now())
        .order_by(OutboxEntry.bulk, OutboxEntry.available_at, OutboxEntry.feedback_id)
        .limit(limit)
    )
    return [Pending(feedback_id=row[0], revision=row[1]) for row in rows]


def settle(session: Session, done: Sequence[Pending]) -> None:
    """Remove entries, but those that changed while they were worked on."""
    if done:
        session.execute(delete(OutboxEntry).where(OutboxEntry.feedback_id.in_(_unchanged(done))))


def postpone(session: Session, failed: Sequence[Pending], error: str) -> None:
    """Try entries again later: after 1 s, then twice as long each time, up to a minute."""
    if not failed:
        return
    moment, kind = now(), OutboxEntry.available_at.type
    waits = {
        attempts: literal(moment + timedelta(seconds=seconds), kind)
        for attempts, seconds in enumerate(BACKOFF_SECONDS[:-1])
    }
    last = literal(moment + timedelta(seconds=BACKOFF_SECONDS[-1]), kind)
    session.execute(
        update(OutboxEntry)
        .where(OutboxEntry.feedback_id.in_(_unchanged(failed)))
        .values(
            attempts=OutboxEntry.attempts + 1,
            available_at=case(waits, value=OutboxEntry.attempts, else_=last),
            last_error=error[:500],
        )
        .execution_options(synchronize_session=False)
    )


def last_error(session: Session) -> str | None:
    """Return why an entry is late, of those that failed the one tried most lately; `None` when none did."""
    return session.scalar(
        select(OutboxEntry.last_error)
        .where(OutboxEntry.last_error.is_not(None))
        .order_by(OutboxEntry.available_at.desc())
        .limit(1)
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


def _unchanged(entries: Sequence[Pending]) -> Select[UUID]:
    """Select those that are still as they were taken, locked in the order in which all lock them."""
    return (
        select(OutboxEntry.feedback_id)
        .where(
            tuple_(OutboxEntry.feedback_id, OutboxEntry.revision).in_(
                [(entry.feedback_id, entry.revision) for entry in entries]
            )
        )
        .order_by(OutboxEntry.feedback_id)
        .with_for_update()
    )


def _upsert(session: Session, source: "list[dict[str, Any]] | Select[*tuple[Any, ...]]") -> None:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    columns = ["feedback_id", "revision", "attempts", "bulk", "available_at"]
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
                "last_error": None,
                # What waits for a text of its own stays in front when the bulk comes to it too.
                "bulk": and_(OutboxEntry.bulk, statement.excluded.bulk),
                # An entry that is due already keeps its place in the line.
                "available_at": case(
                    (OutboxEntry.available_at < statement.excluded.available_at, OutboxEntry.available_at),
                    else_=statement.excluded.available_at,
                ),
            },
        )
    )
