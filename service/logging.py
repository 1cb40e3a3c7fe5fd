"""Structured logs: JSON lines, or colours on a terminal. No line ever holds a customer's words."""

import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Literal

import structlog

from models.errors import ModelError
from service.errors import ServiceError
from service.store.errors import StoreError


def configure(form: Literal["auto", "json", "console"]) -> None:
    """Set up structlog, and the standard library's loggers to go through it.

    Args:
        form: `auto` is `console` on a terminal and `json` otherwise.
    """
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    renderer = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                without_words,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    # One canonical line a request comes from service/middleware.py.
    logging.getLogger("uvicorn.access").disabled = True
    # These log every outgoing request and model path at INFO.
    for name in ("httpx", "httpx2", "sentence_transformers", "transformers", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


def without_words(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Replace an exception by its traceback, without what may hold a customer's words.

    Those are local variables, and the messages of foreign exceptions: a database names the row it
    refused, a validator the value. Messages of this project's own errors never hold them.
    """
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_lines(error))
    return event


def _lines(error: BaseException) -> Iterator[str]:
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield from _lines(earlier)
        yield "from which came:"
    yield from (line.rstrip("\n") for line in traceback.format_tb(error.__traceback__))
    own = isinstance(error, ServiceError | StoreError | ModelError)
    yield f"{type(error).__module__}.{type(error).__qualname__}" + (f": {error}" if own else "")
