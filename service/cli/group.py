"""The command line's frame: every expected failure ends in one line and exit code 1."""

import sys
from io import TextIOWrapper
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from service.cli.cells import plain
from service.cli.errors import CliError


class Commands(TyperGroup):
    """Commands that end with `CliError` when they cannot do their work."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; write a `CliError` as one line.

        Raises:
            typer.Exit: The command could not do its work.
        """
        _show_anything()
        try:
            return super().invoke(ctx)
        except CliError as error:
            # Not wrapped: a log reader, or a person with a pipe, expects one line.
            Console(stderr=True, soft_wrap=True, highlight=False).print(
                Text("closeloop: ", style="bold red") + Text(plain(str(error)))
            )
            raise typer.Exit(1) from error


def _show_anything() -> None:
    """Let a terminal or pipe of another encoding show escapes; customers write in every script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
