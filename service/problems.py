"""Every refusal as an RFC 9457 problem document.

One table maps an error class to its status, type and title. 422 without a table entry is FastAPI's
own: the payload did not fit its model.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Route

from service import errors
from service.store.errors import DatabaseUnavailableError, IndexUnavailableError

MEDIA_TYPE: Final = "application/problem+json"

ERRORS_MAX: Final = 50
"""Fields that one problem document names at most."""

FIELD_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What a field's name looks like; what does not is not repeated: it may be a customer's words."""

TABLE: Final[dict[type[Exception], tuple[HTTPStatus, str]]] = {
    errors.UnauthenticatedError: (HTTPStatus.UNAUTHORIZED, "No valid key"),
    errors.ForbiddenError: (HTTPStatus.FORBIDDEN, "The key lacks a scope"),
    errors.NotFoundError: (HTTPStatus.NOT_FOUND, "Not found"),
    errors.ConflictError: (HTTPStatus.CONFLICT, "Contradicts what is stored"),
    errors.TooLargeError: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too large"),
    errors.UnsupportedMediaTypeError: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not JSON"),
    errors.UnprocessableError: (HTTPStatus.UNPROCESSABLE_ENTITY, "Not acceptable"),
    errors.RateLimitedError: (HTTPStatus.TOO_MANY_REQUESTS, "Above this tenant's rate"),
    errors.OverloadedError: (HTTPStatus.SERVICE_UNAVAILABLE, "The service is full"),
    errors.DeadlineExceededError: (HTTPStatus.SERVICE_UNAVAILABLE, "Not done before the deadline"),
    errors.NoHeadsError: (HTTPStatus.SERVICE_UNAVAILABLE, "No heads for this encoder"),
    DatabaseUnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer"),
    IndexUnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "The index does not answer"),
}


class FieldProblem(BaseModel):
    """One field that does not fit; never with the value that came, which may be a customer's words."""

    pointer: str = Field(description="JSON pointer into the body, or the parameter's name.")
    detail: str = Field(description="What was expected.")


class Problem(BaseModel):
    """RFC 9457 problem document."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:closeloop:problem:not-found",
                    "title": "Not found",
                    "status": 404,
                    "detail": "no feedback 0198c6b0-1f0e-7c1c-9d52-1f2d3c4b5a69 in this tenant",
                }
            ]
        },
    )

    type: str = Field(description="Identifies the kind of problem.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What was expected and what came.")


def problem_of(error: Exception) -> Problem:
    """Describe an error of this project as a problem document.

    Raises:
        KeyError: The class has no row in `TABLE`; a test proves that none is forgotten.
    """
    status, title = TABLE[type(error)]
    extra = error.extra if isinstance(error, errors.ServiceError) else {}
    return Problem(type=_type_of(error), title=title, status=status, detail=str(error), **extra)


def field_problems(found: Sequence[Mapping[str, Any]], *, skip: int = 1) -> list[FieldProblem]:
    """Describe pydantic's findings by where they are and what was expected.

    Args:
        found: `ValidationError.errors()`.
        skip: Leading parts of each location to leave out: FastAPI's own `body`, `query`, `path` or
            `header`; none where a body was validated by itself.
    """
    return [_field_problem(row, row["loc"][skip:], "body" if not skip else row["loc"][0]) for row in found]


def summary_of(found: Sequence[FieldProblem]) -> tuple[str, list[dict[str, str]]]:
    """Return one sentence about these fields, and the first `ERRORS_MAX` of them."""
    where = ", ".join(sorted({row.pointer or "the body" for row in found[:ERRORS_MAX]})[:5])
    return f"{len(found)} field(s) do not fit: {where}", [row.model_dump() for row in found[:ERRORS_MAX]]


def unexpected() -> Problem:
    """Describe a failure of the service itself: the log has the traceback, the caller gets no inside view."""
    return Problem(
        type="about:blank",
        title="Internal error",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        detail="the service failed on this request; its log has the reason under the X-Request-Id",
    )


def respond(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    """Answer with a problem document."""
    return JSONResponse(
        problem.model_dump(mode="json"), status_code=problem.status, headers=headers, media_type=MEDIA_TYPE
    )


def install(app: FastAPI, routes: Sequence[Route]) -> None:
    """Let every error of this project leave the app as a problem document.

    Args:
        app: The application.
        routes: All that it answers, to name the methods that a path allows.
    """

    async def wrong_method(request: Request, _error: Exception) -> JSONResponse:
        # The framework names the methods of the first route that has this path, and no others'.
        here = [route for route in routes if route.path_regex.match(request.url.path)]
        allowed = sorted({method for route in here for method in route.methods or ()})
        problem = Problem(
            type="about:blank",
            title="Method Not Allowed",
            status=HTTPStatus.METHOD_NOT_ALLOWED,
            detail=f"expected {' or '.join(allowed)} on this path, got another method",
        )
        return respond(problem, {"Allow": ", ".join(allowed)})

    app.add_exception_handler(HTTPStatus.METHOD_NOT_ALLOWED, wrong_method)
    for error_class in TABLE:
        app.add_exception_handler(error_class, _own)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


async def _own(_request: Request, error: Exception) -> JSONResponse:
    headers = {}
    if isinstance(error, errors.RetryableError):
        headers["Retry-After"] = str(error.retry_after_seconds)
    elif isinstance(error, DatabaseUnavailableError | IndexUnavailableError):
        headers["Retry-After"] = "1"
    elif isinstance(error, errors.UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    return respond(problem_of(error), headers)


async def _validation(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    detail, rows = summary_of(field_problems(error.errors()))
    extra = {"errors": rows}
    problem = Problem(
        type="urn:closeloop:problem:invalid-request",
        title="The request does not fit its form",
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        detail=detail,
        **extra,
    )
    return respond(problem)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    title = HTTPStatus(error.status_code).phrase
    problem = Problem(
        type="about:blank", title=title, status=error.status_code, detail=str(error.detail) or title
    )
    return respond(problem, dict(error.headers or {}))


def _field_problem(row: Mapping[str, Any], where: Sequence[str | int], part: str | int) -> FieldProblem:
    if row.get("type") == "json_invalid":
        return FieldProblem(pointer="", detail=f"Not JSON: {row['ctx']['error']}, at character {where[0]}")
    names = [_name(name) for name in where if name != "[key]"]
    pointer = "".join(f"/{name}" for name in names) if part == "body" else "/".join(names)
    return FieldProblem(pointer=pointer, detail=row["msg"].removeprefix("Value error, "))


def _name(part: str | int) -> str:
    return str(part) if FIELD_NAME.fullmatch(str(part)) else "…"


def _type_of(error: Exception) -> str:
    words = type(error).__name__.removesuffix("Error")
    slug = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in words).lstrip("-")
    return f"urn:closeloop:problem:{slug}"
