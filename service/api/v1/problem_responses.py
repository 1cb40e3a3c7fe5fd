"""Which problems a route can answer with, for the OpenAPI document."""

from typing import Any, Final

from service.problems import MEDIA_TYPE, Problem

BODY: Final = (413, 415)
"""What a body can be refused for beside its content."""

AS_PROBLEM: Final = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declare problem documents for these statuses, and for those that every route shares."""
    return {
        status: {"model": Problem, "content": AS_PROBLEM}
        for status in sorted({401, 403, 422, 503, *statuses})
    }
