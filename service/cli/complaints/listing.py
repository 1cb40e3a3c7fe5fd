"""`closeloop complaints list`: the recurring complaints, as a table."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from service.cli.cells import shorten, table
from service.cli.client import Client
from service.cli.complaints.options import SHOWN, AsJson, Language, headers_of
from service.cli.console import is_wide, out, print_json
from service.cli.filters import chosen
from service.cli.settings import client_settings

LANGUAGES_SHOWN: Final = 5

SEVERITY_STYLES: Final = {"critical": "bold red", "high": "dark_orange", "medium": "yellow", "low": "green"}


def list_complaints(
    status: Annotated[list[str] | None, typer.Option(help="open, closed, dormant")] = None,
    alert: Annotated[bool | None, typer.Option("--alert/--no-alert", help="With a lasting alert.")] = None,
    language: Annotated[list[str] | None, typer.Option(help="With texts in this language.")] = None,
    sort: Annotated[str, typer.Option(help="size, growth, severity, last_seen")] = "size",
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
    title_language: Language = None,
    as_json: AsJson = False,
) -> None:
    """Show what recurs: how many customers, what they pay, and what rises."""
    wanted = chosen(status=status, alert=alert, language=language, sort=sort, limit=limit)
    with Client(client_settings()) as client:
        answer = client.get("/v1/complaints", wanted, headers=headers_of(title_language))
    if as_json:
        print_json(answer)
        return
    console = out()
    if not answer["items"]:
        console.print("no complaint matches; `closeloop complaints refit` looks for them")
        return
    show_complaints(console, "Recurring complaints", answer["items"])
    if answer["next_cursor"]:
        console.print(f"more follow; --limit shows up to 200, this is {limit}", style="dim")


def show_complaints(console: Console, title: str, items: Sequence[Mapping[str, Any]]) -> None:
    """Show complaints as a table.

    Args:
        console: Where to.
        title: Above the table.
        items: Items of the service's answer.
    """
    wide = is_wide(console)
    rows = table(title)
    rows.add_column("Id", no_wrap=True)
    rows.add_column("Texts", justify="right", no_wrap=True)
    rows.add_column("Customers", justify="right", no_wrap=True)
    if wide:
        rows.add_column("Revenue", justify="right", no_wrap=True)
        rows.add_column("Languages", no_wrap=True, max_width=22)
    rows.add_column("Severity", no_wrap=True)
    rows.add_column("Complaint", min_width=24, ratio=1, overflow="fold")
    if wide:
        rows.add_column("Last seen", no_wrap=True)
    for item in items:
        revenue = f"{item['revenue_affected']:,.0f}" if item["revenue_affected"] else "-"
        severity = item["severity"] or "-"
        seen = (item["last_seen"] or "-")[:10]
        rows.add_row(
            item["id"][:SHOWN],
            str(item["size"]),
            str(item["customers"]),
            *([Text(revenue), languages_cell(item["languages"])] if wide else []),
            Text(severity, style=SEVERITY_STYLES.get(severity, "")),
            title_cell(item),
            *([seen] if wide else []),
        )
    console.print(rows)


def title_cell(item: Mapping[str, Any]) -> Text:
    """Show what a complaint is called, and below it what is to be known at once."""
    lines = [Text(shorten(item["title"]), style="bold")]
    if item["alert"]:
        lines.append(Text(alert_words(item["alert"]), style="red"))
    rest = [] if item["status"] == "open" else [item["status"]]
    if item["owner"]:
        rest.append(f"owner: {shorten(item['owner'], 30)}")
    if rest:
        lines.append(Text(", ".join(rest), style="dim"))
    return Text("\n").join(lines)


def languages_cell(codes: Sequence[str]) -> Text:
    """Show languages, the rest as a number.

    >>> languages_cell(["de", "en", "fi", "sv", "nb", "da"]).plain
    'de en fi sv nb +1'
    """
    rest = len(codes) - LANGUAGES_SHOWN
    return Text(" ".join(codes[:LANGUAGES_SHOWN]) + (f" +{rest}" if rest > 0 else ""))


def alert_words(alert: Mapping[str, Any]) -> str:
    """Say what an alert is about.

    >>> alert_words({"observed": 12, "expected": 2.1, "since": "2026-01-05", "times": 1})
    'rising since 2026-01-05: 12 texts where 2.1 were to be expected'
    """
    again = "" if alert["times"] == 1 else f", for the {alert['times']}. time"
    told = f"{alert['observed']} texts where {alert['expected']:.1f} were to be expected"
    return f"rising since {alert['since']}{again}: {told}"
