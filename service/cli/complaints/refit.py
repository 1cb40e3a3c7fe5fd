"""`closeloop complaints refit`: asks for complaints to be found anew, and waits if wanted."""

import math
import time
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from service.cli.client import Client
from service.cli.complaints.options import AsJson
from service.cli.console import err, out, print_json
from service.cli.errors import CliError
from service.cli.settings import client_settings

POLL_SECONDS: Final = 0.5

WAITING_SECONDS: Final = 60.0
"""So long a refit may wait for its turn without a word; others' come first, one at a time."""


def refit(
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Return when it is done.")] = True,
    as_json: AsJson = False,
) -> None:
    """Find complaints anew, in the background of the service; it goes on after a restart."""
    with Client(client_settings()) as client:
        told = client.post("/v1/complaints/refit", None)
        if wait:
            told = until_done(client, told["id"])
    if as_json:
        print_json(told)
        return
    out().print(words(told))


def until_done(client: Client, refit_id: str, *, at_most: float = math.inf) -> dict[str, Any]:
    """Wait until a refit has ended.

    Args:
        client: Speaks to the service.
        refit_id: Which.
        at_most: Seconds.

    Raises:
        CliError: It was given up, or takes longer than that.
    """
    said = False
    started = time.monotonic()
    with err().status("finding complaints"):
        while True:
            told = client.get(f"/v1/complaints/refits/{refit_id}")
            if told["state"] == "failed":
                raise CliError(f"the refit was given up after {told['attempts']} attempts: {told['error']}")
            if told["state"] == "done":
                return told
            if not said and told["state"] == "queued" and time.monotonic() - started > WAITING_SECONDS:
                err().print("it still waits for its turn; `--no-wait` does not", style="dim")
                said = True
            if time.monotonic() - started > at_most:
                raise CliError(
                    f"the refit is still {told['state']} after {at_most:.0f} s; it goes on by itself"
                )
            time.sleep(POLL_SECONDS)


def words(told: dict[str, Any]) -> Text:
    """Say what became of a refit.

    >>> words({"state": "queued", "id": "7"}).plain
    'refit 7 is queued'
    """
    if told["state"] != "done":
        return Text(f"refit {told['id']} is {told['state']}")
    return Text(
        f"{told['complaints']} complaints among {told['texts']:,} texts that need fixing, "
        f"{told['open_texts']:,} texts open, in {told['seconds']:.1f} s"
    )
