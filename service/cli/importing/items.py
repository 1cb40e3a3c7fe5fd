"""From a row to an item of POST /v1/feedback, checked before it travels."""

import hashlib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

import orjson
from pydantic import ValidationError

from service.api.v1.wire.feedback import FeedbackIn
from service.cli.importing.columns import put
from service.cli.importing.rows import Malformed, Row
from service.problems import field_problems

ID_PREFIX: Final = "import-"
ID_HEX: Final = 32
REASONS_MAX: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One text, ready to be sent.

    Attributes:
        line: Where it begins in the file.
        content: An item of the request.
        chars: Length of its text.
        size: Its length as JSON, in bytes.
    """

    line: int
    content: dict[str, Any]
    chars: int
    size: int

    @classmethod
    def of(cls, content: dict[str, Any], *, line: int) -> "Item":
        """Return an item that is known to fit."""
        return cls(line=line, content=content, chars=len(content["text"]), size=len(orjson.dumps(content)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A row that was not stored.

    Attributes:
        line: Where it begins in the file.
        reason: What was expected and what came.
        content: The row as it was, or as it was sent.
    """

    line: int
    reason: str
    content: dict[str, Any] | str


def item_of(
    row: Row | Malformed, *, defaults: Mapping[str, Any] | None = None, zone: tzinfo | None = None
) -> Item | Rejection:
    """Check a row as the service would.

    A row without `external_id` gets one that is made of its own content and its line, so that it is
    the same whenever the file is read, after rows were added below or others were corrected too, while
    two customers who said the same stay two.

    Args:
        row: What was read.
        defaults: Values of fields that the row lacks, by field.
        zone: Of times that carry none.
    """
    if isinstance(row, Malformed):
        return Rejection(line=row.line, reason=row.reason, content=row.raw)
    values = deepcopy(row.values)
    for field, value in (defaults or {}).items():
        # The kind of a rating completes one; it does not make one.
        if not field.startswith("rating.") or values.get("rating"):
            put(values, field, value, replace=False)
    if values.get("external_id") is None:
        values["external_id"] = derived_id(row)
    if zone is not None and isinstance(values.get("occurred_at"), str):
        values["occurred_at"] = _with_zone(values["occurred_at"], zone)
    try:
        checked = FeedbackIn.model_validate(values)
    except ValidationError as error:
        found = field_problems(list(error.errors(include_input=False, include_url=False)), skip=0)
        reason = "; ".join(f"{row.pointer}: {row.detail}" for row in found[:REASONS_MAX])
        return Rejection(line=row.line, reason=reason, content=values)
    return Item.of(checked.model_dump(mode="json", exclude_unset=True), line=row.line)


def derived_id(row: Row) -> str:
    """Name a row that has no id of its own: a hash of its line number and its content.

    >>> derived_id(Row(line=2, raw="ok", values={})) == derived_id(Row(line=3, raw="ok", values={}))
    False
    """
    digest = hashlib.sha256(f"{row.line}\n{row.raw}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{ID_PREFIX}{digest[:ID_HEX]}"


def _with_zone(value: str, zone: tzinfo) -> str:
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return value  # the check says what is wrong with it
    return value if moment.tzinfo else moment.replace(tzinfo=zone).isoformat()
