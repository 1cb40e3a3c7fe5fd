"""The same request again: its `Idempotency-Key` is kept in the transaction that stores its texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from service import errors
from service.errors import NotFoundError, ServiceError, UnprocessableError
from service.store.feedback import several
from service.store.records import Idempotency, now
from service.triage.accept import Accepted, Outcome

KEPT: Final = timedelta(days=7)
"""Longer than any sensible retry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryKey:
    """What the caller calls this request, and a hash of what it holds."""

    key: str
    request_sha256: str


def recall(session: Session, tenant: UUID, retry: RetryKey) -> list[Outcome] | None:
    """Return what became of this request when it came before; `None` when it did not.

    Raises:
        UnprocessableError: The key was used for another request.
    """
    entry = session.get(Idempotency, (tenant, retry.key))
    if entry is None or entry.created_at < now() - KEPT:
        return None
    if entry.request_sha256 != retry.request_sha256:
        raise UnprocessableError("expected the request this Idempotency-Key was used for, got another one")
    rows: list[dict[str, Any]] = entry.outcomes["items"]
    stored = several(session, tenant, [UUID(row["id"]) for row in rows if "id" in row])
    return [_recalled(row, stored) for row in rows]


def remember(session: Session, tenant: UUID, retry: RetryKey, outcomes: Sequence[Outcome]) -> None:
    """Keep what became of a request, as part of the transaction that did it; forget what is too old.

    A request that stored nothing is not kept: corrected, it may come under the same key.
    """
    if not any(isinstance(outcome, Accepted) for outcome in outcomes):
        return
    session.execute(delete(Idempotency).where(Idempotency.created_at < now() - KEPT))
    session.add(
        Idempotency(
            tenant_id=tenant,
            key=retry.key,
            request_sha256=retry.request_sha256,
            outcomes={"items": [_remembered(outcome) for outcome in outcomes]},
        )
    )


def _remembered(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, ServiceError):
        return {"error": type(outcome).__name__, "detail": outcome.detail, "extra": outcome.extra}
    return {"id": str(outcome.feedback.id), "created": outcome.created}


def _recalled(row: dict[str, Any], stored: dict[UUID, Any]) -> Outcome:
    if "error" in row:
        error: ServiceError = getattr(errors, row["error"])(row["detail"], **row["extra"])
        return error
    found = stored.get(UUID(row["id"]))
    if found is None:
        return NotFoundError(f"feedback {row['id']} was stored by this request and deleted since")
    feedback, case = found
    return Accepted(
        feedback=feedback, case=case, account=feedback.account, created=row["created"], changed=False
    )
