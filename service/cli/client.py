"""The one way in which commands speak to the service."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

import httpx
import orjson

from service.cli.address import is_loopback
from service.cli.errors import CliError, NoAnswerError, NoServiceError, ProblemError
from service.cli.settings import ClientSettings

CONNECT_SECONDS: Final = 5.0

ANSWER_SECONDS: Final = 75.0
"""Longer than any deadline that a command gives to the service."""

UNAUTHORIZED: Final = 401

FIELDS_MAX: Final = 3
"""Fields that do not fit, named in one line."""

Query = Mapping[str, str | int | float | bool | list[str] | None]


class Client:
    """Speaks HTTP to one service; every failure becomes a `CliError` of one line.

    Args:
        settings: Where the service is and which key to use.
        transport: What carries the requests, instead of the network.

    Raises:
        CliError: The address is none.
    """

    def __init__(self, settings: ClientSettings, *, transport: httpx.BaseTransport | None = None) -> None:
        self.url = settings.url.rstrip("/")
        headers = {"Content-Type": "application/json", "User-Agent": "closeloop"}
        if settings.key is not None:
            headers["Authorization"] = f"Bearer {settings.key.get_secret_value()}"
        try:
            address = httpx.URL(self.url)
            if address.scheme not in {"http", "https"} or not address.host:
                raise CliError(
                    f"expected CLOSELOOP_URL to be like http://127.0.0.1:8080, got {settings.url!r}"
                )
            self._client = httpx.Client(
                base_url=address,
                headers=headers,
                timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
                transport=transport,
                # A proxy for the way out cannot reach what listens on this machine only.
                trust_env=not is_loopback(address.host),
            )
        except httpx.InvalidURL as error:
            raise CliError(
                f"expected CLOSELOOP_URL to be like http://127.0.0.1:8080, got {settings.url!r}: {error}"
            ) from error
        except UnicodeEncodeError as error:
            raise CliError("expected CLOSELOOP_KEY to be a key made by `closeloop keys create`") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(
        self, path: str, query: Query | None = None, *, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Read something."""
        return document_of(self.send("GET", path, query=query, headers=headers))

    def post(self, path: str, body: object, *, deadline_seconds: float | None = None) -> dict[str, Any]:
        """Ask for something to be done."""
        return document_of(self.send("POST", path, body=body, deadline_seconds=deadline_seconds))

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        deadline_seconds: float | None = None,
        accept: tuple[int, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send one request.

        Args:
            method: The HTTP method.
            path: From the root of the service.
            query: Query parameters; those that are `None` are left out.
            body: Is sent as JSON.
            deadline_seconds: How long the service may work on it.
            accept: Statuses to hand back beside those of success.
            headers: Further headers.

        Raises:
            NoServiceError: Nobody listens there.
            NoAnswerError: The connection broke, or no answer came in time.
            ProblemError: The answer is a refusal.
            CliError: The request cannot be written.
        """
        sent = dict(headers or {})
        if deadline_seconds is not None:
            sent["X-Deadline-Ms"] = str(round(deadline_seconds * 1e3))
        with self._translated():
            content = None if body is None else orjson.dumps(body)
            answer = self._client.request(method, path, params=_given(query), content=content, headers=sent)
        if not answer.is_success and answer.status_code not in accept:
            raise self._problem(answer)
        return answer

    def chunks(self, path: str, query: Query | None = None) -> Iterator[bytes]:
        """Read something of any size, piece by piece; an answer that is cut off raises.

        Raises:
            NoServiceError: Nobody listens there.
            NoAnswerError: The connection broke before the answer's end.
            ProblemError: The answer is a refusal.
        """
        with self._translated(), self._client.stream("GET", path, params=_given(query)) as answer:
            if not answer.is_success:
                answer.read()
                raise self._problem(answer)
            yield from answer.iter_bytes()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what a request can fail with into the errors of `send`."""
        try:
            yield
        except (orjson.JSONEncodeError, UnicodeEncodeError) as error:
            raise CliError(f"expected text in UTF-8, got something else: {error}") from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NoServiceError(f"no service at {self.url}; start it with `closeloop serve`") from error
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise NoAnswerError(f"the service at {self.url} gave no answer: {reason}") from error

    def _problem(self, answer: httpx.Response) -> ProblemError:
        problem = _json_of(answer)
        if not isinstance(problem, dict) or "title" not in problem:
            kind = answer.headers.get("content-type", "no content type")
            return ProblemError(
                f"expected Closeloop at {self.url}, got another answer: HTTP {answer.status_code}, {kind}",
                status=answer.status_code,
                problem={},
                retry_after_seconds=_retry_after(answer),
            )
        message = explain_problem(problem)
        if answer.status_code == UNAUTHORIZED:
            message += "; set CLOSELOOP_KEY to a key made by `closeloop keys create`"
        return ProblemError(
            message,
            status=answer.status_code,
            problem=problem,
            retry_after_seconds=_retry_after(answer),
        )


def _given(query: Query | None) -> dict[str, str | int | float | bool | list[str]]:
    return {name: value for name, value in (query or {}).items() if value is not None}


def document_of(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON object that an answer holds.

    Raises:
        CliError: It holds something else.
    """
    found = _json_of(answer)
    if not isinstance(found, dict):
        kind = answer.headers.get("content-type", "no content type")
        raise CliError(f"expected a JSON object from {answer.request.url}, got {kind}")
    return found


def explain_problem(problem: Mapping[str, Any]) -> str:
    """Write a problem document as one line.

    >>> explain_problem({"title": "Not found", "status": 404, "detail": "no key ab12"})
    'Not found: no key ab12 (HTTP 404)'
    """
    fields = [
        f"{row.get('pointer')}: {row.get('detail')}"
        for row in problem.get("errors") or []
        if isinstance(row, dict)
    ]
    detail = "; ".join(fields[:FIELDS_MAX]) or problem.get("detail")
    return " ".join(f"{problem.get('title')}: {detail} (HTTP {problem.get('status')})".split())


def _json_of(answer: httpx.Response) -> Any:
    try:
        return orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return None


def _retry_after(answer: httpx.Response) -> float | None:
    value = answer.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else None
