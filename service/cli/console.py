"""What commands write on: a terminal in colour, or a pipe in plain text of a readable width."""

import sys
from typing import Any, Final

import orjson
from rich.console import Console

PIPE_COLUMNS: Final = 120
"""A pipe has no width; this is what a table gets in one."""


WIDE_COLUMNS: Final = 100
"""From here a table has room for all columns; below, what is long shares one."""


def is_wide(console: Console) -> bool:
    """Tell whether a table has room for all its columns."""
    return console.width >= WIDE_COLUMNS


def out() -> Console:
    """Return the console of results: standard output."""
    # On a terminal the width is the terminal's own.
    return Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS, highlight=False)


def err() -> Console:
    """Return the console of everything beside results: standard error."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:
    """Write a document as JSON on standard output, never wrapped, coloured or cut."""
    print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())  # noqa: T201 (what a command is for)
