"""Which problems a route can answer with, for the OpenAPI document."""

from typing import Any

from service.problems import MEDIA_TYPE, Problem


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declare problem documents for these statuses, and for those that every route shares."""
    return {
        status: {
            "model": Problem,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({401, 403, 413, 422, 503, *statuses})
    }
