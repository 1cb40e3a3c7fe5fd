"""`closeloop serve`: runs the service."""

import socket
from typing import Annotated

import structlog
import typer

from service import logging as service_logging
from service.cli.address import is_loopback
from service.cli.errors import CliError
from service.cli.settings import service_settings
from service.settings import Settings


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8080,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; several need a Qdrant URL.")] = 1,
) -> None:
    """Run the service; it brings its database to this version's form first."""
    settings = service_settings()
    check_address(settings, host)
    check_index(settings, workers)
    # Taken first: it would be a pity to load the models and then find the port in use.
    listener = bind(host, port)
    service_logging.configure(settings.log_format)
    structlog.get_logger().info("starting", url=url_of(listener))
    # torch and its like take seconds; no other command needs them.
    from service.cli.serving import run  # noqa: PLC0415

    run(settings, listener, workers=workers, url=url_of(listener))


def check_address(settings: Settings, host: str) -> None:
    """Keep a service without keys to this machine.

    Raises:
        CliError: It would be open to others.
    """
    if settings.auth == "off" and not is_loopback(host):
        raise CliError(
            f"refusing to listen on {host} with CLOSELOOP_AUTH=off: whoever reaches this machine could read "
            "and change everything. Use --host 127.0.0.1, or CLOSELOOP_AUTH=on and `closeloop keys create`"
        )


def check_index(settings: Settings, workers: int) -> None:
    """Keep the in-process index to one process.

    Raises:
        CliError: Several workers would need to share it or its writer, or the Qdrant URL is none.
    """
    if workers > 1 and not settings.qdrant_url:
        raise CliError(
            f"refusing {workers} workers without CLOSELOOP_QDRANT_URL: the vector index in process locks its "
            "files, so only one process can open it. Set CLOSELOOP_QDRANT_URL to a Qdrant server, or use "
            "--workers 1"
        )
    if workers > 1 and settings.sqlalchemy_url().startswith("sqlite"):
        raise CliError(
            f"refusing {workers} workers on SQLite: nothing would keep their index writers from overtaking "
            "each other. Set CLOSELOOP_DATABASE_URL to a PostgreSQL, or use --workers 1"
        )
    if settings.qdrant_url and not settings.qdrant_url.startswith(("http://", "https://")):
        raise CliError(
            f"expected CLOSELOOP_QDRANT_URL to be like http://127.0.0.1:6333, got {settings.qdrant_url!r}"
        )


def bind(host: str, port: int) -> socket.socket:
    """Take the port without listening yet: until the service is ready, callers are refused, not kept waiting.

    Raises:
        CliError: It is in use, or not to be had.
    """
    # A name such as localhost means its IPv4 address, as it does to most clients.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    # As servers do: a port whose last connections are still closing is free.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), port))
    except (OSError, UnicodeError) as error:
        listener.close()
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CliError(
            f"cannot listen on {host}:{port}: {reason}; choose another with --port, or stop what holds it"
        ) from error
    listener.set_inheritable(True)
    return listener


def url_of(listener: socket.socket) -> str:
    """Return where the service will answer."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
