"""`closeloop search`: similar texts, across languages."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from service.cli import filters
from service.cli.accounts import account_names
from service.cli.cells import account_cell, plain, stacked, table, text_cell, urgency_cell, words
from service.cli.client import Client
from service.cli.console import is_wide, out, print_json
from service.cli.errors import CliError
from service.cli.settings import client_settings


def search(
    query: Annotated[str | None, typer.Argument(help="What to look for, in any language.")] = None,
    like: Annotated[UUID | None, typer.Option(help="Texts similar to this stored one instead.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 10,
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
    """Search stored texts by meaning: a query in one language finds texts in all."""
    if (query is None) == (like is None):
        raise CliError('expected something to look for: closeloop search "payment fails", or --like ID')
    wanted = filters.chosen(
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
    subject = {"query": query} if like is None else {"like_id": str(like)}
    with Client(client_settings()) as client:
        answer = client.post("/v1/search", {**subject, "limit": limit, "filter": wanted})
        if as_json:
            print_json(answer)
            return
        names = account_names(client, (hit["feedback"] for hit in answer["items"]))
    console = out()
    if not answer["items"]:
        console.print("no text matches")
        return
    title = f"Like {like}" if like else f"“{plain(query or '')}”"
    show_hits(console, title, answer["items"], names=names)
    console.print(_spread(answer["facets"]["language"]), style="dim")


def show_hits(
    console: Console, title: str, hits: Sequence[Mapping[str, Any]], *, names: Mapping[str, str]
) -> None:
    """Show found texts as a table.

    Args:
        console: Where to.
        title: What was looked for.
        hits: Items of the service's answer.
        names: Accounts' names by external id, as far as they are known.
    """
    wide = is_wide(console)
    rows = table(title)
    rows.add_column("Score", justify="right", no_wrap=True)
    rows.add_column("Lang", no_wrap=True)
    rows.add_column("Urgency", no_wrap=True)
    rows.add_column("Topic", min_width=10, max_width=None if wide else 16)
    if wide:
        rows.add_column("Account", max_width=18, overflow="fold")
    rows.add_column("Text", min_width=24, ratio=1, overflow="fold")
    for hit in hits:
        feedback = hit["feedback"]
        account = account_cell(feedback, names)
        text = text_cell(feedback["text"], feedback["score"])
        rows.add_row(
            f"{hit['score']:.3f}",
            feedback["language"],
            urgency_cell(feedback),
            words([feedback["topic"] or "-"]),
            *([account, text] if wide else [stacked(account, text)]),
        )
    console.print(rows)


def _spread(languages: Mapping[str, int]) -> str:
    """Say how many texts match beyond those that are shown."""
    if not languages:
        return "none of them is above the learnt relevance threshold"
    counts = ", ".join(f"{code} {count}" for code, count in languages.items())
    return f"{sum(languages.values())} relevant texts: {counts}"
