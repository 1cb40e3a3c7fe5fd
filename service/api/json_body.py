"""Reads JSON bodies strictly: valid UTF-8, no lone surrogates, no NaN, bounded depth."""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute


class StrictJsonRequest(Request):
    """A request whose JSON is read by orjson; the standard library's reader lets lone surrogates in."""

    async def json(self) -> Any:
        """Return the body.

        Raises:
            orjson.JSONDecodeError: A `json.JSONDecodeError`, which FastAPI answers with 422.
        """
        if not hasattr(self, "_json"):
            self._json = orjson.loads(await self.body())
        return self._json


class StrictJsonRoute(APIRoute):
    """A route that reads its body with `StrictJsonRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's handler."""
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(StrictJsonRequest(request.scope, request.receive))

        return strict
