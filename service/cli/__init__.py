"""The command line, `closeloop`. One file a command."""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from service.cli import corrections as _corrections
from service.cli import keys as _keys
from service.cli.complaints import COMMANDS as COMPLAINTS
from service.cli.demo import demo as _demo
from service.cli.doctor import doctor as _doctor
from service.cli.group import Commands
from service.cli.import_file import import_file as _import_file
from service.cli.prepare import prepare as _prepare
from service.cli.queue import queue as _queue
from service.cli.reindex import reindex as _reindex
from service.cli.score import score as _score
from service.cli.search import search as _search
from service.cli.serve import serve as _serve

__all__ = ["app"]


def _make_app() -> typer.Typer:
    made = typer.Typer(
        name="closeloop",
        cls=Commands,
        callback=_closeloop,
        no_args_is_help=True,
        # A traceback that shows local variables would show customers' words and keys.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, command, panel in (
        ("serve", _serve, "Run"),
        ("prepare", _prepare, "Run"),
        ("doctor", _doctor, "Run"),
        ("demo", _demo, "Use"),
        ("import", _import_file, "Use"),
        ("score", _score, "Use"),
        ("search", _search, "Use"),
        ("queue", _queue, "Use"),
        ("reindex", _reindex, "Run"),
    ):
        made.command(name, rich_help_panel=panel)(command)
    keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke keys; works on the database.")
    keys.command("create")(_keys.create)
    keys.command("list")(_keys.list_keys)
    keys.command("revoke")(_keys.revoke)
    made.add_typer(keys, name="keys", rich_help_panel="Run")
    complaints = typer.Typer(no_args_is_help=True, help="What recurs: found, named, merged, closed.")
    for told, act in COMPLAINTS:
        complaints.command(told)(act)
    made.add_typer(complaints, name="complaints", rich_help_panel="Use")
    corrections = typer.Typer(no_args_is_help=True, help="What people corrected, for training.")
    corrections.command("export")(_corrections.export)
    made.add_typer(corrections, name="corrections", rich_help_panel="Use")
    return made


def _show_version(asked: bool) -> None:
    if asked:
        try:
            typer.echo(f"closeloop {version('closeloop')}")
        except PackageNotFoundError:
            typer.echo("closeloop, run from a folder that is not installed")
        raise typer.Exit


def _closeloop(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Self-hosted triage of customer feedback in any language.

    Commands that ask the service find it at CLOSELOOP_URL (http://127.0.0.1:8080) and use CLOSELOOP_KEY.
    """


app = _make_app()
