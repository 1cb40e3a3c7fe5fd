"""`closeloop doctor`: what is wrong, and what to do about it."""

import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer
from rich.text import Text

from service.cli.address import is_loopback
from service.cli.cells import plain, table
from service.cli.client import Client
from service.cli.console import err, out, print_json
from service.cli.settings import client_settings, service_settings

MARKS: Final = {"ok": ("ok", "green"), "note": ("note", "yellow"), "failure": ("FAIL", "bold red")}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON.")] = False,
) -> None:
    """Look at the service, its stores and its models; say how to mend what is wrong."""
    # Alembic and numpy take a second; other commands start without them.
    from service.cli.diagnosis import Finding, check_here, check_service  # noqa: PLC0415

    findings = [
        Finding(check="closeloop", level="ok", detail=f"{_version()}, Python {platform.python_version()}")
    ]
    with err().status("looking ...", spinner="line"):
        settings = client_settings()
        with Client(settings) as client:
            findings += check_service(client)
        if is_loopback(urlsplit(settings.url).hostname or ""):
            findings += check_here(service_settings())
        else:
            detail = "the service runs elsewhere: its stores and models are not looked at from here"
            findings.append(Finding(check="this machine", level="note", detail=detail))
    failures = [finding for finding in findings if finding.level == "failure"]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        rows = table()
        for heading in ("", "Check"):
            rows.add_column(heading, no_wrap=True)
        rows.add_column("Found", ratio=1, overflow="fold")
        for finding in findings:
            mark, style = MARKS[finding.level]
            cell = Text(plain(finding.detail))
            if finding.fix:
                cell.append(f"\n-> {finding.fix}", style="bold")
            rows.add_row(Text(mark, style=style), finding.check, cell)
        out().print(rows)
        out().print(_summary(len(failures)), style="bold red" if failures else "bold green")
    if failures:
        raise typer.Exit(1)


def _summary(failures: int) -> str:
    if not failures:
        return "all well"
    return f"{failures} {'thing needs' if failures == 1 else 'things need'} mending"


def _version() -> str:
    try:
        return version("closeloop")
    except PackageNotFoundError:
        return "not installed (run from its folder)"
