"""Reads requests strictly.

Query parameters are known ones; JSON is valid UTF-8, has no lone surrogates, no NaN and a bounded depth.
"""

from collections.abc import Callable, Coroutine, Iterator
from email.message import Message
from typing import Any

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
        known = frozenset(_query_names(self.dependant))
        takes_body = self.body_field is not None

        async def strict(request: Request) -> Response:
            _check_query(request, known)
            given = StrictRequest(request.scope, request.receive)
            # Read here, as FastAPI turns whatever its own reading raises into a plain 400.
            if takes_body and await given.body():
                _check_content_type(given)
            return await handler(given)

        return strict


def _query_names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        yield field.alias
    for inner in dependant.dependencies:
        yield from _query_names(inner)


def _check_query(request: Request, known: frozenset[str]) -> None:
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise RequestValidationError(
            [{"loc": ("query", name), "msg": "Extra inputs are not permitted"} for name in unknown]
        )


def _check_content_type(request: Request) -> None:
    message = Message()
    message["content-type"] = request.headers.get("content-type", "")
    if message.get_content_type() != "application/json":
        raise UnsupportedMediaTypeError(
            "expected a body with `Content-Type: application/json`, got one with another or none"
        )
