"""`closeloop queue`: the next loops to close."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from service.cli import filters
from service.cli.accounts import account_names
from service.cli.cells import account_cell, reasons_cell, stacked, table, text_cell, urgency_cell
from service.cli.client import Client
from service.cli.console import is_wide, out, print_json
from service.cli.settings import client_settings

TEXT_CELLS: Final = 90
"""Three lines of a table at 120 columns, four at 100."""


def queue(
    limit: Annotated[int, typer.Option(min=1, max=200)] = 10,
    assignee: Annotated[str | None, typer.Option(help="Only cases of this person.")] = None,
    team: Annotated[str | None, typer.Option(help="Only cases of this team.")] = None,
    language: filters.Language = None,
    sentiment: filters.Sentiment = None,
    urgency: filters.Urgency = None,
    topic: filters.Topic = None,
    kind: filters.Kind = None,
    channel: filters.Channel = None,
    account: filters.Account = None,
    account_type: filters.AccountType = None,
    revenue_min: filters.RevenueMin = None,
    status: filters.Status = None,
    complaint_id: filters.ComplaintId = None,
    occurred_from: filters.OccurredFrom = None,
    occurred_to: filters.OccurredTo = None,
    as_json: Annotated[bool, typer.Option("--json", help="The service's own answer.")] = False,
) -> None:
    """Show the open cases, highest priority first, with the reasons of each place."""
    wanted = filters.chosen(
        limit=limit,
        assignee=assignee,
        team=team,
        language=language,
        sentiment=sentiment,
        urgency=urgency,
        topic=topic,
        kind=kind,
        channel=channel,
        account=account,
        account_type=account_type,
        revenue_min=revenue_min,
        status=status,
        complaint_id=complaint_id,
        occurred_from=occurred_from,
        occurred_to=occurred_to,
    )
    with Client(client_settings()) as client:
        answer = client.get("/v1/queue", wanted)
        if as_json:
            print_json(answer)
            return
        names = account_names(client, (item["feedback"] for item in answer["items"]))
    console = out()
    if not answer["items"]:
        console.print("no open case matches")
        return
    show_queue(console, "The queue", answer["items"], names=names)
    if answer["next_cursor"]:
        console.print(f"more cases follow; --limit shows up to 200, this is {limit}", style="dim")


def show_queue(
    console: Console, title: str, items: Sequence[Mapping[str, Any]], *, names: Mapping[str, str]
) -> None:
    """Show cases as a table.

    Args:
        console: Where to.
        title: Above the table.
        items: Items of the service's answer.
        names: Accounts' names by external id, as far as they are known.
    """
    wide = is_wide(console)
    rows = table(title)
    rows.add_column("#", justify="right", no_wrap=True)
    rows.add_column("Priority", justify="right", no_wrap=True)
    rows.add_column("Lang", no_wrap=True)
    if wide:
        rows.add_column("Account", max_width=18, overflow="fold")
    rows.add_column("Urgency", no_wrap=True)
    rows.add_column("Text", min_width=20, ratio=1, overflow="fold")
    if wide:
        rows.add_column("Why", min_width=20, ratio=1)
    for item in items:
        feedback = item["feedback"]
        account = account_cell(feedback, names)
        text = text_cell(feedback["text"], feedback["score"], TEXT_CELLS)
        why = reasons_cell(item["priority"])
        rows.add_row(
            str(item["rank"]),
            Text(f"{item['priority']['value']:.1f}", style="bold"),
            feedback["language"],
            *([account] if wide else []),
            urgency_cell(feedback),
            *([text, why] if wide else [stacked(account, text, why)]),
        )
    console.print(rows)
