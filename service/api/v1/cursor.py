"""Opaque cursors: where a page ended, signed by nothing, because it opens nothing."""

import base64
import binascii
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from service.errors import UnprocessableError


class Cursor(BaseModel):
    """Where a page ended; each list has its own fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


C = TypeVar("C", bound=Cursor)


def encode(cursor: Cursor) -> str:
    """Write a cursor as a short string without special characters."""
    return base64.urlsafe_b64encode(cursor.model_dump_json().encode()).decode().rstrip("=")


def decode(form: type[C], given: str | None) -> C | None:
    """Read a cursor that one of this list's pages gave out.

    Raises:
        UnprocessableError: It is not one.
    """
    if given is None:
        return None
    try:
        return form.model_validate_json(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    except (ValidationError, binascii.Error, ValueError) as error:
        raise UnprocessableError(
            "expected the next_cursor of a page of this list, got something else"
        ) from error
