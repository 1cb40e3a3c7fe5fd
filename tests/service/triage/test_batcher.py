"""The one way to the models: bounded, in order, and nothing computed that nobody waits for."""

import asyncio
import threading
import time
from collections import Counter

import numpy as np
import pytest

from models.predictions import LanguageGuess, ScoredText
from service.errors import DeadlineExceededError, OverloadedError
from service.metrics import Metrics
from service.triage.batcher import BATCH_TEXTS, Batcher

pytestmark = pytest.mark.anyio
PATIENCE_SECONDS = 60.0


class Models:
    """Gives each text a vector that names it; waits where told to, fails on the word poison."""

    def __init__(self):
        self.batches = []
        self.go = threading.Event()
        self.go.set()
        self.entered = threading.Event()

    def score(self, texts, languages):
        self.batches.append(list(texts))
        self.entered.set()
        assert self.go.wait(PATIENCE_SECONDS)
        if any("poison" in text for text in texts):
            raise ValueError("a text that no model can read")
        return [
            ScoredText(
                vector=np.array([len(text)], dtype=np.float32),
                language=LanguageGuess(code=language or "und", confidence=1.0),
                predictions=None,
            )
            for text, language in zip(texts, languages, strict=True)
        ]

    @property
    def computed(self):
        return Counter(text for batch in self.batches for text in batch)


@pytest.fixture
def models():
    return Models()


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def waiting_texts_max():
    return 100


@pytest.fixture
async def batcher(models, metrics, waiting_texts_max):
    batcher = Batcher(models, waiting_texts_max=waiting_texts_max, metrics=metrics)
    await batcher.start()
    yield batcher
    models.go.set()
    await batcher.stop()


def soon():
    return time.monotonic() + PATIENCE_SECONDS


async def ask(batcher, *texts, deadline=None, languages=None):
    return await batcher.score(list(texts), languages or [None] * len(texts), deadline=deadline or soon())


async def hold(batcher, models, *texts):
    """Let the models be busy with these texts; return the call that waits for them."""
    models.go.clear()
    models.entered.clear()
    call = asyncio.create_task(ask(batcher, *texts))
    await asyncio.to_thread(models.entered.wait, PATIENCE_SECONDS)
    return call


async def test_no_texts_are_answered_at_once(batcher):
    assert await ask(batcher) == []


async def test_beyond_the_bound_callers_are_sent_away_with_a_time_to_come_back(batcher, models):
    busy = await hold(batcher, models, "first")
    waiting = asyncio.create_task(ask(batcher, *["wait"] * 100))
    await asyncio.sleep(0)

    with pytest.raises(OverloadedError, match="100 of at most 100 are waiting") as refused:
        await ask(batcher, "one more")

    assert refused.value.retry_after_seconds >= 1
    models.go.set()
    assert len(await busy) == 1
    assert len(await waiting) == 100
    assert models.computed["one more"] == 0


async def test_one_request_larger_than_the_bound_is_served_when_nothing_else_waits(batcher):
    assert len(await ask(batcher, *["text"] * 300)) == 300


async def test_a_caller_whose_deadline_the_backlog_passes_is_sent_away_at_once(batcher, models):
    busy = await hold(batcher, models, "first")
    batcher._seconds_per_character = 0.1
    waiting = asyncio.create_task(ask(batcher, "second"))
    await asyncio.sleep(0)

    with pytest.raises(OverloadedError, match="those before them"):
        await ask(batcher, "third", deadline=time.monotonic() + 1)

    models.go.set()
    await asyncio.gather(busy, waiting)


async def test_more_than_can_be_done_in_time_is_refused_before_any_of_it_is_computed(batcher, models):
    batcher._seconds_per_character = 0.001

    with pytest.raises(OverloadedError, match=r"these texts take about 20\.0 s.*longer X-Deadline-Ms"):
        await ask(batcher, "x" * 20_000, deadline=time.monotonic() + 10)

    assert await ask(batcher, "short", deadline=time.monotonic() + 10)
    assert models.computed["x" * 20_000] == 0


async def test_long_texts_are_spread_over_batches_and_a_longer_one_goes_alone(batcher, models):
    busy = await hold(batcher, models, "first")
    texts = ["a" * 5_000, "b" * 2_000, "c" * 5_000, "d" * 9_000, "e"]
    waiting = asyncio.create_task(ask(batcher, *texts))
    await asyncio.sleep(0)
    models.go.set()
    await asyncio.gather(busy, waiting)

    assert [[text[0] for text in batch] for batch in models.batches[1:]] == [["a", "b"], ["c"], ["d"], ["e"]]


async def test_a_deadline_that_passes_while_waiting_ends_the_wait_and_the_text_is_not_computed(
    batcher, models
):
    busy = await hold(batcher, models, "first")

    with pytest.raises(DeadlineExceededError):
        await ask(batcher, "late", deadline=time.monotonic() + 0.05)

    models.go.set()
    await busy
    await ask(batcher, "next")
    assert models.computed["late"] == 0


@pytest.mark.parametrize("seconds", [0.0, -5.0])
async def test_a_deadline_in_the_past_is_exceeded(batcher, seconds):
    with pytest.raises(DeadlineExceededError):
        await ask(batcher, "late", deadline=time.monotonic() + seconds)


async def test_texts_of_a_cancelled_caller_are_not_computed_and_free_their_places(batcher, models, metrics):
    busy = await hold(batcher, models, "first")
    left = asyncio.create_task(ask(batcher, *["left"] * 100))
    await asyncio.sleep(0)

    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left

    stays = asyncio.create_task(ask(batcher, *["stays"] * 100))
    await asyncio.sleep(0)
    assert metrics.registry.get_sample_value("closeloop_waiting_texts") == 100
    models.go.set()
    await asyncio.gather(busy, stays)
    assert models.computed == {"first": 1, "stays": 100}


async def test_a_text_that_fails_fails_alone(batcher, models):
    busy = await hold(batcher, models, "first")
    good = [asyncio.create_task(ask(batcher, f"good {place}")) for place in range(5)]
    bad = asyncio.create_task(ask(batcher, "poison"))
    await asyncio.sleep(0)
    models.go.set()

    assert [len(await call) for call in (busy, *good)] == [1] * 6
    with pytest.raises(ValueError, match="no model can read"):
        await bad
    assert len(await ask(batcher, "afterwards")) == 1


async def test_models_that_answer_too_few_texts_fail_the_request_and_not_the_service(batcher, models):
    whole = models.score
    models.score = lambda texts, languages: whole(texts, languages)[1:]

    with pytest.raises(RuntimeError, match="expected 1 scores"):
        await ask(batcher, "text")

    models.score = whole
    assert len(await ask(batcher, "text")) == 1


class Panic(BaseException):
    """What a library in Rust raises when it breaks: no Exception, so that nobody catches it by mistake."""


@pytest.mark.parametrize("kind", [Panic, SystemExit, asyncio.CancelledError, StopIteration])
async def test_models_that_panic_fail_the_text_and_not_the_service(batcher, models, kind):
    whole = models.score

    def panic(texts, languages):
        if "poison" in texts:
            raise kind
        return whole(texts, languages)

    models.score = panic
    with pytest.raises(RuntimeError, match=f"expected scores from the models, got {kind.__name__}"):
        await ask(batcher, "poison")

    assert batcher.is_alive
    assert len(await ask(batcher, "text")) == 1


async def test_a_batcher_whose_task_has_ended_says_so(batcher, models, metrics):
    assert not Batcher(models, waiting_texts_max=1, metrics=metrics).is_alive
    assert batcher.is_alive

    await batcher.stop()

    assert not batcher.is_alive


async def test_the_polite_wait_until_the_line_is_empty(batcher, models):
    busy = await hold(batcher, models, "first")
    waiting = asyncio.create_task(ask(batcher, *["wait"] * 70))
    await asyncio.sleep(0)
    polite = asyncio.create_task(batcher.score_politely(["polite"], [None], deadline=soon()))
    for _ in range(5):
        await asyncio.sleep(0)
    later = asyncio.create_task(ask(batcher, "later"))
    await asyncio.sleep(0)

    models.go.set()
    await asyncio.gather(busy, waiting, polite, later)

    order = [text for batch in models.batches for text in batch]
    assert order.index("later") < order.index("polite")


async def test_the_polite_give_up_when_somebody_always_waits(batcher, models):
    busy = await hold(batcher, models, "first")
    waiting = asyncio.create_task(ask(batcher, "second"))
    await asyncio.sleep(0)

    with pytest.raises(OverloadedError, match="nobody waits"):
        await batcher.score_politely(["polite"], [None], deadline=time.monotonic() + 0.05)

    models.go.set()
    await asyncio.gather(busy, waiting)
    assert models.computed["polite"] == 0


async def test_the_polite_are_sent_away_when_the_service_stops(models, metrics):
    batcher = Batcher(models, waiting_texts_max=100, metrics=metrics)
    await batcher.start()
    busy = await hold(batcher, models, "first")
    waiting = asyncio.create_task(ask(batcher, "second"))
    await asyncio.sleep(0)
    polite = asyncio.create_task(batcher.score_politely(["polite"], [None], deadline=soon()))
    await asyncio.sleep(0)

    stopping = asyncio.create_task(batcher.stop())
    with pytest.raises(OverloadedError, match="stopping"):
        await polite
    models.go.set()
    await stopping
    assert len(await busy) == 1
    with pytest.raises(OverloadedError, match="stopping"):
        await waiting


async def test_the_polite_are_served_when_nobody_waits(batcher):
    assert len(await batcher.score_politely(["polite"], [None], deadline=soon())) == 1


@pytest.mark.parametrize("waiting_texts_max", [10_000])
async def test_each_caller_gets_its_own_texts_in_order_however_batches_fall(batcher):
    def texts(caller):
        return ["x" * (1 + (caller * 7 + place) % 90) for place in range(caller % 40)]

    answers = await asyncio.gather(*(ask(batcher, *texts(caller)) for caller in range(60)))

    for caller, answer in enumerate(answers):
        assert [int(row.vector[0]) for row in answer] == [len(text) for text in texts(caller)]


async def test_languages_stay_with_their_texts(batcher):
    scored = await ask(batcher, "a", "b", "c", languages=["de", None, "fi"])

    assert [row.language.code for row in scored] == ["de", "und", "fi"]


async def test_who_came_first_is_served_first_in_batches_of_bounded_size(batcher, models):
    busy = await hold(batcher, models, "first")
    calls = [asyncio.create_task(ask(batcher, f"{place}")) for place in range(80)]
    await asyncio.sleep(0)
    models.go.set()
    await asyncio.gather(busy, *calls)

    assert [text for batch in models.batches[1:] for text in batch] == [str(place) for place in range(80)]
    assert max(map(len, models.batches)) <= BATCH_TEXTS


async def test_stopping_ends_the_batch_in_hand_and_sends_the_rest_away(models, metrics):
    batcher = Batcher(models, waiting_texts_max=100, metrics=metrics)
    await batcher.start()
    busy = await hold(batcher, models, "first")
    waiting = asyncio.create_task(ask(batcher, "second"))
    await asyncio.sleep(0)

    stopping = asyncio.create_task(batcher.stop())
    await asyncio.sleep(0)
    models.go.set()
    await stopping

    assert len(await busy) == 1
    with pytest.raises(OverloadedError, match="stopping"):
        await waiting
    with pytest.raises(OverloadedError, match="stopping"):
        await ask(batcher, "third")
    assert models.computed == {"first": 1}


async def test_a_batcher_that_never_started_stops(models, metrics):
    await Batcher(models, waiting_texts_max=1, metrics=metrics).stop()


async def test_what_was_done_is_counted(batcher, metrics):
    await ask(batcher, "a", "b", "c")

    assert metrics.registry.get_sample_value("closeloop_texts_scored_total") == 3
    assert metrics.registry.get_sample_value("closeloop_batch_texts_sum") == 3
    assert metrics.registry.get_sample_value("closeloop_queue_seconds_count") == 3
    assert metrics.registry.get_sample_value("closeloop_waiting_texts") == 0
