"""What people do with complaints, from the command line."""

from typing import Annotated, Any

import typer

from service.cli.cells import plain
from service.cli.client import Client, document_of
from service.cli.complaints.options import AsJson, ComplaintId, current, whole_id
from service.cli.console import out, print_json
from service.cli.errors import CliError
from service.cli.settings import client_settings


def rename(
    complaint_id: ComplaintId,
    title: Annotated[str | None, typer.Argument(help="What it is called from now on.")] = None,
    owner: Annotated[str | None, typer.Option(help="Who takes care of it.")] = None,
    notes: Annotated[str | None, typer.Option(help="For colleagues.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give a complaint a title, an owner, notes; refits keep them. An empty value takes one off."""
    given = {"title": title, "owner": owner, "notes": notes}
    change = {name: value or None for name, value in given.items() if value is not None}
    if not change:
        raise CliError("expected a title, --owner or --notes, got none of them")
    with Client(client_settings()) as client:
        found = current(client, whole_id(client, complaint_id))
        body = {**change, "version": found["version"]}
        told = document_of(client.send("PATCH", f"/v1/complaints/{found['id']}", body=body))
    _tell(told, f"{found['id']} is “{plain(told['title'])}”", as_json)


def merge(
    complaint_id: ComplaintId,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The complaint that goes on.")],
    as_json: AsJson = False,
) -> None:
    """Let a complaint go on as part of another, for ever."""
    with Client(client_settings()) as client:
        found = current(client, whole_id(client, complaint_id))
        body = {"into": whole_id(client, into), "version": found["version"]}
        told = client.post(f"/v1/complaints/{found['id']}/merge", body)
    _tell(told, f"merged into {told['id']}, “{plain(told['title'])}”: {told['size']} texts now", as_json)


def split(
    complaint_id: ComplaintId,
    feedback_ids: Annotated[list[str], typer.Argument(metavar="TEXT...", help="Ids of texts.")],
    title: Annotated[str | None, typer.Option(help="What the new one is called.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a complaint of its own of some texts; the two are never one again by themselves."""
    with Client(client_settings()) as client:
        found = current(client, whole_id(client, complaint_id))
        body = {"feedback_ids": feedback_ids, "title": title, "version": found["version"]}
        told = client.post(f"/v1/complaints/{found['id']}/split", body)
    _tell(told, f"split off {told['id']}, “{plain(told['title'])}”: {told['size']} texts", as_json)


def move(
    feedback_id: Annotated[str, typer.Argument(metavar="TEXT", help="Id of a text.")],
    to: Annotated[str | None, typer.Option(help="The complaint it belongs to; none when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Put a text into another complaint, or out of all; refits leave it there."""
    with Client(client_settings()) as client:
        target = None if to is None else whole_id(client, to)
        seen_in = client.get(f"/v1/feedback/{feedback_id}")["complaint_id"]
        body = {"complaint_id": target, "previous": seen_in}
        told = document_of(client.send("PUT", f"/v1/feedback/{feedback_id}/complaint", body=body))
    where = f"in “{plain(told['complaint']['title'])}”" if told["complaint"] else "in no complaint"
    _tell(told, f"{told['id']} is {where}", as_json)


def dissolve(complaint_id: ComplaintId, as_json: AsJson = False) -> None:
    """Say that a complaint is none: its texts stay open, and their like do not found it anew."""
    with Client(client_settings()) as client:
        found = current(client, whole_id(client, complaint_id))
        told = client.post(f"/v1/complaints/{found['id']}/dissolve", {"version": found["version"]})
    _tell(told, f"dissolved {told['id']}, “{plain(told['title'])}”", as_json)


def close(
    complaint_id: ComplaintId,
    note: Annotated[str, typer.Option(help="Why, for colleagues.")],
    message: Annotated[
        list[str] | None,
        typer.Option(help="What affected people are told, such as `en=We have put it right.`; per language."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Close its open cases and queue a notice for each person it affects; nothing sends them yet."""
    with Client(client_settings()) as client:
        found = current(client, whole_id(client, complaint_id))
        body = {"note": note, "message": _messages(message), "version": found["version"]}
        told = client.post(f"/v1/complaints/{found['id']}/close", body)
    _tell(told, f"closed {told['closed_cases']} cases; {told['notices']} notices wait to be sent", as_json)


def _messages(given: list[str] | None) -> dict[str, str] | None:
    if not given:
        return None
    parts = [row.partition("=") for row in given]
    if any(not code.strip() or not text.strip() for code, _, text in parts):
        raise CliError("expected a message such as `en=We have put it right.`, its language first")
    return {code.strip(): text.strip() for code, _, text in parts}


def _tell(told: dict[str, Any], line: str, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        out().print(line, markup=False)
