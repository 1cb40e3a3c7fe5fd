"""Options that the commands share, and how a complaint is named on a command line."""

import locale
import os
from typing import Annotated, Any, Final

import typer

from service.cli.client import Client
from service.cli.errors import CliError

ComplaintId = Annotated[
    str, typer.Argument(metavar="ID", help="As `complaints list` shows it; its beginning is enough.")
]
AsJson = Annotated[bool, typer.Option("--json", help="The service's own answer.")]
Language = Annotated[
    str | None, typer.Option("--title-language", help="Language of titles, such as de; default: yours.")
]

SHOWN: Final = 8
"""Characters of an id that a table shows."""

WHOLE: Final = 20
"""Characters of a whole id."""

PAGE: Final = 200


def headers_of(language: str | None) -> dict[str, str]:
    """Return the header that asks for titles in a language; of the terminal's by default."""
    wanted = language or _own_language()
    return {"Accept-Language": wanted} if wanted else {}


def whole_id(client: Client, given: str) -> str:
    """Find the complaint whose id begins so.

    Raises:
        CliError: There is none, or there are several.
    """
    if len(given) >= WHOLE:
        return given
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = client.get("/v1/complaints", {"limit": PAGE, "cursor": cursor})
        found += [row["id"] for row in page["items"] if row["id"].startswith(given)]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    if not found:
        raise CliError(f"no complaint begins with {given!r}; `closeloop complaints list` shows them")
    if len(found) > 1:
        raise CliError(f"{len(found)} complaints begin with {given!r}: {', '.join(found[:5])}")
    return found[0]


def current(client: Client, complaint_id: str) -> dict[str, Any]:
    """Read a complaint that is about to be changed, for its version."""
    return client.get(f"/v1/complaints/{complaint_id}")


def _own_language() -> str | None:
    told = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    code = locale.normalize(told).split(".", maxsplit=1)[0].split("_", maxsplit=1)[0].lower()
    return code if len(code) in {2, 3} and code.isalpha() else None
