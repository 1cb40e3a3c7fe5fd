"""/v1/queue and /v1/cases: the loops to close."""

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from service.api.strict_route import StrictRoute
from service.api.v1 import cursor as cursors
from service.api.v1.documents import complaint_ref, feedback_out, priority_out, queue_item_out
from service.api.v1.filters import QueryFilter, filter_of
from service.api.v1.problem_responses import BODY, problems
from service.api.v1.wire.base import PAGE_MAX, Moment, Short
from service.api.v1.wire.cases import CaseEventOut, CaseIn, CaseOut, QueueOut
from service.auth import Principal
from service.dependencies import CurrentState, MayRead, MayWrite, ReaderLanguages
from service.loop.cases import Change, case_history, change_case, get_case
from service.loop.queue import Place, QueueFilter, queue_page, ranks_of
from service.state import State
from service.store.records import Tenant, now
from service.triage.rank import due_at, priority_of, weights_of

router = APIRouter(prefix="/v1", tags=["queue"], route_class=StrictRoute)


RANK_MAX: Final = 2**53


class QueueCursor(cursors.Cursor):
    """Where a page ended, and the moment the walk is ranked at."""

    as_of: Moment
    value: float
    case_id: UUID
    rank: int = Field(ge=1, le=RANK_MAX)


@router.get("/queue", operation_id="get_queue", summary="The next loops to close", responses=problems())
def get_queue(
    state: CurrentState,
    principal: MayRead,
    given: QueryFilter,
    languages: ReaderLanguages,
    assignee: Annotated[Short | None, Query()] = None,
    team: Annotated[Short | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> QueueOut:
    """Return open cases, highest priority first, with the reasons of each place."""
    after = cursors.decode(QueueCursor, cursor)
    as_of = after.as_of if after else now()
    where = QueueFilter(feedback=filter_of(principal, given), assignee=assignee, team=team)
    place = Place(value=after.value, case_id=after.case_id, rank=after.rank) if after else None
    with state.database.read() as session:
        weights = weights_of(session.get_one(Tenant, principal.tenant))
        rows = queue_page(session, where, weights=weights, as_of=as_of, after=place, limit=limit + 1)
        more = None
        if len(rows) > limit:
            last = rows[limit - 1]
            more = cursors.encode(
                QueueCursor(as_of=as_of, value=last.value, case_id=last.case.id, rank=last.rank)
            )
        items = [queue_item_out(row, weights, languages, as_of=as_of) for row in rows[:limit]]
    return QueueOut(items=items, as_of=as_of, next_cursor=more)


@router.get("/cases/{case_id}", operation_id="get_case", summary="Read a case", responses=problems(404))
def get_case_(case_id: UUID, state: CurrentState, principal: MayRead, languages: ReaderLanguages) -> CaseOut:
    """Return a case with its history, its rank, and what the rank would be without each term."""
    return _read_case(state, principal, case_id, languages)


@router.patch(
    "/cases/{case_id}",
    operation_id="change_case",
    summary="Change a case",
    responses=problems(*BODY, 404, 409),
)
async def patch_case(
    case_id: UUID, body: CaseIn, state: CurrentState, principal: MayWrite, languages: ReaderLanguages
) -> CaseOut:
    """Move, assign or annotate a case. A stale version or an illegal move answers 409."""
    given = body.model_dump(exclude={"version"}, exclude_unset=True)
    change = Change(
        version=body.version,
        # A null state or note says nothing; a null assignee or team takes it off.
        given=frozenset(
            name for name, value in given.items() if value is not None or name in {"assignee", "team"}
        ),
        state=body.state,
        assignee=body.assignee,
        team=body.team,
        note=body.note,
    )

    def write() -> CaseOut:
        with state.database.write() as session:
            change_case(session, principal.tenant, case_id, change, by=principal.name)
        return _read_case(state, principal, case_id, languages)

    out = await run_in_threadpool(write)
    state.indexer.wake()
    return out


def _read_case(state: State, principal: Principal, case_id: UUID, languages: Sequence[str]) -> CaseOut:
    moment = now()
    with state.database.read() as session:
        case = get_case(session, principal.tenant, case_id)
        weights = weights_of(session.get_one(Tenant, principal.tenant))
        priority = priority_of(case, case.feedback, case.feedback.account, weights, as_of=moment)
        rank, without = None, {}
        if case.state == "open":
            terms = [term for term in priority.terms if term.contribution > 0]
            values = [priority.value, *(priority.without(term) for term in terms)]
            rank, *others = ranks_of(session, case, values, weights=weights, as_of=moment)
            without = dict(zip((term.name for term in terms), others, strict=True))
        return CaseOut(
            case_id=case.id,
            state=case.state,  # type: ignore[arg-type]  # the database holds states of the closed set only
            assignee=case.assignee,
            team=case.team,
            version=case.version,
            opened_at=case.opened_at,
            due_at=due_at(case),
            closed_at=case.closed_at,
            priority=priority_out(priority),
            rank=rank,
            rank_without=without,
            feedback=feedback_out(case.feedback, case, languages),
            complaint=complaint_ref(case.feedback, languages),
            history=[
                CaseEventOut(
                    state=row.state, assignee=row.assignee, team=row.team, note=row.note, by=row.by, at=row.at
                )
                for row in case_history(session, case_id)
            ],
        )
