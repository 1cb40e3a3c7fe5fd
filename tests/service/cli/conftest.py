"""Commands run in this process against a real uvicorn on a free port, on tiny real parts."""

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from structlog.testing import capture_logs
from typer.testing import CliRunner

from service.app import create_app
from service.auth import create_key
from service.cli import app
from service.cli.client import Client
from service.cli.settings import ClientSettings
from service.lifespan import Parts
from service.settings import Settings
from service.store.database import Database

START_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Running:
    """A service that answers at `url`, and its database."""

    url: str
    settings: Settings
    database: Database

    def key(self, tenant: str, *scopes: str) -> str:
        with self.database.write() as session:
            return create_key(
                session, tenant_name=tenant, name="test", scopes=scopes or ("score", "read", "write")
            )


@contextmanager
def serving(settings: Settings, parts: Parts, *, port: int = 0) -> Iterator[Running]:
    """Run a service in a thread until the block ends; its log does not mix with what commands write."""
    with capture_logs():
        yield from _serving(settings, parts, port)


def _serving(settings: Settings, parts: Parts, port: int) -> Iterator[Running]:
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(create_app(settings, parts), lifespan="on", log_config=None, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    until = time.monotonic() + START_SECONDS
    while not server.started and thread.is_alive() and time.monotonic() < until:
        time.sleep(0.01)
    assert server.started
    database = Database(settings.sqlalchemy_url())
    try:
        yield Running(
            url=f"http://127.0.0.1:{listener.getsockname()[1]}", settings=settings, database=database
        )
    finally:
        database.close()
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def running(parts: Parts) -> Iterator[Running]:
    """One service for a module; tests are kept apart by their tenants."""
    # A new index syncs a hundred files: in memory, where there is such a place, that is ten times faster.
    memory = Path("/dev/shm")  # noqa: S108  made unpredictable below
    with (
        tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        # The settings of whoever runs the tests are taken out for each test only after this.
        for name in [name for name in os.environ if name.startswith("CLOSELOOP_")]:
            patch.delenv(name)
        settings = Settings(_env_file=None, auth="on", data_dir=Path(folder))  # type: ignore[call-arg]
        with serving(settings, parts) as service:
            yield service


@pytest.fixture
def serve(parts: Parts) -> Callable[..., Any]:
    """Run a service of one's own for a block."""

    def start(data_dir: Path, parts: Parts = parts, *, port: int = 0, **settings: Any) -> Any:
        return serving(Settings(auth="on", data_dir=data_dir, **settings), parts, port=port)

    return start


@pytest.fixture
def tenant(request: pytest.FixtureRequest) -> str:
    """A tenant that no other test of the module has."""
    return request.node.name[-60:]


class Cli:
    """Runs commands as the shell would; the environment is set for one test."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._runner = CliRunner()

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._patch.setenv(f"CLOSELOOP_{name.upper()}", value)

    def __call__(self, *arguments: str, stdin: str | bytes | None = None) -> Any:
        return self._runner.invoke(app, list(arguments), input=stdin, catch_exceptions=False)

    def refused(self, *arguments: str, stdin: str | bytes | None = None) -> str:
        """Run a command that must fail with one line and exit code 1; return the line."""
        result = self(*arguments, stdin=stdin)
        assert result.exit_code == 1, result.output
        assert result.stderr.startswith("closeloop: "), result.stderr
        assert result.stderr.count("\n") == 1, result.stderr
        assert "Traceback" not in result.output
        return str(result.stderr)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> Cli:
    return Cli(monkeypatch)


@pytest.fixture
def closeloop(cli: Cli, running: Running, tenant: str) -> Cli:
    """Commands that know the running service, and have a key of the test's own tenant."""
    cli.set(
        url=running.url,
        key=running.key(tenant, "score", "read", "write", "admin"),
        data_dir=str(running.settings.data_dir),
    )
    return cli


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def talk() -> Callable[..., Client]:
    """Make a client whose requests a function answers."""

    def make(answer: Callable[[httpx.Request], httpx.Response], **settings: Any) -> Client:
        return Client(
            ClientSettings(url="http://closeloop.test", **settings), transport=httpx.MockTransport(answer)
        )

    return make
