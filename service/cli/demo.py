"""`closeloop demo`: what this is for, in a minute, with the sample customers of an invented company."""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import SecretStr
from rich.console import Group
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text
from sqlalchemy import make_url

from service.cli.cells import plain
from service.cli.client import Client
from service.cli.complaints.listing import show_complaints
from service.cli.complaints.options import headers_of
from service.cli.complaints.refit import until_done
from service.cli.console import err, out
from service.cli.errors import CliError, ProblemError
from service.cli.importing.batches import batches
from service.cli.importing.items import Item
from service.cli.importing.sender import Sender, Stored
from service.cli.queue import show_queue
from service.cli.search import show_hits
from service.cli.settings import ClientSettings, client_settings, service_settings
from service.cli.stores import opened
from service.demo import demo_key, load_accounts, load_texts, remove_demo
from service.settings import Settings

QUERY: Final = "no SMS code after changing my phone"
UNAUTHORIZED: Final = 401

REFIT_SECONDS: Final = 120.0
"""How long the demo waits for complaints; most of it is the import of what finds them."""

COMPLAINTS: Final = 8
"""Complaints that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the demo put into the service.

    Attributes:
        texts: How many there are.
        created: How many of them are new.
        languages: Of the texts, as the service tells them, most frequent first.
        accounts: Names by external id.
        seconds: How long it took, until all were searchable.
        searchable: Whether the index had them all by then.
    """

    texts: int
    created: int
    languages: Mapping[str, int]
    accounts: Mapping[str, str]
    seconds: float
    searchable: bool


def demo(
    remove: Annotated[
        bool, typer.Option("--remove", help="Delete the tenant `demo` with everything in it.")
    ] = False,
    query: Annotated[str, typer.Option(help="What to search for at the end.")] = QUERY,
    top: Annotated[int, typer.Option(min=1, max=200, help="Cases and search results to show.")] = 10,
) -> None:
    """Load sample feedback in many languages into a tenant of its own, and show what becomes of it.

    Running it again loads nothing twice. It makes its key in the database, so it runs where the service
    runs, with the same settings.
    """
    if remove:
        with opened(service_settings()) as database:
            gone = remove_demo(database)
        out().print(
            "there is no tenant `demo`"
            if gone is None
            else f"tenant `demo` removed with {gone} texts; the service takes them out of its index now"
        )
        return
    settings = client_settings()
    with Client(settings) as client:
        client.get("/livez")  # before anything is written
    _check_same_place(service_settings(), settings.url)
    with opened(service_settings()) as database, demo_key(database) as key:
        own = ClientSettings(url=settings.url, key=SecretStr(key))
        with Client(own) as client:
            _run(client, query=query, top=top)


def _run(client: Client, *, query: str, top: int) -> None:
    try:
        loaded = _load(client)
    except ProblemError as error:
        if error.status == UNAUTHORIZED:
            raise _elsewhere(client.url) from error
        raise
    complaints = _complaints(client)
    queue = client.get("/v1/queue", {"limit": top})
    found = client.post("/v1/search", {"query": query, "limit": top})
    console = out()
    console.print(_header(loaded))
    console.print()
    show_queue(console, "What to do next: the top of the queue", queue["items"], names=loaded.accounts)
    console.print()
    if complaints:
        show_complaints(console, "What recurs, found across languages and named in yours", complaints)
        console.print(_recurring(complaints))
        console.print()
    title = f"Search in one language, find all of them: “{query}”"
    # Best first, so the relevant ones are at the top; what only happens to be nearest is no find.
    relevant = sum(found["facets"]["language"].values())
    show_hits(console, title, found["items"][: relevant or None], names=loaded.accounts)
    console.print(_relevant(found["facets"]["language"]))
    console.print()
    # Not wrapped: these lines are there to be copied.
    console.print(_next_steps(client.url), soft_wrap=True)


def _complaints(client: Client) -> list[dict[str, Any]]:
    """Let the service find what recurs, and return it; nothing when it takes too long."""
    refit = client.post("/v1/complaints/refit", None)
    try:
        until_done(client, refit["id"], at_most=REFIT_SECONDS)
    except CliError as error:
        err().print(f"recurring complaints are left out: {error}", markup=False)
        return []
    found: list[dict[str, Any]] = client.get(
        "/v1/complaints", {"limit": COMPLAINTS}, headers=headers_of(None)
    )["items"]
    return found


def _recurring(complaints: list[dict[str, Any]]) -> Text:
    most = max(complaints, key=lambda row: len(row["languages"]))
    return Text(
        f"“{plain(most['title'])}”: {most['customers']} customers in {len(most['languages'])} languages "
        "have the same problem",
        style="dim",
    )


def _check_same_place(settings: Settings, url: str) -> None:
    """See that the database is there; SQLite would make an empty one.

    Raises:
        CliError: The service must be using another one.
    """
    address = make_url(settings.sqlalchemy_url())
    if address.get_backend_name() == "sqlite" and address.database and not Path(address.database).exists():
        raise _elsewhere(url)


def _elsewhere(url: str) -> CliError:
    return CliError(
        f"the service at {url} uses another database than this command: run the demo with the "
        "CLOSELOOP_DATA_DIR or CLOSELOOP_DATABASE_URL of the service, where it runs"
    )


def _load(client: Client) -> Loaded:
    started, moment = time.monotonic(), datetime.now(UTC)
    accounts, texts = load_accounts(), load_texts()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err(), transient=True, disable=not err().is_terminal) as progress:
        bar = progress.add_task("accounts", total=len(accounts))
        for account in accounts:
            client.send("PUT", f"/v1/accounts/{account.external_id}", body=account.details)
            progress.advance(bar)
        bar = progress.add_task("texts", total=len(texts))
        sender = Sender(client, wait="indexed")
        stored: list[Stored] = []
        for batch in batches(Item.of(text.at(moment), line=line) for line, text in enumerate(texts, 1)):
            stored += [row for row in sender.send(batch) if isinstance(row, Stored)]
            progress.advance(bar, len(batch))
    languages = Counter(row.answer["score"]["language"]["code"] for row in stored if row.answer["score"])
    return Loaded(
        texts=len(stored),
        created=sum(row.created for row in stored),
        languages=dict(languages.most_common()),
        accounts={account.external_id: account.name for account in accounts},
        seconds=time.monotonic() - started,
        searchable=sender.all_indexed,
    )


def _header(loaded: Loaded) -> Panel:
    spoken = [code for code in loaded.languages if code != "und"]
    line = Text()
    line.append(f"{loaded.texts} texts", style="bold")
    if spoken:  # without heads the answers tell no language
        line.append(" in ")
        line.append(f"{len(spoken)} languages", style="bold")
    line.append(f" of {len(loaded.accounts)} accounts, ")
    if loaded.created:
        line.append(f"{loaded.created} of them new, in ")
        line.append(f"{loaded.seconds:.1f} s", style="bold")
        line.append(": scored, stored, searchable, ranked" if spoken else ": stored, searchable, ranked")
    else:
        line.append(f"all there already ({loaded.seconds:.1f} s)")
    if not loaded.searchable:
        line.append("; the index is still catching up", style="yellow")
    spread = Text("  ".join(f"{code} {count}" for code, count in loaded.languages.items()), style="dim")
    return Panel(
        Group(line, spread),
        title="Closeloop demo: what the customers of Kaiku say (an invented till and invoicing app)",
        title_align="left",
        padding=(0, 1),
    )


def _relevant(languages: Mapping[str, int]) -> Text:
    if not languages:
        return Text("none of them is above the learnt relevance threshold", style="dim")
    total = sum(languages.values())
    spread = ", ".join(f"{code} {count}" for code, count in languages.items())
    return Text(f"{total} relevant texts in {len(languages)} languages: {spread}", style="dim")


def _next_steps(url: str) -> Text:
    program = sys.argv[0] if Path(sys.argv[0]).name == "closeloop" else "closeloop"
    return Text(
        "Look around in it:\n"
        f"  export CLOSELOOP_KEY=$({program} keys create --tenant demo --name me --scope score,read,write)\n"
        f"  {program} queue --language fi\n"
        f"  {program} complaints list --language de\n"
        f'  {program} search "charged twice for the subscription" --account-type small\n'
        f"  {program} demo --remove && unset CLOSELOOP_KEY\n"
        f"The API: {url}/docs",
        style="dim",
    )
