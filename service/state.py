"""What lives as long as the application."""

from dataclasses import dataclass
from uuid import UUID

from anyio import CapacityLimiter
from limits import RateLimitItem
from limits.strategies import RateLimiter

from service.complaints.maps import Maps
from service.jobs import Jobs
from service.metrics import Metrics
from service.search import Search
from service.settings import Settings
from service.store.database import Database
from service.store.vectors import VectorIndex
from service.triage.accept import ModelIdentity
from service.triage.batcher import Batcher
from service.triage.indexer import Indexer
from service.triage.triage import Triage


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The composed application; built once in `service/lifespan.py`.

    Attributes:
        default_tenant: Whom callers without a key act for while `CLOSELOOP_AUTH` is `off`.
        heads_missing: Why scoring is not possible, `None` when it is.
        checking: A thread for the health check beside the worker threads, which may all be waiting.
    """

    settings: Settings
    metrics: Metrics
    database: Database
    index: VectorIndex
    batcher: Batcher
    indexer: Indexer
    triage: Triage
    search: Search
    model: ModelIdentity
    maps: Maps
    jobs: Jobs
    default_tenant: UUID
    heads_missing: str | None
    checking: CapacityLimiter
    limiter: RateLimiter
    rate: RateLimitItem | None
