"""Runs uvicorn around the application, and says in one line why it could not start."""

import logging
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final

import structlog
import typer
import uvicorn
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from models.artefact import load_artefact
from models.encoder.identity import encoder_identity
from models.errors import EncoderMismatchError, ModelError
from models.weights import prepare_encoder
from service import logging as service_logging
from service.app import create_app
from service.cli.errors import CliError
from service.cli.settings import service_settings
from service.settings import Settings
from service.store.database import Database
from service.store.errors import StoreError

EXPECTED: Final = (ModelError, StoreError, SQLAlchemyError, OSError)
"""What goes wrong on somebody's machine; anything else is a mistake of ours and keeps its traceback."""

GRACE_SECONDS: Final = 20
"""For requests in hand when the service is told to stop."""

log = structlog.get_logger()

Message = MutableMapping[str, Any]


class Startup:
    """The application with an eye on its start: remembers why it failed, in place of uvicorn's traceback.

    Attributes:
        error: Why the application did not start, `None` when it did.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.error: BaseException | None = None

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Handle one connection, or the lifespan."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"].endswith(".failed"):
                # Starlette's message is a traceback; `error` says it in a line.
                message = {**message, "message": ""}
            await send(message)

        try:
            await self._app(scope, receive, tell)
        except Exception as error:
            self.error = error
            raise


def run(settings: Settings, listener: socket.socket, *, workers: int, url: str) -> None:
    """Serve until told to stop.

    Args:
        settings: What can be set.
        listener: Where to listen, bound already.
        workers: Processes.
        url: Where callers find it.

    Raises:
        CliError: The service cannot start, for a reason on this machine.
        typer.Exit: A worker could not start; it has said why.
    """
    _quieten()
    if workers > 1:
        _run_workers(settings, listener, workers, url)
        return
    startup = Startup(create_app(settings))
    server = _Server(_config(startup), url=url)
    try:
        server.run(sockets=[listener])
    except (SystemExit, OSError) as error:
        raise refusal(startup.error or error) from error
    except KeyboardInterrupt:
        # The server has stopped in good order by now.
        return


def make_app() -> Startup:
    """Make the application of one worker process."""
    settings = service_settings()
    service_logging.configure(settings.log_format)
    _quieten()
    return _Worker(create_app(settings))


def refusal(error: BaseException | None) -> CliError:
    """Say in one line why the service did not start.

    Raises:
        BaseException: `error` itself where it is a mistake of ours.
    """
    if error is None or isinstance(error, SystemExit):
        return CliError("the service stopped before it had started")
    if not isinstance(error, EXPECTED):
        raise error
    return CliError(f"cannot start: {' '.join(str(error).split()) or type(error).__name__}")


class _Server(uvicorn.Server):
    """Says when callers are answered, and where."""

    def __init__(self, config: uvicorn.Config, *, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        log.info("listening", url=self._url, docs=f"{self._url}/docs")


class _Worker(Startup):
    """One of several: has nobody to hand its error to, so it writes the line itself."""

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        try:
            await super().__call__(scope, receive, send)
        except EXPECTED as error:
            if scope["type"] == "lifespan":
                log.error("cannot_start", reason=" ".join(str(error).split()), pid=os.getpid())  # noqa: TRY400
            raise


def _run_workers(settings: Settings, listener: socket.socket, workers: int, url: str) -> None:
    _rehearse(settings)
    config = _config("service.cli.serving:make_app", factory=True, workers=workers)
    supervisor = Multiprocess(config, sockets=[listener])
    log.info("listening", url=url, docs=f"{url}/docs", workers=workers)
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise typer.Exit(1)


def _rehearse(settings: Settings) -> None:
    """Find out here what every worker would stumble over, and fetch the encoder once.

    Raises:
        CliError: The service cannot start.
    """
    try:
        database = Database(settings.sqlalchemy_url())
        database.migrate()
        database.close()
        folder = prepare_encoder(
            settings.encoder,
            settings.model_cache,
            report=lambda message: log.info("encoder", message=message),
        )
        # Heads of another encoder are a state to live with (service/lifespan.py).
        with suppress(EncoderMismatchError):
            load_artefact(settings.model, encoder_name=encoder_identity(folder)[0])
    except EXPECTED as error:
        raise refusal(error) from error


def _config(app: Any, *, factory: bool = False, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=factory,
        workers=workers,
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _quieten() -> None:
    """Leave out uvicorn's own lines about the start: there are better ones."""
    uvicorn_log = logging.getLogger("uvicorn.error")
    uvicorn_log.setLevel(logging.WARNING)
    uvicorn_log.addFilter(_is_not_summary)


def _is_not_summary(record: logging.LogRecord) -> bool:
    return record.msg != "Application startup failed. Exiting."
