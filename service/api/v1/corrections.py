"""GET /v1/corrections/export: what people corrected, for training."""

from collections.abc import Sequence
from itertools import chain
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from service.api.strict_route import StrictRoute
from service.api.v1.problem_responses import problems
from service.api.v1.wire.base import Moment
from service.api.v1.wire.corrections import CorrectionOut, PreviousOut
from service.dependencies import CurrentState, MayTrain
from service.learning.corrections import Correction, Span, corrections
from service.store.records import now

JSON_LINES: Final = "application/jsonl"


class JsonLinesResponse(StreamingResponse):
    """One JSON document a line."""

    media_type = JSON_LINES


router = APIRouter(prefix="/v1/corrections", tags=["learning"], route_class=StrictRoute)


@router.get(
    "/export",
    operation_id="export_corrections",
    summary="Export people's corrections",
    response_class=JsonLinesResponse,
    responses=problems()
    | {200: {"model": CorrectionOut, "description": "JSON Lines: one document of this form a line."}},
)
def export_corrections(
    state: CurrentState,
    principal: MayTrain,
    since: Annotated[
        Moment | None,
        Query(description="Only texts whose latest label or undo is not older; all when absent."),
    ] = None,
) -> JsonLinesResponse:
    """Write each text that a person's label holds of as a line, in order of time.

    A label stands with the words that it was given on: a text that was changed between two labels has a
    line for each version that one of them was given on. The export shows one state, that of its beginning.
    What was undone is not in it, so with `since` an undo is not told: a training takes the whole.
    """
    pages = corrections(state.database, Span(tenant=principal.tenant, since=since, until=now()))
    # Read before the answer begins: a database that is away is told as a problem, not as half an answer.
    first = next(pages)
    return JsonLinesResponse(_lines(page) for page in chain([first], pages) if page)


def _lines(page: Sequence[Correction]) -> bytes:
    return b"".join(_out(row).model_dump_json(exclude_unset=True).encode() + b"\n" for row in page)


def _out(row: Correction) -> CorrectionOut:
    return CorrectionOut(
        id=row.feedback_id,
        version=row.version,
        text=row.words.text,
        language=row.words.language,
        **row.values,
        by=row.by,
        at=row.at,
        model_revision=row.words.model_revision,
        previous=PreviousOut(**row.previous),
    )
