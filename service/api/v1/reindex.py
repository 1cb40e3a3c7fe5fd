"""POST /v1/reindex: makes the index from the database again."""

from fastapi import APIRouter
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from service.api.json_body import StrictJsonRoute
from service.api.v1.problem_responses import problems
from service.api.v1.wire.base import In, Out
from service.dependencies import CurrentState, MayAdmin
from service.store import outbox
from service.store.records import Feedback

router = APIRouter(prefix="/v1", tags=["operations"], route_class=StrictJsonRoute)


class ReindexIn(In):
    """How to reindex."""

    re_embed: bool = Field(
        default=False, description="Compute every vector and score anew, not only those of another encoder."
    )


class ReindexOut(Out):
    """What will be done."""

    queued: int = Field(description="Texts that the index will be brought up to date with.")


class ReindexStatusOut(Out):
    """How far the index is behind."""

    pending: int = Field(description="Texts of all tenants whose point is behind the database.")
    indexed: int = Field(description="Points of all tenants in the index.")


@router.post(
    "/reindex", operation_id="reindex", summary="Rebuild the index", status_code=202, responses=problems()
)
async def reindex(body: ReindexIn, state: CurrentState, principal: MayAdmin) -> ReindexOut:
    """Queue all texts of the tenant for the index. Durable: it goes on after a restart."""

    def write() -> int:
        with state.database.write() as session:
            mine = Feedback.tenant_id == principal.tenant
            if body.re_embed:
                # An unknown space is a space to leave: the indexer embeds such rows anew.
                session.query(Feedback).where(mine).update({Feedback.space: ""})
            return outbox.enqueue_where(session, mine)

    queued = await run_in_threadpool(write)
    state.indexer.wake()
    return ReindexOut(queued=queued)


@router.get(
    "/reindex", operation_id="get_reindex", summary="How far the index is behind", responses=problems()
)
async def get_reindex(state: CurrentState, _principal: MayAdmin) -> ReindexStatusOut:
    """Return what still has to reach the index."""

    def read() -> int:
        with state.database.read() as session:
            return outbox.count(session)

    return ReindexStatusOut(pending=await run_in_threadpool(read), indexed=await state.index.count())
