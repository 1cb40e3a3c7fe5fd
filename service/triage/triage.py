"""The story of a text: scored, stored with its case, counted among its likes, given its priority."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from models.arrays import Floats1d
from models.predictions import ScoredText, vector_from_stored
from service.complaints.maps import Maps
from service.errors import ServiceError
from service.intake.feedback import IncomingFeedback
from service.store.database import Database
from service.store.errors import IndexUnavailableError
from service.store.records import Feedback, Tenant, now
from service.store.tenant_lock import lock_tenant
from service.store.vectors import VectorFilter, VectorIndex
from service.triage.accept import Accepted, ModelIdentity, Outcome, accept, stored_texts
from service.triage.batcher import Batcher
from service.triage.priority import Priority, Weights
from service.triage.rank import priority_of, weights_of
from service.triage.retry import RetryKey, recall, remember

SIMILAR_COUNT_MAX = 100
"""Counting stops here: a lead needs to know "many", not how many exactly."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Triaged:
    """A stored text with what a support tool wants to know at once."""

    accepted: Accepted
    priority: Priority
    similar_count: int | None


class Triage:
    """Takes texts from a request to their place in the queue."""

    def __init__(
        self,
        *,
        database: Database,
        batcher: Batcher,
        index: VectorIndex,
        model: ModelIdentity,
        similar_threshold: float,
        maps: Maps,
    ) -> None:
        self._database = database
        self._batcher = batcher
        self._index = index
        self._model = model
        self._similar_threshold = similar_threshold
        self._maps = maps

    async def triage(
        self,
        tenant: UUID,
        items: Sequence[IncomingFeedback],
        *,
        deadline: float,
        retry: RetryKey | None = None,
    ) -> list[Triaged | ServiceError]:
        """Score, store and rank texts; what this returns as stored is in the database.

        Args:
            tenant: Whose texts these are.
            items: Checked at the edge.
            deadline: `time.monotonic()` after which nobody waits for the answer.
            retry: Makes a repetition of the whole request safe.

        Returns:
            One result an item, in order: a refused one does not sink the others.

        Raises:
            UnprocessableError: `retry` was used for another request.
            OverloadedError: Too much is waiting for the models already.
            DeadlineExceededError: The models did not get to it in time; nothing was stored.
            DatabaseUnavailableError: Nothing was stored.
        """
        scored = await self._score_new(tenant, items, deadline, retry)
        outcomes, vectors, weights = await run_in_threadpool(self._store, tenant, items, scored, retry)
        # The texts are stored: from here on nothing may fail any more.
        similar = await self._count_similar(tenant, vectors, deadline)
        return _prioritised(outcomes, similar, weights)

    async def _score_new(
        self,
        tenant: UUID,
        items: Sequence[IncomingFeedback],
        deadline: float,
        retry: RetryKey | None,
    ) -> list[ScoredText | None]:
        stored = await run_in_threadpool(self._stored_texts, tenant, items, retry)
        if stored is None:
            return [None] * len(items)
        # Of one key given twice both are scored: the first may change what the second is compared with.
        times = Counter(item.key for item in items)
        fresh = [
            item
            for item in items
            if item.key is None or times[item.key] > 1 or stored.get(item.key) != item.text
        ]
        scores = iter(
            await self._batcher.score(
                [item.text for item in fresh], [item.language for item in fresh], deadline=deadline
            )
            if fresh
            else []
        )
        wanted = {id(item) for item in fresh}
        return [next(scores) if id(item) in wanted else None for item in items]

    def _stored_texts(
        self, tenant: UUID, items: Sequence[IncomingFeedback], retry: RetryKey | None
    ) -> dict[tuple[str, str], str] | None:
        """Return the texts known under these items' keys, or `None` when the whole request is a retry."""
        with self._database.read() as session:
            if retry and recall(session, tenant, retry) is not None:
                return None
            self._maps.of(session, tenant)  # read here, where nobody waits for the tenant's lock
            return stored_texts(session, tenant, items)

    def _store(
        self,
        tenant: UUID,
        items: Sequence[IncomingFeedback],
        scored: Sequence[ScoredText | None],
        retry: RetryKey | None,
    ) -> tuple[list[Outcome], dict[UUID, Floats1d], Weights]:
        with self._database.write() as session:
            lock_tenant(session, tenant)
            outcomes = recall(session, tenant, retry) if retry else None
            if outcomes is None:
                outcomes = accept(session, tenant, items, scored, self._model, self._maps)
                if retry:
                    remember(session, tenant, retry, outcomes)
            weights = weights_of(session.get_one(Tenant, tenant))
            return outcomes, self._vectors(session, outcomes), weights

    def _vectors(self, session: Session, outcomes: Sequence[Outcome]) -> dict[UUID, Floats1d]:
        ids = {outcome.feedback.id for outcome in outcomes if isinstance(outcome, Accepted)}
        query = select(Feedback.id, Feedback.vector).where(
            Feedback.id.in_(ids), Feedback.space == self._model.space
        )
        return {row[0]: vector_from_stored(row[1]) for row in session.execute(query)}

    async def _count_similar(
        self, tenant: UUID, vectors: Mapping[UUID, Floats1d], deadline: float
    ) -> dict[UUID, int]:
        """Count stored texts like each of these, one another included, for as long as the caller waits.

        The index does not hold all of them yet, so they are compared in memory.
        """
        counts: dict[UUID, int] = {}
        beside = _count_beside(list(vectors.values()), self._similar_threshold)
        where = VectorFilter(tenant=tenant, exclude=tuple(vectors))
        try:
            for (feedback_id, vector), near in zip(vectors.items(), beside, strict=True):
                if time.monotonic() > deadline:
                    break
                far = await self._index.count_similar(
                    vector, where, score_threshold=self._similar_threshold, at_most=SIMILAR_COUNT_MAX
                )
                counts[feedback_id] = min(SIMILAR_COUNT_MAX, far + near)
        except IndexUnavailableError as error:  # the answer goes out without the count
            log.warning("similar_count_unavailable", reason=str(error))
        return counts


def _prioritised(
    outcomes: Sequence[Outcome], similar: Mapping[UUID, int], weights: Weights
) -> list[Triaged | ServiceError]:
    moment = now()
    results: list[Triaged | ServiceError] = []
    for outcome in outcomes:
        if isinstance(outcome, ServiceError):
            results.append(outcome)
            continue
        priority = priority_of(outcome.case, outcome.feedback, outcome.account, weights, as_of=moment)
        count = similar.get(outcome.feedback.id)
        results.append(Triaged(accepted=outcome, priority=priority, similar_count=count))
    return results


def _count_beside(vectors: Sequence[Floats1d], threshold: float) -> list[int]:
    """Count, for each vector, the others at least this similar.

    Args:
        vectors: L2-normalised, of one length.
        threshold: Cosine.
    """
    if not vectors:
        return []
    rows = np.stack(vectors)
    near: list[int] = ((rows @ rows.T) >= threshold).sum(axis=1).tolist()
    return [count - 1 for count in near]
