"""`closeloop reindex`: makes the index from the database again."""

import time
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from service.cli.client import Client
from service.cli.console import err, out, print_json
from service.cli.errors import CliError
from service.cli.settings import client_settings

POLL_SECONDS: Final = 0.5

STANDSTILL_SECONDS: Final = 180.0
"""Without any progress for this long, something is wrong; re-embedding a batch takes some seconds."""


def reindex(
    re_embed: Annotated[
        bool, typer.Option("--re-embed", help="Compute every vector and score anew, too.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when the index is up to date.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The service's own answer.")] = False,
) -> None:
    """Write all texts of the tenant to the index again; it goes on after a restart."""
    with Client(client_settings()) as client:
        answer = client.post("/v1/reindex", {"re_embed": re_embed})
        if wait:
            answer |= _until_done(client)
    if as_json:
        print_json(answer)
        return
    queued = answer["queued"]
    if wait:
        done, total = answer["indexed"], answer["indexed"] + answer["pending"]
        out().print(f"{queued:,} texts reindexed, {done:,} of {total:,} up to date")
    else:
        out().print(f"{queued:,} texts queued; `closeloop doctor` tells when the index is up to date")


def _until_done(client: Client) -> dict[str, Any]:
    """Wait until nothing is pending.

    Raises:
        CliError: Nothing moves any more.
    """
    columns = (TextColumn("indexing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err(), transient=True) as progress:
        status = client.get("/v1/reindex")
        most = least = status["pending"]
        bar = progress.add_task("", total=most)
        moved = time.monotonic()
        while status["pending"]:
            if time.monotonic() - moved > STANDSTILL_SECONDS:
                raise CliError(
                    f"{status['pending']:,} texts still wait for the index and nothing moved for "
                    f"{STANDSTILL_SECONDS:.0f} s; `closeloop doctor` tells more"
                )
            time.sleep(POLL_SECONDS)
            status = client.get("/v1/reindex")
            if status["pending"] < least:
                least, moved = status["pending"], time.monotonic()
            # New texts may come meanwhile.
            most = max(most, status["pending"])
            progress.update(bar, total=most, completed=most - status["pending"])
    return status
