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

from models.predictions import vector_from_stored
from service.metrics import Metrics
from service.store import outbox
from service.store.database import Database
from service.store.errors import IndexUnavailableError
from service.store.outbox import Pending
from service.store.records import Case, Feedback, Tenant
from service.store.vectors import Point, VectorIndex
from service.triage.accept import ModelIdentity
from service.triage.batcher import Batcher
from service.triage.labels import topics_of
from service.triage.rank import rank_case, weights_of
from service.triage.reembedding import Reembedding

BATCH: Final = 128
POLL_SECONDS: Final = 0.5
"""How long a change made by another process (the command line) waits to be seen."""

STOP_SECONDS: Final = 10.0
"""How long the batch in hand may take to end when the service stops; it is in the outbox anyway."""

log = structlog.get_logger()


class Indexer:
    """Brings points up to date with their rows, in the order in which the rows changed.

    A row that exists is written, one that is gone is removed. Its case is ranked anew too, which is how
    a changed account reaches its texts. A row of another vector space stays in the outbox while it is
    embedded anew; the others do not wait for it.
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
        self._model = model
        self._metrics = metrics
        self._reembedding = Reembedding(
            database=database, batcher=batcher, model=model, on_progress=self.wake
        )
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def is_alive(self) -> bool:
        """Whether somebody follows the outbox."""
        return self._task is not None and not self._task.done()

    async def start(self) -> None:
        """Begin to follow the outbox."""
        self._task = asyncio.create_task(self._run(), name="indexer")

    async def stop(self) -> None:
        """Stop after the batch in hand; the rest waits in the outbox."""
        self._stopping = True
        self.wake()
        await self._reembedding.stop()
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
        """Work on one batch of the outbox; return how many entries were brought up to date or postponed.

        Those that must be embedded anew are handed on; they come back when that is done.
        """
        stack = ExitStack()
        try:
            # Two indexers on one database could write an older state over a newer one.
            if not await run_in_threadpool(
                stack.enter_context, self._database.exclusive("closeloop.indexer")
            ):
                return 0
            due, stale = await run_in_threadpool(self._take)
            if stale and not self._stopping:
                self._reembedding.begin(stale)
            if due:
                await self._bring_up_to_date(due)
            return len(due)
        finally:
            await run_in_threadpool(stack.close)  # gives the lock back, which asks the database

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
            points = await run_in_threadpool(self._rerank_and_read, [entry.feedback_id for entry in due])
            gone = [entry.feedback_id for entry in due if entry.feedback_id not in points]
            await self._index.upsert([point for point in points.values() if point is not None])
            await self._index.delete(gone)
        except IndexUnavailableError as error:
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
        lost = {feedback_id for feedback_id, point in points.items() if point is None}
        done = [entry for entry in due if entry.feedback_id not in lost]
        await run_in_threadpool(self._settle, done)
        self._metrics.indexed.inc(len(done))

    def _is_pending(self, feedback_ids: Sequence[UUID]) -> bool:
        with self._database.read() as session:
            return outbox.is_pending(session, feedback_ids)

    def _take(self) -> tuple[list[Pending], list[Pending]]:
        """Return what is due: what can be written to the index now, and what must be embedded anew first."""
        with self._database.read() as session:
            self._metrics.outbox_entries.set(outbox.count(session))
            due = outbox.take(session, BATCH)
            query = select(Feedback.id).where(
                Feedback.id.in_([entry.feedback_id for entry in due]), Feedback.space != self._model.space
            )
            stale = set(session.scalars(query)) if due else set()
            return (
                [entry for entry in due if entry.feedback_id not in stale],
                [entry for entry in due if entry.feedback_id in stale],
            )

    def _settle(self, done: Sequence[Pending]) -> None:
        with self._database.write() as session:
            outbox.settle(session, done)

    def _postpone(self, failed: Sequence[Pending], error: str) -> None:
        with self._database.write() as session:
            outbox.postpone(session, failed, error)

    def _rerank_and_read(self, feedback_ids: Sequence[UUID]) -> dict[UUID, Point | None]:
        """Return the points of those that exist; `None` for one that has just lost its vector."""
        with self._database.write() as session:
            # Whoever is at one of these rows ends first; what is read below is one state of each.
            mine = select(Feedback.id).where(Feedback.id.in_(feedback_ids))
            session.execute(mine.order_by(Feedback.id).with_for_update())
            query = (
                select(Feedback, Case, Tenant)
                .join(Case, Case.feedback_id == Feedback.id)
                .join(Tenant, Tenant.id == Feedback.tenant_id)
                .where(Feedback.id.in_(feedback_ids))
                .options(
                    joinedload(Feedback.account), joinedload(Feedback.complaint), undefer(Feedback.vector)
                )
            )
            points: dict[UUID, Point | None] = {}
            for feedback, case, tenant in session.execute(query):
                rank_case(case, feedback, feedback.account, weights_of(tenant))
                fits = feedback.space == self._model.space
                points[feedback.id] = point_of(feedback, case) if fits else None
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
