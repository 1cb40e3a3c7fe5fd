"""/v1/complaints: what recurs, how it grows, and what became of it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool

from service.api.strict_route import StrictRoute
from service.api.v1 import cursor as cursors
from service.api.v1.complaint_documents import complaint_detail_out, complaints_out, refit_out
from service.api.v1.complaint_path import ONE
from service.api.v1.problem_responses import problems
from service.api.v1.wire.base import PAGE_MAX, LanguageCode, Moment
from service.api.v1.wire.complaints import (
    ComplaintDetailOut,
    ComplaintId,
    ComplaintPageOut,
    ComplaintStatus,
    RefitOut,
    RefitPageOut,
)
from service.api.v1.wire.search import VALUES_MAX
from service.complaints.reading import ComplaintFilter, ComplaintPlace, Sort, list_complaints, sorted_value
from service.complaints.refits import Asked, get_refit, list_refits, request_refit
from service.dependencies import CurrentState, MayRead, MayWrite, ReaderLanguages
from service.errors import UnprocessableError

router = APIRouter(prefix="/v1/complaints", tags=["complaints"], route_class=StrictRoute)


class ComplaintCursor(cursors.Cursor):
    """Where a page ended: the value of what it is sorted by, and the complaint."""

    sort: Literal["size", "growth", "severity", "last_seen"]
    number: float | None
    moment: Moment | None
    after: ComplaintId


class RefitCursor(cursors.Cursor):
    """The last id of a page."""

    before: UUID


@router.get("", operation_id="list_complaints", summary="List recurring complaints", responses=problems())
def list_complaints_(
    state: CurrentState,
    principal: MayRead,
    languages: ReaderLanguages,
    status: Annotated[list[ComplaintStatus] | None, Query(max_length=VALUES_MAX)] = None,
    alert: Annotated[bool | None, Query(description="Only those with, or without, a lasting alert.")] = None,
    language: Annotated[
        list[LanguageCode] | None, Query(max_length=VALUES_MAX, description="With texts in one of these.")
    ] = None,
    sort: Annotated[Sort, Query(description="Most first.")] = "size",
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> ComplaintPageOut:
    """Return complaints; titles in the first of the reader's languages (`Accept-Language`) that has one."""
    after = _place(cursors.decode(ComplaintCursor, cursor), sort)
    where = ComplaintFilter(
        tenant=principal.tenant, status=tuple(status or ()), alert=alert, language=tuple(language or ())
    )
    with state.database.read() as session:
        rows = list_complaints(session, where, sort=sort, after=after, limit=limit + 1)
        items = complaints_out(session, principal.tenant, rows[:limit], languages)
    more = None
    if len(rows) > limit:
        value = sorted_value(rows[limit - 1], sort)
        number, moment = (None, value) if isinstance(value, datetime) else (value, None)
        more = cursors.encode(
            ComplaintCursor(sort=sort, number=number, moment=moment, after=rows[limit - 1].id)
        )
    return ComplaintPageOut(items=items, next_cursor=more)


@router.post(
    "/refit",
    operation_id="refit_complaints",
    summary="Find complaints anew",
    status_code=202,
    responses=problems(),
)
async def refit_complaints(state: CurrentState, principal: MayWrite) -> RefitOut:
    """Ask for a refit. It runs in the background; while one is on its way, that one is answered."""

    def write() -> RefitOut:
        with state.database.write() as session:
            asked = Asked(by=principal.name, reason="demand")
            return refit_out(request_refit(session, principal.tenant, asked)[0])

    refit = await run_in_threadpool(write)
    state.jobs.wake()
    return refit


@router.get("/refits", operation_id="list_refits", summary="List refits, newest first", responses=problems())
def list_refits_(
    state: CurrentState,
    principal: MayRead,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> RefitPageOut:
    """Return what was asked for, and what became of it."""
    after = cursors.decode(RefitCursor, cursor)
    with state.database.read() as session:
        rows = list_refits(session, principal.tenant, before=after.before if after else None, limit=limit + 1)
    more = cursors.encode(RefitCursor(before=rows[limit - 1].id)) if len(rows) > limit else None
    return RefitPageOut(items=[refit_out(row) for row in rows[:limit]], next_cursor=more)


@router.get(
    "/refits/{refit_id}", operation_id="get_refit", summary="How far a refit is", responses=problems(404)
)
def get_refit_(refit_id: UUID, state: CurrentState, principal: MayRead) -> RefitOut:
    """Return one refit."""
    with state.database.read() as session:
        return refit_out(get_refit(session, principal.tenant, refit_id))


@router.get(f"/{ONE}", operation_id="get_complaint", summary="Read a complaint", responses=problems(404))
def get_complaint_(
    complaint_id: ComplaintId,
    state: CurrentState,
    principal: MayRead,
    languages: ReaderLanguages,
    language: Annotated[
        LanguageCode | None, Query(description="The reader's language; before `Accept-Language`.")
    ] = None,
) -> ComplaintDetailOut:
    """Return a complaint with its trend, its history and texts that cover it.

    Ids are for life: one that was merged or dissolved answers too, and says where it went.
    """
    wanted = (language, *languages) if language else languages
    with state.database.read() as session:
        return complaint_detail_out(session, principal.tenant, complaint_id, wanted)


def _place(given: ComplaintCursor | None, sort: Sort) -> ComplaintPlace | None:
    if given is None:
        return None
    value = given.moment if sort == "last_seen" else given.number
    if given.sort != sort or value is None:
        raise UnprocessableError("expected the next_cursor of a page of this list, got something else")
    return ComplaintPlace(value=value, complaint=given.after)
