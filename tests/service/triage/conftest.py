"""An application whose index can be taken away, and an indexer that a test turns by hand."""

from dataclasses import replace

import pytest
from starlette.concurrency import run_in_threadpool

from service.metrics import Metrics
from service.store.errors import IndexUnavailableError
from service.store.vectors import EdgeIndex
from service.triage.indexer import Indexer


class Index:
    """The engine in process, with a switch to take it away and a word it refuses."""

    def __init__(self, engine):
        self.engine = engine
        self.down = False
        self.refused = set()
        self.during_upsert = None

    def __getattr__(self, name):
        method = getattr(self.engine, name)

        async def call(*args, **kwargs):
            if self.down and name != "close":
                raise IndexUnavailableError("the engine has left the building")
            return await method(*args, **kwargs)

        return call

    async def upsert(self, points):
        if self.down:
            raise IndexUnavailableError("the engine has left the building")
        if any(point.id in self.refused for point in points):
            raise ValueError("a point that no engine takes: Aino")
        if self.during_upsert:
            hook, self.during_upsert = self.during_upsert, None
            await run_in_threadpool(hook)
        await self.engine.upsert(points)


@pytest.fixture
def index(memory_folder, hashing_encoder):
    space, dimensions = hashing_encoder.space, hashing_encoder.dimensions
    return Index(EdgeIndex(memory_folder, space=space, dimensions=dimensions))


@pytest.fixture
def app(serve, parts, index):
    return serve(replace(parts, index=index))


@pytest.fixture
def database(app):
    return app.app.state.closeloop.database


@pytest.fixture
def indexer_with(app, index, database):
    """Put an indexer with other models in the place of the application's."""
    state = app.app.state.closeloop

    def start(models, database=database):
        app.portal.call(state.indexer.stop)
        return Indexer(database=database, index=index, batcher=models, model=state.model, metrics=Metrics())

    return start
