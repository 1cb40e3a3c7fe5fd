"""POST /v1/reindex: makes the index from the database again."""

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import func, select, update
from starlette.concurrency import run_in_threadpool

from service.api.strict_route import StrictRoute
from service.api.v1.problem_responses import BODY, problems
from service.api.v1.wire.base import In, Out
from service.dependencies import CurrentState, MayAdmin
from service.store import outbox
from service.store.orphans import enqueue_orphans
from service.store.records import Feedback

router = APIRouter(prefix="/v1", tags=["operations"], route_class=StrictRoute)


class ReindexIn(In):
    """How to reindex."""

    re_embed: bool = Field(
        default=False,
        strict=True,
        description="Compute every vector and score anew, not only those of another encoder.",
    )


class ReindexOut(Out):
    """What will be done."""

    queued: int = Field(description="Texts that the index will be brought up to date with.")


class ReindexStatusOut(Out):
    """How far the index is behind on the tenant's texts."""

    pending: int = Field(description="Texts whose point in the index is behind the database.")
    indexed: int = Field(description="Texts whose point is up to date.")


@router.post(
    "/reindex",
    operation_id="reindex",
    summary="Rebuild the index",
    status_code=202,
    responses=problems(*BODY),
)
async def reindex(body: ReindexIn, state: CurrentState, principal: MayAdmin) -> ReindexOut:
    """Queue all texts of the tenant for the index, and points that no text stands behind for removal.

    Durable: it goes on after a restart.
    """

    def write() -> int:
        with state.database.write() as session:
            mine = Feedback.tenant_id == principal.tenant
            if body.re_embed:
                # An unknown space is a space to leave: the indexer embeds such rows anew.
                # Locked in order of their ids, as everybody does: nobody then waits in a circle.
                rows = select(Feedback.id).where(mine).order_by(Feedback.id).with_for_update()
                stale = update(Feedback).where(Feedback.id.in_(rows)).values(space="")
                session.execute(stale.execution_options(synchronize_session=False))
            return outbox.enqueue_where(session, mine)

    queued = await run_in_threadpool(write)
    await enqueue_orphans(state.database, state.index)
    state.indexer.wake()
    return ReindexOut(queued=queued)


@router.get(
    "/reindex", operation_id="get_reindex", summary="How far the index is behind", responses=problems()
)
def get_reindex(state: CurrentState, principal: MayAdmin) -> ReindexStatusOut:
    """Return how many of the tenant's texts still have to reach the index."""
    with state.database.read() as session:
        pending = outbox.count_of(session, principal.tenant)
        stored = session.scalar(select(func.count()).where(Feedback.tenant_id == principal.tenant)) or 0
    return ReindexStatusOut(pending=pending, indexed=max(0, stored - pending))
