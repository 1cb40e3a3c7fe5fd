"""Around every request: an id, a bound on its size, one canonical log line, its metrics."""

import time
from typing import Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import TooLargeError
from service.metrics import Metrics
from service.problems import problem_of, respond, unexpected

BODY_BYTES_MAX: Final = 4 * 1024 * 1024
"""200,000 characters of text take at most 12 bytes each in JSON (two escaped surrogates), and 256
items some metadata; what is larger cannot be a valid request."""

REQUEST_ID_CHARS_MAX: Final = 128

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""What a metric is labelled with; callers may send any word."""

CLIENT_LEFT: Final = 499
"""How the log names the status of an answer nobody was there to get."""

log = structlog.get_logger()


class RequestMiddleware:
    """Pure ASGI, so that streamed answers and cancellations pass through untouched."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(Headers(scope=scope).get("x-request-id"))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status: int | None = None

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self._bounded(scope, receive, answer)
        except ClientDisconnect:
            log.info("client_left")
        except Exception:
            log.exception("request_failed")
            if status is not None:
                raise  # half an answer is out: the server can only cut the connection
            await respond(unexpected())(scope, receive, answer)
        finally:
            self._record(scope, status or CLIENT_LEFT, time.perf_counter() - started)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if _declared_bytes(Headers(scope=scope)) > BODY_BYTES_MAX:
                raise _too_large()
            await self.app(scope, _bounded(receive), send)
        except TooLargeError as error:
            await respond(problem_of(error))(scope, receive, send)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        # The template, not the path: ids would make a label of unbounded size.
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self.metrics.requests.labels(method, route, status).inc()
        self.metrics.request_seconds.labels(method, route).observe(seconds)
        log.info(
            "request",
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1e3, 1),
        )


def _request_id(given: str | None) -> str:
    """Echo the caller's id where it is short and printable; a log is not theirs to write into."""
    if given and len(given) <= REQUEST_ID_CHARS_MAX and given.isascii() and given.isprintable():
        return given
    return uuid4().hex


def _declared_bytes(headers: Headers) -> int:
    declared = headers.get("content-length", "0")
    return int(declared[:20]) if declared.isascii() and declared.isdecimal() else 0


def _too_large() -> TooLargeError:
    return TooLargeError(f"expected a body of at most {BODY_BYTES_MAX} bytes, got more")


def _bounded(receive: Receive) -> Receive:
    """Stop reading a body that has no declared length, or lies about it."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > BODY_BYTES_MAX:
            raise _too_large()
        return message

    return bounded
