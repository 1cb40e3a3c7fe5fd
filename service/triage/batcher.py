"""One bounded micro-batcher between the requests and the models.

Inference blocks and is fastest on many texts at once; requests are many and small. Texts wait here in
order of arrival, leave in batches for the one thread that runs the models, and come back through a
future each. What nobody waits for any more is not computed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from models.predictions import ScoredText
from service.errors import DeadlineExceededError, OverloadedError
from service.metrics import Metrics

BATCH_TEXTS: Final = 64
"""Texts handed to the models at once; they split them further by length. The line is served in order
of arrival, so behind a request of many texts one waits for all of them: the bound of the line and the
callers' deadlines limit that, not this. It limits how long who comes to an empty line waits for the
batch in hand. What can wait does not stand in the line at all: see `Batcher.score_politely`."""

BATCH_CHARACTERS: Final = 8_000
"""Characters in one batch, but for a single longer text: about a second of work on two cores. Counted in
characters because a text may have one or 20,000 of them, and tokens are not known before the models run."""

TEXT_CHARACTERS: Final = 40
"""What a text costs beside its length, in characters: a short one is not free."""

DOUBT: Final = 1.5
"""How much longer than its deadline a request must be expected to take to be refused at once: the
expectation is rough."""

log = structlog.get_logger()


class Scoring(Protocol):
    """What the batcher runs: blocking, many texts at once."""

    def score(self, texts: Sequence[str], languages: Sequence[str | None]) -> list[ScoredText]:
        """Score texts in order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    text: str
    language: str | None
    deadline: float
    since: float
    scored: "asyncio.Future[ScoredText]"

    def is_wanted(self) -> bool:
        return not self.scored.done() and time.monotonic() < self.deadline


class Batcher:
    """Collects texts of concurrent requests into batches for one inference thread."""

    def __init__(self, scoring: Scoring, *, waiting_texts_max: int, metrics: Metrics) -> None:
        self._scoring = scoring
        self._waiting_texts_max = waiting_texts_max
        self._metrics = metrics
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._emptied = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")
        self._characters_in_hand = 0
        self._seconds_per_character = 0.0001  # a guess until the first batches have been timed
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Begin to take batches."""
        self._task = asyncio.create_task(self._run(), name="batcher")

    async def stop(self) -> None:
        """Stop after the batch in hand; who still waits is told to come again."""
        self._stopping = True
        self._arrived.set()
        self._emptied.set()
        if self._task is not None:
            await asyncio.wait({self._task})  # not its result: one that died must not stop the stopping
        for waiting in self._waiting:
            if not waiting.scored.done():
                waiting.scored.set_exception(_stopping())
        self._waiting.clear()
        self._thread.shutdown(wait=True)

    @property
    def is_alive(self) -> bool:
        """Whether somebody takes batches."""
        return self._task is not None and not self._task.done()

    async def score_politely(
        self, texts: Sequence[str], languages: Sequence[str | None], *, deadline: float
    ) -> list[ScoredText]:
        """Score texts that can wait: they join the line when nobody else is in it.

        Args:
            texts: Few, since who comes next does wait for them.
            languages: What the caller knows of each text's language.
            deadline: `time.monotonic()` after which nobody waits for the answer.

        Raises:
            OverloadedError: Somebody was waiting until `deadline`, or the service is stopping.
            DeadlineExceededError: `deadline` passed while waiting in the line.
        """
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                while self._waiting and not self._stopping:
                    self._emptied.clear()
                    await self._emptied.wait()
        except TimeoutError as error:
            raise OverloadedError(
                "expected a moment in which nobody waits for the models, there was none",
                retry_after_seconds=self._backlog_seconds(),
            ) from error
        return await self.score(texts, languages, deadline=deadline)

    async def score(
        self, texts: Sequence[str], languages: Sequence[str | None], *, deadline: float
    ) -> list[ScoredText]:
        """Score texts in order, together with whatever else is waiting.

        Args:
            texts: Any number, each any length.
            languages: What the caller knows of each text's language.
            deadline: `time.monotonic()` after which nobody waits for the answer.

        Raises:
            OverloadedError: Too many texts wait already, they cannot be done before `deadline`, or the
                service is stopping.
            DeadlineExceededError: `deadline` passed while waiting.
        """
        now = time.monotonic()
        self._admit(texts, now, deadline)
        loop = asyncio.get_running_loop()
        entries = [
            _Waiting(text=text, language=language, deadline=deadline, since=now, scored=loop.create_future())
            for text, language in zip(texts, languages, strict=True)
        ]
        self._waiting.extend(entries)
        self._tell_length()
        self._arrived.set()
        try:
            async with asyncio.timeout(deadline - now):
                return await asyncio.gather(*(entry.scored for entry in entries))
        except TimeoutError as error:
            raise DeadlineExceededError(
                f"expected an answer within {max(0.0, deadline - now):.3g} s, it was not ready",
                retry_after_seconds=self._backlog_seconds(),
            ) from error
        finally:
            if any(entry.scored.cancelled() or not entry.scored.done() for entry in entries):
                self._forget(entries)

    def _forget(self, entries: Sequence[_Waiting]) -> None:
        """Free the places of a caller who left, or whose other texts failed."""
        for entry in entries:
            entry.scored.cancel()
        self._waiting = deque(entry for entry in self._waiting if not entry.scored.done())
        self._tell_length()

    def _tell_length(self) -> None:
        self._metrics.waiting_texts.set(len(self._waiting))
        if not self._waiting:
            self._emptied.set()

    def _admit(self, texts: Sequence[str], now: float, deadline: float) -> None:
        if self._stopping:
            raise _stopping()
        backlog = self._backlog_seconds()
        if self._waiting and len(self._waiting) + len(texts) > self._waiting_texts_max:
            raise OverloadedError(
                f"expected room for {len(texts)} texts, {len(self._waiting)} of at most "
                f"{self._waiting_texts_max} are waiting",
                retry_after_seconds=backlog,
            )
        own = _cost(texts) * self._seconds_per_character
        if now < deadline < now + (backlog + own) / DOUBT:
            raise OverloadedError(
                f"expected an answer within {deadline - now:.1f} s, these texts take about {own:.1f} s and "
                f"those before them {backlog:.1f} s; send fewer at once, or a longer X-Deadline-Ms",
                retry_after_seconds=backlog,
            )

    def _backlog_seconds(self) -> float:
        characters = self._characters_in_hand + _cost([entry.text for entry in self._waiting])
        return characters * self._seconds_per_character

    async def _run(self) -> None:
        while not self._stopping:
            await self._arrived.wait()
            batch = self._next_batch()
            if not batch:
                self._arrived.clear()
                continue
            self._characters_in_hand = _cost([entry.text for entry in batch])
            started = time.perf_counter()
            await self._score_batch(batch)
            self._observe(batch, time.perf_counter() - started)
            self._characters_in_hand = 0

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        room = BATCH_CHARACTERS
        while self._waiting and len(batch) < BATCH_TEXTS:
            if batch and len(self._waiting[0].text) > room:
                break
            entry = self._waiting.popleft()
            if entry.is_wanted():
                self._metrics.queue_seconds.observe(time.monotonic() - entry.since)
                batch.append(entry)
                room -= len(entry.text)
        self._tell_length()
        return batch

    async def _score_batch(self, batch: list[_Waiting]) -> None:
        try:
            results = await self._in_thread(batch)
        except Exception as error:
            if len(batch) == 1:
                log.exception("scoring_failed", characters=len(batch[0].text))
                if not batch[0].scored.done():
                    batch[0].scored.set_exception(error)
                return
            for entry in batch:  # one text must not take the others of its batch down
                await self._score_batch([entry])
            return
        for entry, scored in zip(batch, results, strict=True):
            if not entry.scored.done():
                entry.scored.set_result(scored)

    async def _in_thread(self, batch: list[_Waiting]) -> list[ScoredText]:
        texts = [entry.text for entry in batch]
        languages = [entry.language for entry in batch]
        loop = asyncio.get_running_loop()
        results = await loop.run_in_executor(self._thread, self._score, texts, languages)
        if len(results) != len(batch):
            raise RuntimeError(f"expected {len(batch)} scores from the models, got {len(results)}")
        return results

    def _score(self, texts: list[str], languages: list[str | None]) -> list[ScoredText]:
        try:
            return self._scoring.score(texts, languages)
        except BaseException as error:
            if isinstance(error, Exception) and not isinstance(error, StopIteration):
                raise
            # A panic of a library in Rust is no Exception: on the event loop it would end the batcher.
            # A StopIteration cannot pass through a future. Nothing of either kind is meant for the loop.
            raise RuntimeError(f"expected scores from the models, got {type(error).__name__}") from error

    def _observe(self, batch: list[_Waiting], seconds: float) -> None:
        self._metrics.batch_texts.observe(len(batch))
        self._metrics.forward_seconds.observe(seconds)
        self._metrics.texts_scored.inc(len(batch))
        # An exponential mean: the rate of the last dozen batches is what the next ones will meet.
        rate = seconds / self._characters_in_hand
        self._seconds_per_character += 0.1 * (rate - self._seconds_per_character)


def _cost(texts: Sequence[str]) -> int:
    """Return what texts cost the models, in characters."""
    return sum(len(text) + TEXT_CHARACTERS for text in texts)


def _stopping() -> OverloadedError:
    return OverloadedError("the service is stopping; send the request again")
