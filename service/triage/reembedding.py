"""Embeds and scores stored texts of another vector space anew, beside the indexer and behind everybody."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from models.predictions import ScoredText
from service.errors import RetryableError
from service.store import outbox
from service.store.database import Database
from service.store.outbox import Pending
from service.store.records import Feedback
from service.triage.accept import ModelIdentity
from service.triage.batcher import Batcher
from service.triage.labels import apply_labels, apply_score, current

TEXTS_AT_ONCE: Final = 16
"""Who comes while these are in the models waits for them: some 0.1 s of short texts on two cores."""

DEADLINE_SECONDS: Final = 120.0

log = structlog.get_logger()


class Reembedding:
    """Makes stale rows current, a few at a time; their entries stay in the outbox for the indexer.

    It runs in a task of its own, so that the indexer goes on with the texts that need no models.
    """

    def __init__(
        self,
        *,
        database: Database,
        batcher: Batcher,
        model: ModelIdentity,
        on_progress: Callable[[], None],
    ) -> None:
        self._database = database
        self._batcher = batcher
        self._model = model
        self._on_progress = on_progress
        self._task: asyncio.Task[None] | None = None

    def begin(self, stale: Sequence[Pending]) -> None:
        """Work on these, unless others are being worked on."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(list(stale)), name="reembedding")

    async def stop(self) -> None:
        """Give up what is in hand: its entries are still in the outbox."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, stale: list[Pending]) -> None:
        try:
            for start in range(0, len(stale), TEXTS_AT_ONCE):
                await self._embed(stale[start : start + TEXTS_AT_ONCE])
                self._on_progress()
        except Exception:
            # Nobody is told of progress: the indexer's next look finds them stale again.
            log.exception("reembedding_failed")

    async def _embed(self, few: list[Pending]) -> None:
        texts = await run_in_threadpool(self._stale_texts, [entry.feedback_id for entry in few])
        try:
            scored = await self._batcher.score_politely(
                [text for text, _language in texts.values()],
                [language for _text, language in texts.values()],
                deadline=time.monotonic() + DEADLINE_SECONDS,
            )
        except RetryableError as error:
            log.warning("reembedding_postponed", entries=len(few), reason=str(error))
            await run_in_threadpool(self._postpone, few, str(error))
        except Exception as error:
            if len(few) > 1:
                for entry in few:  # one text must not hold the others back
                    await self._embed([entry])
                return
            log.exception("reembedding_failed", feedback_id=str(few[0].feedback_id))
            await run_in_threadpool(self._postpone, few, type(error).__name__)
        else:
            await run_in_threadpool(self._write, texts, dict(zip(texts, scored, strict=True)))

    def _stale_texts(self, feedback_ids: Sequence[UUID]) -> dict[UUID, tuple[str, str | None]]:
        """Return the texts to embed anew, each with its language where its sender gave it."""
        with self._database.read() as session:
            query = select(Feedback.id, Feedback.text, Feedback.language_given).where(
                Feedback.id.in_(feedback_ids), Feedback.space != self._model.space
            )
            return {row[0]: (row[1], row[2]) for row in session.execute(query)}

    def _write(self, read: dict[UUID, tuple[str, str | None]], scored: dict[UUID, ScoredText]) -> None:
        # Under the rows' locks: of a new version that is being stored meanwhile, this must see the text.
        query = select(Feedback).where(Feedback.id.in_(read)).order_by(Feedback.id).with_for_update()
        with self._database.write() as session:
            for feedback in session.scalars(query):
                if (feedback.text, feedback.language_given) == read[feedback.id]:  # else scored anew already
                    judged = current(feedback)
                    apply_score(
                        feedback,
                        scored[feedback.id],
                        space=self._model.space,
                        revision=self._model.revision,
                    )
                    apply_labels(session, feedback, judged)

    def _postpone(self, failed: Sequence[Pending], error: str) -> None:
        with self._database.write() as session:
            outbox.postpone(session, failed, error)
