"""Makes the index follow the database: the one reader of the outbox."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import joinedload, undefer
from starlette.concurrency import run_in_threadpool

from models.predictions import ScoredText, vector_from_stored
from service.errors import RetryableError
from service.metrics import Metrics
from service.store import outbox
from service.store.database import Database
from service.store.errors import IndexUnavailableError
from service.store.outbox import Pending
from service.store.records import Case, Feedback, Tenant
from service.store.vectors import Point, VectorIndex
from service.triage.accept import ModelIdentity
from service.triage.batcher import Batcher
from service.triage.labels import apply_labels, apply_score, current, given_language, topics_of
from service.triage.rank import rank_case, weights_of

BATCH: Final = 128
POLL_SECONDS: Final = 0.5
"""How long a change made by another process (the command line) waits to be seen."""

REEMBED_DEADLINE_SECONDS: Final = 120.0

STOP_SECONDS: Final = 10.0
"""How long the batch in hand may take to end when the service stops; it is in the outbox anyway."""

log = structlog.get_logger()


class Indexer:
    """Brings points up to date with their rows, in the order in which the rows changed.

    A row that exists is written, one that is gone is removed. A row of another vector space is
    embedded anew first. Its case is ranked anew too, which is how a changed account reaches its texts.
    """

    def __init__(
        self,
        *,
        database: Database,
        index: VectorIndex,
        batcher: Batcher,
        model: ModelIdentity,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._index = index
        self._batcher = batcher
        self._model = model
        self._metrics = metrics
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Begin to follow the outbox."""
        self._task = asyncio.create_task(self._run(), name="indexer")

    async def stop(self) -> None:
        """Stop after the batch in hand; the rest waits in the outbox."""
        self._stopping = True
        self.wake()
        if self._task is None:
            return
        _, late = await asyncio.wait({self._task}, timeout=STOP_SECONDS)
        for task in late:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def wake(self) -> None:
        """Say that something was enqueued."""
        self._wake.set()

    async def settled(self, feedback_ids: Sequence[UUID], *, deadline: float) -> bool:
        """Wait until the index has these texts; return whether it did before `deadline` (monotonic)."""
        self.wake()
        while await run_in_threadpool(self._is_pending, feedback_ids):
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(0.02)
        return True

    async def drain_once(self) -> int:
        """Work on one batch of the outbox; return how many entries were due."""
        with ExitStack() as stack:
            # Two indexers on one database could write an older state over a newer one.
            if not await run_in_threadpool(
                stack.enter_context, self._database.exclusive("closeloop.indexer")
            ):
                return 0
            due = await run_in_threadpool(self._take)
            if due:
                await self._bring_up_to_date(due)
            return len(due)

    async def _run(self) -> None:
        while not self._stopping:
            # Before the look at the outbox: what is enqueued during it must not wait for the next poll.
            self._wake.clear()
            try:
                while await self.drain_once() and not self._stopping:
                    pass
            except Exception:
                log.exception("indexer_round_failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)

    async def _bring_up_to_date(self, due: Sequence[Pending]) -> None:
        try:
            await self._reembed([entry.feedback_id for entry in due])
            points = await run_in_threadpool(self._rerank_and_read, [entry.feedback_id for entry in due])
            gone = [entry.feedback_id for entry in due if entry.feedback_id not in points]
            await self._index.upsert(list(points.values()))
            await self._index.delete(gone)
        except (IndexUnavailableError, RetryableError) as error:
            # The index is away, or the models are busy with those who wait for an answer.
            log.warning("indexing_postponed", entries=len(due), reason=str(error))
            await run_in_threadpool(self._postpone, due, str(error))
            return
        except Exception as error:
            if len(due) == 1:
                log.exception("indexing_failed", feedback_id=str(due[0].feedback_id))
                await run_in_threadpool(self._postpone, due, type(error).__name__)
                return
            for entry in due:  # one row must not hold the others of its batch back
                await self._bring_up_to_date([entry])
            return
        await run_in_threadpool(self._settle, due)
        self._metrics.indexed.inc(len(due))

    def _is_pending(self, feedback_ids: Sequence[UUID]) -> bool:
        with self._database.read() as session:
            return outbox.is_pending(session, feedback_ids)

    def _take(self) -> list[Pending]:
        with self._database.read() as session:
            self._metrics.outbox_entries.set(outbox.count(session))
            return outbox.take(session, BATCH)

    def _settle(self, done: Sequence[Pending]) -> None:
        with self._database.write() as session:
            outbox.settle(session, done)

    def _postpone(self, failed: Sequence[Pending], error: str) -> None:
        with self._database.write() as session:
            outbox.postpone(session, failed, error)

    async def _reembed(self, feedback_ids: Sequence[UUID]) -> None:
        """Embed and score rows of another vector space anew."""
        stale = await run_in_threadpool(self._stale_texts, feedback_ids)
        if stale:
            texts = [text for text, _language in stale.values()]
            scored = await self._batcher.score(
                texts,
                [language for _text, language in stale.values()],
                deadline=time.monotonic() + REEMBED_DEADLINE_SECONDS,
            )
            await run_in_threadpool(
                self._write_scores, dict(zip(stale, zip(texts, scored, strict=True), strict=True))
            )

    def _stale_texts(self, feedback_ids: Sequence[UUID]) -> dict[UUID, tuple[str, str | None]]:
        """Return the texts to embed anew, each with its language where its sender gave it."""
        with self._database.read() as session:
            query = select(Feedback.id, Feedback.text, Feedback.prediction).where(
                Feedback.id.in_(feedback_ids), Feedback.space != self._model.space
            )
            return {row[0]: (row[1], given_language(row[2])) for row in session.execute(query)}

    def _write_scores(self, scored: dict[UUID, tuple[str, ScoredText]]) -> None:
        with self._database.write() as session:
            for feedback in session.scalars(select(Feedback).where(Feedback.id.in_(scored))):
                text, score = scored[feedback.id]
                if feedback.text == text:  # else a new version has come, with a score of its own
                    judged = current(feedback)
                    apply_score(feedback, score, space=self._model.space, revision=self._model.revision)
                    apply_labels(session, feedback, judged)

    def _rerank_and_read(self, feedback_ids: Sequence[UUID]) -> dict[UUID, Point]:
        with self._database.write() as session:
            query = (
                select(Feedback, Case, Tenant)
                .join(Case, Case.feedback_id == Feedback.id)
                .join(Tenant, Tenant.id == Feedback.tenant_id)
                .where(Feedback.id.in_(feedback_ids))
                .options(joinedload(Feedback.account), undefer(Feedback.vector))
            )
            points = {}
            for feedback, case, tenant in session.execute(query):
                rank_case(case, feedback, feedback.account, weights_of(tenant))
                points[feedback.id] = point_of(feedback, case)
            return points


def point_of(feedback: Feedback, case: Case) -> Point:
    """Return the point of a text: its vector and the fields that searches filter by."""
    account = feedback.account
    payload: dict[str, Any] = {
        "tenant": str(feedback.tenant_id),
        "language": feedback.language,
        "sentiment": feedback.sentiment,
        "topic": topics_of(feedback),
        "urgency": feedback.urgency,
        "kind": feedback.kind,
        "account": account.external_id if account else None,
        "account_type": account.type if account else None,
        "revenue": account.revenue_amount if account else None,
        "channel": feedback.channel,
        "status": case.state,
        "complaint_id": feedback.complaint_id,
        "occurred_at": feedback.occurred_at.timestamp(),
        "received_at": feedback.received_at.timestamp(),
        "metadata": feedback.details,
    }
    known = {name: value for name, value in payload.items() if value is not None}
    return Point(id=feedback.id, vector=vector_from_stored(feedback.vector), payload=known)
