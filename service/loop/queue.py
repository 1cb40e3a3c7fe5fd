"""The queue: open cases, highest priority first, ranked inside the database.

The value of a case is ``max(base + weight * share, floor)``, where `weight` is the tenant's for waiting
and `share` how much of its service level has passed. It moves with the clock, so no index can hold it.
But it lies between `resting` (``max(base, floor)``, indexed) and ``resting + weight``. So a page needs two
looks along the index: some first cases by `resting` give a value v that the page's last case must reach,
and only cases with ``resting >= v - weight`` can reach it. The rest of the queue is not read.

That is the bound of Fagin's threshold algorithm for one moving attribute (Fagin, Lotem, Naor, 2003,
"Optimal aggregation algorithms for middleware", section 4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy import case as sql_case
from sqlalchemy.orm import Session, joinedload

from service.store.feedback import own_conditions, shared_conditions
from service.store.records import Case, Feedback
from service.store.vectors import VectorFilter
from service.triage.priority import Weights

LOOKED_AT: Final = 10
"""Pages' worth of cases in the first look. One page's worth would do, but its worst value is low: one
case that came a moment ago makes the second look wide."""

ROUNDING: Final = 1e-9
"""More than a sum of these numbers can be off: ``(0.1 + 15) - 15`` is not 0.1."""

Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page ended."""

    value: float
    case_id: UUID
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """Which open cases to look among."""

    feedback: VectorFilter
    assignee: str | None = None
    team: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A case at its place."""

    case: Case
    value: float
    rank: int


def value_at(as_of: datetime, waiting_weight: float) -> ColumnElement[float]:
    """Write a case's priority as of a moment in SQL; equals `service.triage.priority.priority_at`."""
    passed = (as_of.timestamp() - Case.waiting_since) / Case.service_level_seconds
    share = sql_case((passed >= 1.0, 1.0), (passed <= 0.0, 0.0), else_=passed)
    total = Case.base + waiting_weight * share
    return sql_case((total > Case.floor, total), else_=Case.floor)


def queue_page(
    session: Session,
    where: QueueFilter,
    *,
    weights: Weights,
    as_of: datetime,
    after: Place | None,
    limit: int,
) -> list[Ranked]:
    """Return a page of open cases by priority.

    Args:
        session: An open session.
        where: Which cases; its tenant is whose queue this is.
        weights: The tenant's.
        as_of: The moment all pages of one walk are ranked at; later cases are not in it.
        after: Where the page before ended.
        limit: How many at most.
    """
    value = value_at(as_of, weights.waiting)
    wanted = [Case.opened_at <= as_of, *_conditions(where)]
    if after is not None:
        # `resting` never exceeds the value, so its index can start where the last page ended.
        wanted += [Case.resting <= after.value, _follows(value, after)]
    looked = LOOKED_AT * limit
    first = _scope(select(Case.id, value.label("value"), Case.resting), where, wanted)
    first_by_resting = first.order_by(Case.resting.desc()).limit(looked).subquery()
    columns = first_by_resting.c
    ranked = session.execute(select(*columns).order_by(columns.value.desc(), columns.id)).all()
    if len(ranked) == looked:
        reached = ranked[limit - 1].value
        # What equals it counts: among equals the id decides.
        if reached <= min(row.resting for row in ranked) + weights.waiting + ROUNDING:
            query = _scope(select(Case.id, value.label("value"), Case.resting), where, wanted)
            query = query.where(Case.resting >= reached - weights.waiting - ROUNDING)
            ranked = session.execute(query.order_by(value.desc(), Case.id).limit(limit)).all()
    ranked = ranked[:limit]
    cases = _load(session, [row[0] for row in ranked])
    offset = after.rank if after else 0
    return [
        Ranked(case=cases[row[0]], value=row[1], rank=offset + place)
        for place, row in enumerate(ranked, 1)
        if row[0] in cases
    ]


def ranks_of(
    session: Session, case: Case, values: Sequence[float], *, weights: Weights, as_of: datetime
) -> list[int]:
    """Return the places that an open case would have in its tenant's queue with these values.

    One look along the index for all of them, from the least value upwards.
    """
    others = value_at(as_of, weights.waiting)
    above = [
        func.sum(sql_case((or_(others > value, and_(others == value, Case.id < case.id)), 1), else_=0))
        for value in values
    ]
    counted = session.execute(
        select(*above).where(
            Case.tenant_id == case.tenant_id,
            Case.state == "open",
            Case.id != case.id,
            Case.resting >= min(values) - weights.waiting - ROUNDING,
        )
    ).one()
    return [1 + int(count or 0) for count in counted]


def _scope(query: Rows, where: QueueFilter, wanted: list[ColumnElement[bool]]) -> Rows:
    query = query.where(Case.tenant_id == where.feedback.tenant, Case.state == "open", *wanted)
    return query.join(Feedback, Feedback.id == Case.feedback_id) if own_conditions(where.feedback) else query


def _conditions(where: QueueFilter) -> list[ColumnElement[bool]]:
    wanted = shared_conditions(where.feedback, Case, Case.feedback_id) + own_conditions(where.feedback)
    if where.assignee is not None:
        wanted.append(Case.assignee == where.assignee)
    if where.team is not None:
        wanted.append(Case.team == where.team)
    return wanted


def _follows(value: ColumnElement[float], place: Place) -> ColumnElement[bool]:
    return or_(value < place.value, and_(value == place.value, Case.id > place.case_id))


def _load(session: Session, case_ids: list[UUID]) -> dict[UUID, Case]:
    query = (
        select(Case)
        .where(Case.id.in_(case_ids))
        .options(
            joinedload(Case.feedback).options(joinedload(Feedback.account), joinedload(Feedback.complaint))
        )
    )
    return {row.id: row for row in session.scalars(query)}
