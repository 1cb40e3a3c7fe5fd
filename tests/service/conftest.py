"""A composed application on tiny real parts: weightless encoder, SQLite file, Qdrant Edge."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from models.artefact import Artefact
from models.encoder.hashing import HashingEncoder
from service.app import create_app
from service.auth import create_key
from service.lifespan import Parts
from service.settings import Settings
from service.store.database import Database

Serve = Callable[..., TestClient]


@pytest.fixture
def parts(hashing_encoder: HashingEncoder, tiny_artefact: Artefact) -> Parts:
    return Parts(encoder=hashing_encoder, artefact=tiny_artefact)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite+pysqlite:///{tmp_path / 'closeloop.db'}"


@pytest.fixture
def serve(tmp_path: Path, parts: Parts, database_url: str) -> Iterator[Serve]:
    """Start applications; each is stopped at the end of the test."""
    with ExitStack() as stack:

        def start(parts: Parts = parts, **settings: Any) -> TestClient:
            given = {"auth": "off", "data_dir": tmp_path, "database_url": database_url, **settings}
            app = create_app(Settings(**given), parts)
            return stack.enter_context(TestClient(app, raise_server_exceptions=False))

        yield start


@pytest.fixture
def client(serve: Serve) -> TestClient:
    """One running application without keys: everybody acts for tenant `default`."""
    return serve()


@pytest.fixture
def key(client: TestClient) -> Callable[..., dict[str, str]]:
    """Make a key and return the header that carries it."""

    def make(tenant: str, *scopes: str) -> dict[str, str]:
        database: Database = client.app.state.closeloop.database
        with database.write() as session:
            secret = create_key(
                session, tenant_name=tenant, name=f"{tenant} key", scopes=scopes or ("score", "read", "write")
            )
        return {"Authorization": f"Bearer {secret}"}

    return make
