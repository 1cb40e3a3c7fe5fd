"""PATCH /v1/feedback/{id}/labels: a person's judgement."""

from uuid import UUID

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from service.api.strict_route import StrictRoute
from service.api.v1.feedback import read_detail
from service.api.v1.problem_responses import BODY, problems
from service.api.v1.wire.feedback import FeedbackDetailOut, LabelsIn
from service.dependencies import CurrentState, MayWrite, ReaderLanguages
from service.errors import UnprocessableError
from service.learning.judgements import judge, undo
from service.triage.labels import FIELDS

router = APIRouter(prefix="/v1/feedback", tags=["feedback"], route_class=StrictRoute)


@router.patch(
    "/{feedback_id}/labels",
    operation_id="label_feedback",
    summary="Correct labels",
    responses=problems(*BODY, 404, 409),
)
async def label_feedback(
    feedback_id: UUID, body: LabelsIn, state: CurrentState, principal: MayWrite, languages: ReaderLanguages
) -> FeedbackDetailOut:
    """Lay a person's labels over the model's, or undo the latest of a field. The case re-ranks at once."""
    values = {name: getattr(body, name) for name in FIELDS if getattr(body, name) is not None}
    if bool(values) == (body.undo is not None):
        raise UnprocessableError("expected labels (sentiment, urgency, topics) or undo, one of the two")

    def write() -> FeedbackDetailOut:
        with state.database.write() as session:
            if body.undo is not None:
                undo(session, principal.tenant, feedback_id, body.undo, by=principal.name, reason=body.reason)
            else:
                judge(session, principal.tenant, feedback_id, values, by=principal.name, reason=body.reason)
        return read_detail(state, principal, feedback_id, languages)

    detail = await run_in_threadpool(write)
    state.indexer.wake()
    return detail
