"""Search by meaning: a vector, a filter inside the engine, and the rows from the database."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Row, select
from starlette.concurrency import run_in_threadpool

from models.arrays import Floats1d
from models.predictions import vector_from_stored
from service.errors import NotFoundError
from service.store.database import Database
from service.store.feedback import several
from service.store.records import Case, Feedback
from service.store.vectors import FACETS, Hit, VectorFilter, VectorIndex
from service.triage.batcher import Batcher

FACETS_MAX: Final = 10_000
"""Texts that facets count at most: the best-matching ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A found text."""

    feedback: Feedback
    case: Case
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """A page of found texts, and how the matching ones spread.

    Attributes:
        facets: For each field, how many matching texts have each value; counted over texts at least
            as similar as the learnt relevance threshold.
    """

    found: list[Found]
    facets: dict[str, dict[str, int]]
    has_more: bool


class Search:
    """Finds texts by meaning, across languages."""

    def __init__(
        self,
        *,
        database: Database,
        index: VectorIndex,
        batcher: Batcher,
        space: str,
        relevance_threshold: float,
    ) -> None:
        self._database = database
        self._index = index
        self._batcher = batcher
        self._space = space
        self._relevance_threshold = relevance_threshold

    async def by_query(self, query: str, *, deadline: float) -> Floats1d:
        """Return the vector of a query. *Shape:* ``(dimensions,)``."""
        scored = await self._batcher.score([query], [None], deadline=deadline)
        return scored[0].vector

    async def by_feedback(self, tenant: UUID, feedback_id: UUID, *, deadline: float) -> Floats1d:
        """Return the vector of a stored text. *Shape:* ``(dimensions,)``.

        A vector of another space is not compared with those of the index: the text is embedded anew.

        Raises:
            NotFoundError: This tenant has no such text.
        """
        query = select(Feedback.vector, Feedback.space, Feedback.text).where(
            Feedback.tenant_id == tenant, Feedback.id == feedback_id
        )

        def read() -> Row[bytes, str, str] | None:
            with self._database.read() as session:
                return session.execute(query).one_or_none()

        stored = await run_in_threadpool(read)
        if stored is None:
            raise NotFoundError(f"no feedback {feedback_id} in this tenant")
        if stored.space != self._space:
            return await self.by_query(stored.text, deadline=deadline)
        return vector_from_stored(stored.vector)

    async def search(self, vector: Floats1d, where: VectorFilter, *, limit: int, offset: int) -> SearchResult:
        """Return the most similar texts that match, best first.

        Args:
            vector: L2-normalised. *Shape:* ``(dimensions,)``.
            where: Matched inside the engine.
            limit: How many at most.
            offset: How many better ones to pass over.
        """
        hits = await self._index.query(vector, where, limit=limit + 1, offset=offset)
        matching = await self._index.query(
            vector, where, limit=FACETS_MAX, score_threshold=self._relevance_threshold
        )
        found = await run_in_threadpool(self._read, where.tenant, hits[:limit])
        return SearchResult(found=found, facets=_facets(matching), has_more=len(hits) > limit)

    def _read(self, tenant: UUID, hits: Sequence[Hit]) -> list[Found]:
        with self._database.read() as session:
            rows = several(session, tenant, [hit.id for hit in hits])
        # A text that was deleted a moment ago may still be in the index.
        return [
            Found(feedback=rows[hit.id][0], case=rows[hit.id][1], score=hit.score)
            for hit in hits
            if hit.id in rows
        ]


def _facets(hits: Sequence[Hit]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {name: Counter() for name in FACETS}
    for hit in hits:
        for name in FACETS:
            value = hit.payload.get(name)
            if isinstance(value, str):
                counts[name][value] += 1
            elif isinstance(value, list):
                counts[name].update(value)
    return {name: dict(counter.most_common()) for name, counter in counts.items()}
