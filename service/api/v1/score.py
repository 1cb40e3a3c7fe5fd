"""POST /v1/score: scores texts, stores nothing."""

from fastapi import APIRouter

from service.api.strict_route import StrictRoute
from service.api.v1.bounds import check_request_size
from service.api.v1.documents import score_out
from service.api.v1.problem_responses import BODY, problems
from service.api.v1.wire.base import known_language
from service.api.v1.wire.score import ModelOut, ScoreIn, ScoresOut
from service.dependencies import CurrentState, Deadline, MayScore, spend
from service.errors import NoHeadsError, UnprocessableError
from service.state import State
from service.triage.labels import score_document

router = APIRouter(prefix="/v1", tags=["score"], route_class=StrictRoute)


@router.post("/score", operation_id="score", summary="Score texts", responses=problems(*BODY, 429))
async def score(body: ScoreIn, state: CurrentState, principal: MayScore, deadline: Deadline) -> ScoresOut:
    """Tell language, sentiment, urgency, topics and kind of each text, and what it says beside them.

    Beside them: whether the writer announces leaving, what they declare of urgency, and whether it is no
    feedback at all. Nothing is stored.
    """
    if body.explain:
        raise UnprocessableError("not available yet: explain; leave it out")
    check_request_size([item.text for item in body.items])
    require_heads(state)
    spend(state, principal, len(body.items))
    scored = await state.batcher.score(
        [item.text for item in body.items],
        [known_language(item.language) for item in body.items],
        deadline=deadline,
    )
    results = [score_out(score_document(row.predictions) if row.predictions else None) for row in scored]
    return ScoresOut(model=model_out(state), results=[row for row in results if row is not None])


def require_heads(state: State) -> None:
    """Check that texts can be scored.

    Raises:
        NoHeadsError: No heads fit the encoder; the message names the command that trains them.
    """
    if state.heads_missing is not None:
        raise NoHeadsError(state.heads_missing)


def model_out(state: State) -> ModelOut:
    """Name the model that answers."""
    model = state.model
    return ModelOut(name=model.name, revision=model.revision or "none", encoder=model.encoder)
