"""Reading stored feedback: one, several, a page. No query exists without a tenant."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload

from service.errors import NotFoundError
from service.store import outbox
from service.store.records import Account, Case, Feedback, FeedbackTopic
from service.store.vectors import VectorFilter


def one(session: Session, tenant: UUID, feedback_id: UUID) -> tuple[Feedback, Case]:
    """Return a text and its case.

    Raises:
        NotFoundError: This tenant has no such text.
    """
    found = several(session, tenant, [feedback_id])
    if not found:
        raise NotFoundError(f"no feedback {feedback_id} in this tenant")
    return found[feedback_id]


def several(
    session: Session, tenant: UUID, feedback_ids: Sequence[UUID]
) -> dict[UUID, tuple[Feedback, Case]]:
    """Return those of these texts that the tenant has, with their cases."""
    query = with_case(tenant).where(Feedback.id.in_(feedback_ids))
    return {row[0].id: (row[0], row[1]) for row in session.execute(query)}


def page(
    session: Session, where: VectorFilter, *, before: UUID | None, limit: int
) -> list[tuple[Feedback, Case]]:
    """Return texts that match, newest first.

    Args:
        session: An open session.
        where: Which texts.
        before: The last id of the page before; ids grow with time, so what comes later does not
            shift the pages of a walk.
        limit: How many at most.
    """
    query = with_case(where.tenant).where(*conditions(where)).order_by(Feedback.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Feedback.id < before)
    return [(row[0], row[1]) for row in session.execute(query)]


def remove(session: Session, tenant: UUID, feedback_id: UUID, *, behind: Sequence[UUID] = ()) -> None:
    """Delete a text with everything that hangs on it; its point follows through the outbox.

    Args:
        session: A writing transaction.
        tenant: Whose text it is.
        feedback_id: The text.
        behind: Others whose cases its going moves.

    Raises:
        NotFoundError: This tenant has no such text.
    """
    # Before the outbox: see `lock`. It takes the rows that hang on the text along, its case among them.
    gone = delete(Feedback).where(Feedback.tenant_id == tenant, Feedback.id == feedback_id)
    if session.scalar(gone.returning(Feedback.id)) is None:
        raise NotFoundError(f"no feedback {feedback_id} in this tenant")
    outbox.enqueue(session, [feedback_id], behind=behind)


def lock(session: Session, *conditions: ColumnElement[bool]) -> None:
    """Lock texts that are about to be changed; read them after this, to see what the others wrote.

    Everybody takes locks in one order, so that nobody waits in a circle: the tenant
    (`service.store.tenant_lock`), the texts by id, what hangs on them, the outbox. A single
    locking read of texts with their cases would not do: PostgreSQL looks at the locked rows anew
    after it waited, and at the joined ones as they were before. SQLite has one writer anyway.
    """
    query = select(Feedback.id).where(*conditions).order_by(Feedback.id)
    session.execute(query.with_for_update())


def with_case(tenant: UUID) -> Select[*tuple[Any, ...]]:
    """Select a tenant's texts with their cases and accounts."""
    return (
        select(Feedback, Case)
        .join(Case, Case.feedback_id == Feedback.id)
        .where(Feedback.tenant_id == tenant)
        .options(joinedload(Feedback.account), joinedload(Feedback.complaint))
    )


def conditions(where: VectorFilter) -> list[ColumnElement[bool]]:
    """Write a filter as SQL conditions on Feedback and Case.

    `metadata` and `exclude` are matched by the index only.
    """
    return shared_conditions(where, Feedback, Feedback.id) + own_conditions(where)


def shared_conditions(
    where: VectorFilter, holder: type[Feedback | Case], feedback_id: InstrumentedAttribute[UUID]
) -> list[ColumnElement[bool]]:
    """Write the part of a filter that either table can answer, as a case repeats what it is filtered by.

    Args:
        where: Which texts.
        holder: The table to look at.
        feedback_id: Its column that says which text a row is about.
    """
    chosen: list[ColumnElement[bool]] = [
        column.in_(values)
        for column, values in (
            (holder.language, where.language),
            (holder.sentiment, where.sentiment),
            (holder.urgency, where.urgency),
            (holder.kind, where.kind),
            (holder.channel, where.channel),
        )
        if values
    ]
    if where.topic:
        chosen.append(
            exists().where(FeedbackTopic.feedback_id == feedback_id, FeedbackTopic.topic.in_(where.topic))
        )
    if where.occurred_from is not None:
        chosen.append(holder.occurred_at >= where.occurred_from)
    if where.occurred_to is not None:
        chosen.append(holder.occurred_at < where.occurred_to)
    accounts = _accounts(where)
    return chosen if accounts is None else [*chosen, holder.account_id.in_(accounts)]


def own_conditions(where: VectorFilter) -> list[ColumnElement[bool]]:
    """Write the part of a filter that needs both tables."""
    chosen: list[ColumnElement[bool]] = []
    if where.status:
        chosen.append(Case.state.in_(where.status))
    if where.complaint_id is not None:
        chosen.append(Feedback.complaint_id == where.complaint_id)
    return chosen


def _accounts(where: VectorFilter) -> Select[UUID] | None:
    wanted: list[ColumnElement[bool]] = []
    if where.account:
        wanted.append(Account.external_id.in_(where.account))
    if where.account_type:
        wanted.append(Account.type.in_(where.account_type))
    if where.revenue_min is not None:
        wanted.append(Account.revenue_amount >= where.revenue_min)
    return select(Account.id).where(Account.tenant_id == where.tenant, *wanted) if wanted else None
