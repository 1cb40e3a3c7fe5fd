"""POST /v1/search: similar texts, across languages."""

from dataclasses import replace
from typing import Final

from fastapi import APIRouter
from pydantic import Field

from service.api.strict_route import StrictRoute
from service.api.v1 import cursor as cursors
from service.api.v1.documents import feedback_out
from service.api.v1.filters import filter_of
from service.api.v1.problem_responses import BODY, problems
from service.api.v1.wire.base import Moment
from service.api.v1.wire.search import FacetsOut, HitOut, SearchIn, SearchOut
from service.dependencies import CurrentState, Deadline, MayRead, ReaderLanguages
from service.errors import UnprocessableError
from service.store.records import now

router = APIRouter(prefix="/v1", tags=["search"], route_class=StrictRoute)


OFFSET_MAX: Final = 10_000_000


class SearchCursor(cursors.Cursor):
    """How far a walk has come, and when it began: texts that came later are not in it."""

    as_of: Moment
    offset: int = Field(ge=0, le=OFFSET_MAX)


@router.post("/search", operation_id="search", summary="Search texts", responses=problems(*BODY, 404))
async def search(
    body: SearchIn, state: CurrentState, principal: MayRead, deadline: Deadline, languages: ReaderLanguages
) -> SearchOut:
    """Return the texts most similar to a query or to a stored text, best first. Meaning crosses languages."""
    if body.mode != "semantic":
        raise UnprocessableError(f"not available yet: mode {body.mode}; expected semantic")
    after = cursors.decode(SearchCursor, body.cursor) or SearchCursor(as_of=now(), offset=0)
    where = replace(filter_of(principal, body.filter), received_until=after.as_of)
    if body.like_id is not None:
        vector = await state.search.by_feedback(principal.tenant, body.like_id, deadline=deadline)
        where = replace(where, exclude=(body.like_id,))
    else:
        vector = await state.search.by_query(body.query or "", deadline=deadline)
    result = await state.search.search(vector, where, limit=body.limit, offset=after.offset)
    more = None
    if result.has_more and after.offset + body.limit <= OFFSET_MAX:
        more = cursors.encode(SearchCursor(as_of=after.as_of, offset=after.offset + body.limit))
    return SearchOut(
        items=[
            HitOut(feedback=feedback_out(row.feedback, row.case, languages), score=row.score, highlights=[])
            for row in result.found
        ],
        facets=FacetsOut(**result.facets),
        next_cursor=more,
    )
