"""What commands write on: a terminal in colour, or a pipe in plain text of a readable width."""

import sys
from typing import Any, Final

import orjson
from rich.console import Console

PIPE_COLUMNS: Final = 120
"""A pipe has no width; this is what a table gets in one."""


def out() -> Console:
    """Return the console of results: standard output."""
    # On a terminal the width is the terminal's own.
    return Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS, highlight=False)


def err() -> Console:
    """Return the console of everything beside results: standard error."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:
    """Write a document as JSON on standard output, never wrapped, coloured or cut."""
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
    # Another encoding than UTF-8 (a bare LANG=C) must not end in a traceback.
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))  # noqa: T201 (what a command is for)
