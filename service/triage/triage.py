"""The story of a text: scored, stored with its case, counted among its likes, given its priority."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import structlog
from starlette.concurrency import run_in_threadpool

from models.arrays import Floats2d
from models.predictions import ScoredText
from service.errors import ServiceError
from service.intake.feedback import IncomingFeedback
from service.store.database import Database
from service.store.errors import IndexUnavailableError
from service.store.records import Tenant, now
from service.store.vectors import VectorFilter, VectorIndex
from service.triage.accept import Accepted, ModelIdentity, Outcome, accept, serialise, stored_texts
from service.triage.batcher import Batcher
from service.triage.priority import Priority
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
    ) -> None:
        self._database = database
        self._batcher = batcher
        self._index = index
        self._model = model
        self._similar_threshold = similar_threshold

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
        outcomes = await run_in_threadpool(self._store, tenant, items, scored, retry)
        similar = await self._count_similar(tenant, outcomes, scored)
        return await run_in_threadpool(self._prioritise, tenant, outcomes, similar)

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
        fresh = [item for item in items if item.key is None or stored.get(item.key) != item.text]
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
            return stored_texts(session, tenant, items)

    def _store(
        self,
        tenant: UUID,
        items: Sequence[IncomingFeedback],
        scored: Sequence[ScoredText | None],
        retry: RetryKey | None,
    ) -> list[Outcome]:
        with self._database.write() as session:
            serialise(session, tenant)
            before = recall(session, tenant, retry) if retry else None
            if before is not None:
                return before
            outcomes = accept(session, tenant, items, scored, self._model)
            if retry:
                remember(session, tenant, retry, outcomes)
            return outcomes

    async def _count_similar(
        self, tenant: UUID, outcomes: Sequence[Outcome], scored: Sequence[ScoredText | None]
    ) -> list[int | None]:
        """Count stored texts like each new one, its own batch included.

        The index does not hold this batch yet, so it is compared in memory.
        """
        fresh = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, Accepted) and outcome.changed]
        counts: list[int | None] = [None] * len(outcomes)
        vectors = np.stack([_vector(scored[i]) for i in fresh]) if fresh else np.empty((0, 1), np.float32)
        beside = _count_beside(vectors, self._similar_threshold)
        ids = tuple(o.feedback.id for o in outcomes if isinstance(o, Accepted))
        where = VectorFilter(tenant=tenant, exclude=ids)
        try:
            for place, vector, near in zip(fresh, vectors, beside, strict=True):
                hits = await self._index.query(
                    vector, where, limit=SIMILAR_COUNT_MAX, score_threshold=self._similar_threshold
                )
                counts[place] = min(SIMILAR_COUNT_MAX, len(hits) + near)
        except IndexUnavailableError as error:  # the texts are stored: the answer goes out without the count
            log.warning("similar_count_unavailable", reason=str(error))
        return counts

    def _prioritise(
        self, tenant: UUID, outcomes: Sequence[Outcome], similar: Sequence[int | None]
    ) -> list[Triaged | ServiceError]:
        with self._database.read() as session:
            weights = weights_of(session.get_one(Tenant, tenant))
        moment = now()
        results: list[Triaged | ServiceError] = []
        for outcome, count in zip(outcomes, similar, strict=True):
            if isinstance(outcome, ServiceError):
                results.append(outcome)
                continue
            priority = priority_of(outcome.case, outcome.feedback, outcome.account, weights, as_of=moment)
            results.append(Triaged(accepted=outcome, priority=priority, similar_count=count))
        return results


def _vector(scored: ScoredText | None) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    if scored is None:
        raise TypeError("expected a score for a changed text, got none")
    return scored.vector


def _count_beside(vectors: Floats2d, threshold: float) -> list[int]:
    """Count, for each row, the other rows at least this similar.

    Args:
        vectors: L2-normalised. *Shape:* ``(texts, dimensions)``.
        threshold: Cosine.
    """
    near: list[int] = ((vectors @ vectors.T) >= threshold).sum(axis=1).tolist()
    return [count - 1 for count in near]
