"""The command line's frame: every expected failure ends in one line and exit code 1."""

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
        try:
            return super().invoke(ctx)
        except CliError as error:
            # Not wrapped: a log reader, or a person with a pipe, expects one line.
            Console(stderr=True, soft_wrap=True, highlight=False).print(
                Text("closeloop: ", style="bold red") + Text(plain(str(error)))
            )
            raise typer.Exit(1) from error
