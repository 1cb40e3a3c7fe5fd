"""Reads requests strictly.

Query parameters are known ones; JSON is valid UTF-8, has no lone surrogates, no NaN and a bounded depth.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from email.message import Message
from typing import Any, get_args, get_origin

import orjson
from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from service.errors import UnsupportedMediaTypeError


class StrictRequest(Request):
    """A request whose JSON is read by orjson; the standard library's reader lets lone surrogates in."""

    async def json(self) -> Any:
        """Return the body.

        Raises:
            orjson.JSONDecodeError: A `json.JSONDecodeError`, which FastAPI answers with 422.
        """
        if not hasattr(self, "_json"):
            self._json = orjson.loads(await self.body())
        return self._json


class StrictRoute(APIRoute):
    """A route that refuses what it does not know: a mistyped filter must not pass for no filter."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's handler."""
        handler = super().get_route_handler()
        known = dict(_query_parameters(self.dependant))
        takes_body = self.body_field is not None

        async def strict(request: Request) -> Response:
            _check_query(request, known)
            given = StrictRequest(request.scope, request.receive)
            # Read here, as FastAPI turns whatever its own reading raises into a plain 400.
            if takes_body and await given.body():
                _check_content_type(given)
            return await handler(given)

        return strict


def _query_parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Name each query parameter, and tell whether it may come more than once."""
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        yield field.alias, list in {get_origin(part) for part in (annotation, *get_args(annotation))}
    for inner in dependant.dependencies:
        yield from _query_parameters(inner)


def _check_query(request: Request, known: Mapping[str, bool]) -> None:
    given = Counter(name for name, _ in request.query_params.multi_items())
    found = [
        {"loc": ("query", name), "msg": "Extra inputs are not permitted"}
        for name in sorted(given.keys() - known)
    ]
    found += [
        {"loc": ("query", name), "msg": "Expected once"}
        for name, times in given.items()
        if times > 1 and not known.get(name, True)
    ]
    if found:
        raise RequestValidationError(found)


def _check_content_type(request: Request) -> None:
    message = Message()
    message["content-type"] = request.headers.get("content-type", "")
    if message.get_content_type() != "application/json":
        raise UnsupportedMediaTypeError(
            "expected a body with `Content-Type: application/json`, got one with another or none"
        )
