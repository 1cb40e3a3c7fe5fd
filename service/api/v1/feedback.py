"""/v1/feedback: texts come in, are read, listed and deleted."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from service.api.strict_route import StrictRoute
from service.api.v1 import cursor as cursors
from service.api.v1.bounds import check_request_size
from service.api.v1.documents import complaint_ref, feedback_fields, feedback_out, priority_out, score_out
from service.api.v1.filters import QueryFilter, filter_of
from service.api.v1.problem_responses import AS_PROBLEM, BODY, problems
from service.api.v1.wire.base import PAGE_MAX, known_language
from service.api.v1.wire.feedback import (
    AcceptedOut,
    FeedbackBatchIn,
    FeedbackBatchOut,
    FeedbackDetailOut,
    FeedbackIn,
    FeedbackPageOut,
    IdempotencyKey,
    LabelEventOut,
    Rejected,
    RejectedOut,
    VersionOut,
)
from service.auth import Principal
from service.complaints.forgetting import forget
from service.dependencies import CurrentState, Deadline, MayRead, MayWrite, ReaderLanguages, spend
from service.errors import ServiceError, UnprocessableError
from service.intake.feedback import IncomingFeedback
from service.learning.judgements import history, versions
from service.learning.versions import version_seen
from service.problems import problem_of, summary_of
from service.state import State
from service.store.feedback import one, page, remove
from service.store.records import now
from service.store.tenant_lock import lock_tenant
from service.triage.retry import RetryKey
from service.triage.triage import Triaged

router = APIRouter(prefix="/v1/feedback", tags=["feedback"], route_class=StrictRoute)

CREATED: Final = 201
NOTHING_NEW: Final = 200
NOTHING_ACCEPTED: Final = 422
INDEXED: Final = {
    "X-Indexed": {
        "description": "With `wait=indexed`: whether searches find all of them before the deadline.",
        "schema": {"type": "string", "enum": ["true", "false"]},
    }
}


class FeedbackCursor(cursors.Cursor):
    """The last id of a page."""

    before: UUID


@router.post(
    "",
    operation_id="post_feedback",
    summary="Store texts",
    status_code=CREATED,
    responses=problems(*BODY, 429)
    | {
        CREATED: {"headers": INDEXED},
        NOTHING_NEW: {
            "model": FeedbackBatchOut,
            "description": "Everything was stored already.",
            "headers": INDEXED,
        },
        NOTHING_ACCEPTED: {
            "model": FeedbackBatchOut,
            "content": AS_PROBLEM,
            "description": "No item could be accepted, or the request itself does not fit.",
        },
    },
)
async def post_feedback(
    body: FeedbackBatchIn,
    request: Request,
    response: Response,
    state: CurrentState,
    principal: MayWrite,
    deadline: Deadline,
    languages: ReaderLanguages,
    idempotency_key: Annotated[IdempotencyKey | None, Header(description="Makes a retry safe.")] = None,
    wait: Annotated[
        str | None, Query(pattern="^indexed$", description="`indexed`: searchable at once.")
    ] = None,
) -> FeedbackBatchOut:
    """Score and store texts, join them to the queue. One bad item does not sink the rest."""
    items = [_incoming(item) for item in body.items]
    fitting = [item for item in items if isinstance(item, IncomingFeedback)]
    check_request_size([item.text for item in fitting])
    spend(state, principal, len(fitting))
    retry = None
    if idempotency_key is not None:
        # The body is cached: FastAPI has read it.
        retry = RetryKey(key=idempotency_key, request_sha256=hashlib.sha256(await request.body()).hexdigest())
    triaged = await state.triage.triage(principal.tenant, fitting, deadline=deadline, retry=retry)
    stored = [row for row in triaged if isinstance(row, Triaged)]
    state.indexer.wake()
    if wait and stored:
        ids = [row.accepted.feedback.id for row in stored]
        indexed = await state.indexer.settled(ids, deadline=deadline)
        response.headers["X-Indexed"] = "true" if indexed else "false"
    response.status_code = _status(triaged)
    results = iter(triaged)
    return FeedbackBatchOut(
        items=[
            _rejected(item) if isinstance(item, Rejected) else _answer(next(results), languages)
            for item in items
        ]
    )


@router.get("", operation_id="list_feedback", summary="List texts, newest first", responses=problems())
def list_feedback(
    state: CurrentState,
    principal: MayRead,
    given: QueryFilter,
    languages: ReaderLanguages,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> FeedbackPageOut:
    """Return texts that match all filters."""
    after = cursors.decode(FeedbackCursor, cursor)
    with state.database.read() as session:
        rows = page(
            session, filter_of(principal, given), before=after.before if after else None, limit=limit + 1
        )
        more = cursors.encode(FeedbackCursor(before=rows[limit - 1][0].id)) if len(rows) > limit else None
        return FeedbackPageOut(
            items=[feedback_out(*row, languages) for row in rows[:limit]], next_cursor=more
        )


@router.get("/{feedback_id}", operation_id="get_feedback", summary="Read a text", responses=problems(404))
def get_feedback(
    feedback_id: UUID, state: CurrentState, principal: MayRead, languages: ReaderLanguages
) -> FeedbackDetailOut:
    """Return a text with its earlier versions and people's labels."""
    return read_detail(state, principal, feedback_id, languages)


@router.delete(
    "/{feedback_id}",
    operation_id="delete_feedback",
    summary="Delete a text",
    status_code=204,
    responses=problems(404),
)
async def delete_feedback(feedback_id: UUID, state: CurrentState, principal: MayWrite) -> None:
    """Delete a text with its versions, labels and case; it leaves the index too."""

    def delete() -> None:
        with state.database.write() as session:
            lock_tenant(session, principal.tenant)
            behind = forget(session, principal.tenant, feedback_id, state.maps)
            remove(session, principal.tenant, feedback_id, behind=behind)

    await run_in_threadpool(delete)
    state.indexer.wake()


def read_detail(
    state: State, principal: Principal, feedback_id: UUID, languages: Sequence[str]
) -> FeedbackDetailOut:
    """Read a text with its history.

    Raises:
        NotFoundError: This tenant has no such text.
    """
    with state.database.read() as session:
        feedback, case = one(session, principal.tenant, feedback_id)
        earlier = versions(session, feedback_id)
        replaced = [row.replaced_at for row in earlier]
        return FeedbackDetailOut(
            **feedback_fields(feedback, case, languages),
            versions=[
                VersionOut(version=row.version, text=row.text, replaced_at=row.replaced_at) for row in earlier
            ],
            labels=[
                LabelEventOut(
                    field=row.field,  # type: ignore[arg-type]  # written by judge() from the closed set
                    value=row.value["value"],
                    by=row.by,
                    at=row.at,
                    previous=row.previous["value"],
                    version=version_seen(row, replaced),
                    undo=row.undo,
                    reason=row.reason,
                )
                for row in history(session, feedback_id)
            ],
        )


def _incoming(item: FeedbackIn | Rejected) -> IncomingFeedback | Rejected:
    if isinstance(item, Rejected):
        return item
    # Null there means the same as nothing: now for a new text, the moment that is stored for a known one.
    given = item.model_fields_set - ({"occurred_at"} if item.occurred_at is None else set())
    return IncomingFeedback(
        text=item.text,
        occurred_at=item.occurred_at or now(),
        external_id=item.external_id,
        channel=item.channel,
        solicited=item.solicited,
        author=item.author.model_dump() if item.author else None,
        account_external_id=item.account_external_id,
        declared_urgency=item.declared_urgency,
        rating=item.rating.model_dump() if item.rating else None,
        touchpoint=item.touchpoint,
        product=item.product,
        language=known_language(item.language),
        metadata=item.metadata,
        update=item.update,
        given=frozenset(given),
    )


def _status(triaged: list[Triaged | ServiceError]) -> int:
    stored = [row.accepted for row in triaged if isinstance(row, Triaged)]
    if not stored:
        return NOTHING_ACCEPTED
    return CREATED if any(row.created or row.changed for row in stored) else NOTHING_NEW


def _answer(row: Triaged | ServiceError, languages: Sequence[str]) -> AcceptedOut | RejectedOut:
    if isinstance(row, ServiceError):
        return RejectedOut(error=problem_of(row))
    return AcceptedOut(
        id=row.accepted.feedback.id,
        created=row.accepted.created,
        score=score_out(row.accepted.feedback.prediction),
        priority=priority_out(row.priority),
        complaint=complaint_ref(row.accepted.feedback, languages),
        similar_count=row.similar_count,
        case_id=row.accepted.case.id,
    )


def _rejected(item: Rejected) -> RejectedOut:
    detail, rows = summary_of(item.fields)
    return RejectedOut(error=problem_of(UnprocessableError(detail, errors=rows)))
