"""The one place where the application is composed, and taken apart in reverse order."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog
from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.concurrency import run_in_threadpool

from models.artefact import Artefact, load_artefact
from models.encoder import Encoder, load_encoder
from models.errors import EncoderMismatchError
from models.language import LanguageIdentifier
from models.scorer import LanguageIdentification, Scorer
from service.auth import DEFAULT_TENANT, ensure_tenant
from service.complaints.maps import Maps
from service.jobs import Jobs
from service.jobs.durable import DurableJobs
from service.metrics import Metrics
from service.search import Search
from service.settings import Settings
from service.state import State
from service.store.database import WORKER_THREADS, Database
from service.store.vectors import VectorIndex, open_index
from service.triage.accept import ModelIdentity
from service.triage.batcher import Batcher
from service.triage.indexer import Indexer
from service.triage.triage import Triage

UNKNOWN_RELEVANCE = 0.85
"""Cosine from which texts count as related when no heads, and so no learnt threshold, fit the encoder."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Ready-made parts in place of those that the settings name."""

    encoder: Encoder | None = None
    artefact: Artefact | None = None
    index: VectorIndex | None = None
    languages: LanguageIdentification | None = None
    jobs: Jobs | None = None


def lifespan_of(
    settings: Settings, metrics: Metrics, parts: Parts
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return the lifespan of an application with these settings."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.closeloop = await _compose(settings, metrics, parts, stack)
            log.info("ready", encoder=app.state.closeloop.model.encoder)
            yield

    return lifespan


async def _compose(settings: Settings, metrics: Metrics, parts: Parts, stack: AsyncExitStack) -> State:
    to_thread.current_default_thread_limiter().total_tokens = WORKER_THREADS
    database = Database(settings.sqlalchemy_url())
    stack.callback(database.close)
    await run_in_threadpool(database.migrate)
    encoder = parts.encoder
    if encoder is None:
        encoder = await run_in_threadpool(_load_encoder, settings)
    artefact, missing = (parts.artefact, None) if parts.artefact else _load_heads(settings, encoder)
    languages = parts.languages
    if languages is None:
        languages = await run_in_threadpool(LanguageIdentifier)
    scorer = Scorer(encoder, artefact, languages)
    # The first forward pass is slow: it happens before anybody waits for it.
    await run_in_threadpool(scorer.score, ["Hello, the parcel has not come yet."], [None])
    model = ModelIdentity(
        name=artefact.name if artefact else "none",
        revision=artefact.revision if artefact else None,
        encoder=encoder.name,
        space=encoder.space,
    )
    index = parts.index or open_index(
        folder=settings.vectors_dir,
        url=settings.qdrant_url,
        api_key=settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None,
        space=encoder.space,
        dimensions=encoder.dimensions,
    )
    stack.push_async_callback(index.close)
    batcher = Batcher(scorer, waiting_texts_max=settings.waiting_texts_max, metrics=metrics)
    await batcher.start()
    stack.push_async_callback(batcher.stop)
    indexer = Indexer(database=database, index=index, batcher=batcher, model=model, metrics=metrics)
    await indexer.start()
    stack.push_async_callback(indexer.stop)
    maps = Maps()
    jobs = parts.jobs or DurableJobs(settings, database, space=model.space)
    jobs.start()
    stack.push_async_callback(run_in_threadpool, jobs.stop)
    relevance = artefact.relevance_threshold if artefact else UNKNOWN_RELEVANCE
    similar = artefact.similar_threshold if artefact else UNKNOWN_RELEVANCE
    return State(
        settings=settings,
        metrics=metrics,
        database=database,
        index=index,
        batcher=batcher,
        indexer=indexer,
        triage=Triage(
            database=database,
            batcher=batcher,
            index=index,
            model=model,
            similar_threshold=similar,
            maps=maps,
        ),
        search=Search(
            database=database,
            index=index,
            batcher=batcher,
            space=model.space,
            relevance_threshold=relevance,
        ),
        model=model,
        maps=maps,
        jobs=jobs,
        default_tenant=await run_in_threadpool(_default_tenant, database),
        heads_missing=missing,
        checking=CapacityLimiter(1),
        limiter=MovingWindowRateLimiter(MemoryStorage()),
        rate=RateLimitItemPerMinute(settings.texts_per_minute) if settings.texts_per_minute else None,
    )


def _load_encoder(settings: Settings) -> Encoder:
    return load_encoder(
        settings.encoder,
        settings.model_cache,
        settings.runtime,
        report=lambda message: log.info("encoder", message=message),
        threads=settings.inference_threads,
    )


def _load_heads(settings: Settings, encoder: Encoder) -> tuple[Artefact | None, str | None]:
    """Load the heads; those of another encoder are a state to live with, damaged ones are not.

    Raises:
        ArtefactError: The folder is missing, damaged or of an unknown form.
    """
    try:
        return load_artefact(settings.model, encoder_name=encoder.name), None
    except EncoderMismatchError as error:
        log.warning("heads_missing", reason=str(error))
        return None, str(error)


def _default_tenant(database: Database) -> UUID:
    with database.write() as session:
        return ensure_tenant(session, DEFAULT_TENANT).id
