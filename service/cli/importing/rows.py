"""Rows of a file as they came: JSON Lines, and what both forms share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from typing import Any, Final

import orjson

from service.cli.errors import CliError

UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")

REJECTED_KEYS: Final = frozenset({"line", "reason", "item"})

BYTE_ESCAPES: Final = range(0xDC80, 0xDD00)
"""What Python's `surrogateescape` makes of a byte that is no character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record.

    Attributes:
        line: Where it begins in the file, from 1.
        raw: The record as it stands in the file.
        values: What it says, by field.
    """

    line: int
    raw: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """A record that cannot be read, and why."""

    line: int
    raw: str
    reason: str


@contextmanager
def decoded(source: BufferedReader, encoding: str | None) -> Iterator[TextIOWrapper]:
    """Read a file as text; a byte that is no character survives as an escape, for `bad_byte` to find.

    Args:
        source: The file.
        encoding: Its encoding; UTF-8, or UTF-16 if it begins with that mark, when `None`.

    Raises:
        CliError: There is no such encoding.
    """
    if encoding is None:
        encoding = "utf-16" if source.peek(2)[:2] in UTF16_MARKS else "utf-8-sig"
    try:
        text = TextIOWrapper(source, encoding=encoding, errors="surrogateescape", newline="")
    except LookupError as error:
        raise CliError(
            f"expected an encoding such as utf-8, cp1252 or utf-16, got {encoding!r}: {error}"
        ) from error
    try:
        yield text
    finally:
        # Whoever opened the file closes it; a wrapper would do so when it is collected.
        text.detach()


def bad_byte(text: str) -> str | None:
    r"""Return why a line is not in the file's encoding, or `None` when it is.

    >>> bad_byte("Gr\udcfc\udcdfe")
    'byte 0xFC at character 3 does not fit the encoding; name the right one, such as --encoding cp1252'
    """
    for place, character in enumerate(text, start=1):
        if ord(character) in BYTE_ESCAPES:
            return (
                f"byte 0x{ord(character) - 0xDC00:02X} at character {place} does not fit the encoding; "
                "name the right one, such as --encoding cp1252"
            )
    return None


def read_json_lines(lines: Iterator[str]) -> Iterator[Row | Malformed]:
    """Read one JSON object a line; empty lines are passed over.

    A line of a file of rejected rows stands for the item in it, so that one can correct and import those.
    """
    for number, line in enumerate(lines, start=1):
        raw = line.strip()
        if not raw:
            continue
        reason = bad_byte(raw)
        if reason is None:
            try:
                values = orjson.loads(raw)
            except orjson.JSONDecodeError as error:
                reason = f"not JSON: {error}"
            else:
                if isinstance(values, dict):
                    values = values["item"] if values.keys() == REJECTED_KEYS else values
                if isinstance(values, dict):
                    yield Row(line=number, raw=raw, values=values)
                    continue
                reason = f"expected a JSON object, got {type(values).__name__}"
        yield Malformed(line=number, raw=raw, reason=reason)
