"""The application: routes, problems and middleware around one composed state."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline

from service import problems
from service.api import health
from service.api.v1 import (
    accounts,
    cases,
    complaint_acts,
    complaints,
    corrections,
    feedback,
    labels,
    reindex,
    score,
    search,
)
from service.lifespan import Parts, lifespan_of
from service.metrics import Metrics
from service.middleware import RequestMiddleware
from service.settings import Settings

DESCRIPTION = """Self-hosted triage of customer feedback in any language.

Errors are RFC 9457 problem documents. Times are RFC 3339 in UTC. Lists give a `next_cursor`.
"""

REQUEST_ID_HEADER: Final = {
    "description": "The caller's own, or one made for the request; the log has it too.",
    "schema": {"type": "string"},
}
RETRY_AFTER_HEADER: Final = {
    "description": "Seconds after which to try again, where trying again can help.",
    "schema": {"type": "integer", "minimum": 1},
}
RETRYABLE: Final = ("429", "503")


def create_app(settings: Settings, parts: Parts | None = None) -> FastAPI:
    """Compose the application; nothing is loaded or opened before its lifespan begins.

    Args:
        settings: What can be set.
        parts: Ready-made models or stores in place of those that `settings` name, for tests.
    """
    metrics = Metrics()
    # FastAPI's own pages under /docs load their scripts from elsewhere: blank on a machine of its own.
    app = FastAPIOffline(
        redoc_url=None,
        static_url="/docs-assets",
        title="Closeloop",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan_of(settings, metrics, parts or Parts()),
    )
    app.add_middleware(RequestMiddleware, metrics=metrics)
    nouns = (
        health,
        score,
        feedback,
        labels,
        accounts,
        search,
        cases,
        complaints,
        complaint_acts,
        corrections,
        reindex,
    )
    for noun in nouns:
        app.include_router(noun.router)
    own = [route for noun in nouns for route in noun.router.routes if isinstance(route, APIRoute)]
    problems.install(app, own)
    app.openapi = lambda: openapi_of(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, with problem documents as the only form of a refusal."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        for path in document["paths"].values():
            for operation in path.values():
                for status, answer in operation["responses"].items():
                    _describe_answer(status, answer)
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        app.openapi_schema = document
    return app.openapi_schema


def _describe_answer(status: str, answer: dict[str, Any]) -> None:
    content = answer.get("content", {})
    for media_type in ("application/json", corrections.JSON_LINES):
        if problems.MEDIA_TYPE in content and content.get(media_type) == content[problems.MEDIA_TYPE]:
            # FastAPI adds its own form beside the declared one.
            content.pop(media_type)
    if corrections.JSON_LINES in content:
        # A line has this form, the whole does not: OpenAPI 3.2's word for it, as FastAPI writes it too.
        line = content[corrections.JSON_LINES]
        line["itemSchema"] = {"$ref": line.pop("schema")["$ref"]}
    answer["headers"] = {"X-Request-Id": REQUEST_ID_HEADER, **answer.get("headers", {})}
    if status in RETRYABLE and problems.MEDIA_TYPE in content:
        answer["headers"]["Retry-After"] = RETRY_AFTER_HEADER
