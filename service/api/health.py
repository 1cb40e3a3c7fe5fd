"""/livez, /readyz, /metrics: for those who run the service."""

from contextlib import suppress
from typing import Annotated, Final, Literal

from anyio import to_thread
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import Field
from sqlalchemy import func, select

from service.api.v1.wire.base import Out
from service.complaints.figures import read_figures
from service.dependencies import CurrentState
from service.state import State
from service.store import outbox
from service.store.errors import StoreError
from service.store.records import Feedback

NEEDED: Final = ("database", "index", "models", "indexer")
"""The checks without which the service cannot do its work; the others only tell."""

router = APIRouter(tags=["operations"])


class LiveOut(Out):
    """The process answers."""

    status: Literal["ok"]


class CheckOut(Out):
    """One dependency."""

    ok: bool
    detail: str = Field(examples=["answers"])


class ReadyOut(Out):
    """Whether the service can do its work, dependency by dependency."""

    ready: bool
    checks: dict[Annotated[str, Field(examples=["database"])], CheckOut]


@router.get("/livez", operation_id="livez", summary="Is the process alive?")
async def livez() -> LiveOut:
    """Answer as long as the event loop turns."""
    return LiveOut(status="ok")


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="Can the service do its work?",
    responses={503: {"model": ReadyOut, "description": "A dependency does not answer."}},
)
async def readyz(state: CurrentState, response: Response) -> ReadyOut:
    """Ask each dependency. Missing heads and a late index are told, but do not stop the service."""
    checks = {
        "database": await _database(state),
        "index": await _index(state),
        "heads": CheckOut(
            ok=state.heads_missing is None,
            detail=state.heads_missing or f"{state.model.name} {state.model.revision}",
        ),
        "models": _task(state.batcher.is_alive, "what hands texts to the models"),
        "indexer": _task(state.indexer.is_alive, "what brings the index up to date"),
        "jobs": _task(state.jobs.is_alive, "what runs jobs"),
    }
    if checks["database"].ok:
        checks["vectors"] = await to_thread.run_sync(_vectors, state, limiter=state.checking)
    ready = all(checks[name].ok for name in NEEDED)
    response.status_code = 200 if ready else 503
    return ReadyOut(ready=ready, checks=checks)


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(state: CurrentState) -> Response:
    """Return the counters of this process, and what the database says of complaints."""
    with suppress(StoreError):  # without it the counters are all the more wanted
        await to_thread.run_sync(_read_figures, state, limiter=state.checking)
    return Response(generate_latest(state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


async def _database(state: State) -> CheckOut:
    try:
        await to_thread.run_sync(state.database.ping, limiter=state.checking)
    except StoreError as error:
        return CheckOut(ok=False, detail=str(error))
    return CheckOut(ok=True, detail=state.database.url.get_backend_name())


async def _index(state: State) -> CheckOut:
    try:
        await state.index.ping()
    except StoreError as error:
        return CheckOut(ok=False, detail=str(error))
    return CheckOut(ok=True, detail="Qdrant server" if state.settings.qdrant_url else "Qdrant Edge")


def _read_figures(state: State) -> None:
    with state.database.read() as session:
        read_figures(session, state.metrics)


def _task(is_alive: bool, what: str) -> CheckOut:
    return CheckOut(ok=is_alive, detail="runs" if is_alive else f"{what} has ended: restart the service")


def _vectors(state: State) -> CheckOut:
    """Tell of texts whose vectors are of another encoder than the one that runs, or that have no scores."""
    space = state.model.space
    with state.database.read() as session:
        other = session.scalar(select(func.count()).where(Feedback.space != space)) or 0
        unscored = session.scalar(select(func.count()).where(Feedback.model_revision.is_(None))) or 0
        behind = outbox.count(session)
        error = outbox.last_error(session)
    if other:
        return CheckOut(
            ok=False,
            detail=f"{other} texts have vectors of another encoder than {space} and are not found by "
            "searches; `closeloop reindex` computes theirs",
        )
    if unscored and state.heads_missing is None:
        return CheckOut(
            ok=False,
            detail=f"{unscored} texts were stored while there were no heads and have no scores; "
            "`closeloop reindex --re-embed` scores them",
        )
    failed = f"; the last that failed: {error}" if error else ""
    return CheckOut(ok=True, detail=f"{behind} texts wait for the index{failed}" if behind else "up to date")
