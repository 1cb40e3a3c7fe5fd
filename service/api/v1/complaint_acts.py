"""What people do with complaints: name, merge, split, move, dissolve, close."""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from service.api.strict_route import StrictRoute
from service.api.v1.complaint_documents import complaint_detail_out
from service.api.v1.complaint_path import ONE
from service.api.v1.feedback import read_detail
from service.api.v1.problem_responses import BODY, problems
from service.api.v1.wire.complaints import (
    ClosedOut,
    CloseIn,
    ComplaintDetailOut,
    ComplaintId,
    ComplaintIn,
    DissolveIn,
    MergeIn,
    MoveIn,
    SplitIn,
)
from service.api.v1.wire.feedback import FeedbackDetailOut
from service.auth import Principal
from service.complaints import acts
from service.complaints.changing import Actor
from service.complaints.closing import Closed, Closing, close_complaint
from service.dependencies import CurrentState, MayWrite, ReaderLanguages
from service.state import State

router = APIRouter(prefix="/v1", tags=["complaints"], route_class=StrictRoute)

CHANGES: Final = problems(*BODY, 404, 409)


@router.patch(
    f"/complaints/{ONE}",
    operation_id="change_complaint",
    summary="Name a complaint",
    responses=CHANGES,
)
async def change_complaint(
    complaint_id: ComplaintId,
    body: ComplaintIn,
    state: CurrentState,
    principal: MayWrite,
    languages: ReaderLanguages,
) -> ComplaintDetailOut:
    """Give a complaint a title, an owner, notes; null takes one off. Refits keep them."""
    given = body.model_dump(exclude={"version"}, exclude_unset=True)
    change = acts.Rename(given=frozenset(given), **given)
    return await _act(
        state,
        principal,
        languages,
        lambda session, actor: acts.rename(session, actor, complaint_id, body.version, change),
    )


@router.post(
    f"/complaints/{ONE}/merge",
    operation_id="merge_complaint",
    summary="Merge a complaint into another",
    responses=CHANGES,
)
async def merge_complaint(
    complaint_id: ComplaintId,
    body: MergeIn,
    state: CurrentState,
    principal: MayWrite,
    languages: ReaderLanguages,
) -> ComplaintDetailOut:
    """Let a complaint go on as part of another, for ever; the answer is the other one."""
    return await _act(
        state,
        principal,
        languages,
        lambda session, actor: acts.merge(session, actor, complaint_id, body.version, body.into),
    )


@router.post(
    f"/complaints/{ONE}/split",
    operation_id="split_complaint",
    summary="Split texts off a complaint",
    status_code=201,
    responses=CHANGES,
)
async def split_complaint(
    complaint_id: ComplaintId,
    body: SplitIn,
    state: CurrentState,
    principal: MayWrite,
    languages: ReaderLanguages,
) -> ComplaintDetailOut:
    """Make a complaint of its own of some texts; the answer is the new one."""
    return await _act(
        state,
        principal,
        languages,
        lambda session, actor: acts.split(
            session, actor, complaint_id, body.version, body.feedback_ids, title=body.title
        ),
    )


@router.post(
    f"/complaints/{ONE}/dissolve",
    operation_id="dissolve_complaint",
    summary="Say that a complaint is none",
    responses=CHANGES,
)
async def dissolve_complaint(
    complaint_id: ComplaintId,
    body: DissolveIn,
    state: CurrentState,
    principal: MayWrite,
    languages: ReaderLanguages,
) -> ComplaintDetailOut:
    """Take a complaint apart: its texts stay open, and their like do not found it anew."""
    return await _act(
        state,
        principal,
        languages,
        lambda session, actor: acts.dissolve(session, actor, complaint_id, body.version),
    )


@router.post(
    f"/complaints/{ONE}/close",
    operation_id="close_complaint",
    summary="Close a complaint",
    responses=CHANGES,
)
async def close_complaint_(
    complaint_id: ComplaintId,
    body: CloseIn,
    state: CurrentState,
    principal: MayWrite,
    languages: ReaderLanguages,
) -> ClosedOut:
    """Close its open cases and queue one notice for each person it affects.

    The notices are kept durably; nothing sends them yet.
    """
    closing = Closing(note=body.note, message=body.message, version=body.version)

    def write() -> ClosedOut:
        with state.database.write() as session:
            done: Closed = close_complaint(session, _actor(principal), complaint_id, closing)
        with state.database.read() as session:
            told = complaint_detail_out(session, principal.tenant, complaint_id, languages)
        return ClosedOut(complaint=told, closed_cases=done.cases, notices=done.notices)

    out = await run_in_threadpool(write)
    state.indexer.wake()
    return out


@router.put(
    "/feedback/{feedback_id}/complaint",
    operation_id="move_feedback",
    summary="Put a text into another complaint",
    responses=CHANGES,
)
async def move_feedback(
    feedback_id: UUID, body: MoveIn, state: CurrentState, principal: MayWrite, languages: ReaderLanguages
) -> FeedbackDetailOut:
    """Put a text where it belongs, or out of all complaints; refits leave it there."""

    def write() -> FeedbackDetailOut:
        with state.database.write() as session:
            acts.move_text(
                session, _actor(principal), feedback_id, to=body.complaint_id, seen_in=body.previous
            )
        return read_detail(state, principal, feedback_id, languages)

    out = await run_in_threadpool(write)
    state.indexer.wake()
    return out


async def _act(
    state: State, principal: Principal, languages: Sequence[str], act: Callable[[Session, Actor], str]
) -> ComplaintDetailOut:
    """Act in one transaction, and tell of the complaint that the act names."""

    def write() -> ComplaintDetailOut:
        with state.database.write() as session:
            named = act(session, _actor(principal))
        with state.database.read() as session:
            return complaint_detail_out(session, principal.tenant, named, languages)

    out = await run_in_threadpool(write)
    state.indexer.wake()
    return out


def _actor(principal: Principal) -> Actor:
    return Actor(tenant=principal.tenant, name=principal.name)
