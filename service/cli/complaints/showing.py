"""`closeloop complaints show`: one complaint with its texts, its trend and its history."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from service.cli.accounts import account_names
from service.cli.cells import account_cell, plain, shorten, table, text_cell, urgency_cell
from service.cli.client import Client
from service.cli.complaints.listing import SEVERITY_STYLES, alert_words
from service.cli.complaints.options import SHOWN, AsJson, ComplaintId, Language, headers_of, whole_id
from service.cli.console import out, print_json
from service.cli.settings import client_settings

BARS: Final = " ▁▂▃▄▅▆▇█"
EVENTS_SHOWN: Final = 12
KEYWORDS_SHOWN: Final = 6


def show(complaint_id: ComplaintId, title_language: Language = None, as_json: AsJson = False) -> None:
    """Show a complaint: what it is called, who has it, how it grows, texts that cover it."""
    with Client(client_settings()) as client:
        found = whole_id(client, complaint_id)
        answer = client.get(f"/v1/complaints/{found}", headers=headers_of(title_language))
        if as_json:
            print_json(answer)
            return
        names = account_names(client, answer["representative"])
    show_complaint(out(), answer, names=names)


def show_complaint(console: Console, told: Mapping[str, Any], *, names: Mapping[str, str]) -> None:
    """Show one complaint.

    Args:
        console: Where to.
        told: The service's answer.
        names: Accounts' names by external id, as far as they are known.
    """
    console.print(Text(plain(told["title"]), style="bold"))
    for line in _facts(told):
        console.print(line)
    for code, words in told["keywords"].items():
        console.print(Text(f"  {code}: {', '.join(map(plain, words[:KEYWORDS_SHOWN]))}", style="dim"))
    console.print(Text(f"  per day, {len(told['trend']['per_day'])} days: {sparkline(told['trend'])}"))
    if told["alert"]:
        console.print(Text(f"  {alert_words(told['alert'])}", style="red"))
    if told["notes"]:
        console.print(Text(f"  notes: {plain(told['notes'])}"))
    console.print()
    _show_texts(console, told["representative"], names)
    console.print()
    for row in [*told["lineage"], *told["history"]][-EVENTS_SHOWN:]:
        console.print(Text(f"  {event_words(row)}", style="dim"))


def sparkline(trend: Mapping[str, Any]) -> str:
    """Draw texts per day.

    >>> sparkline({"per_day": [{"count": 0}, {"count": 1}, {"count": 4}]})
    ' ▂█'
    """
    counts = [day["count"] for day in trend["per_day"]]
    most = max(counts, default=0)
    return "".join(BARS[0] if not count else BARS[max(1, round(8 * count / most))] for count in counts)


def event_words(row: Mapping[str, Any]) -> str:
    """Say what happened to a complaint.

    >>> event_words({"event": "grew", "at": "2026-01-05T03:00:00Z", "from": ["a"], "to": ["a"], "texts": 3,
    ...     "by": None})
    '2026-01-05 grew: 3 texts'
    """
    by = f" by {plain(row['by'])}" if row.get("by") else ""
    texts = f": {row['texts']} texts" if row.get("texts") else ""
    others = [name[:SHOWN] for name in dict.fromkeys([*row.get("from", []), *row.get("to", [])])]
    among = f" ({', '.join(others)})" if len(others) > 1 else ""
    note = f": {plain(row['note'])}" if row.get("note") else ""
    return f"{row['at'][:10]} {row['event']}{by}{texts}{among}{note}"


def _facts(told: Mapping[str, Any]) -> list[Text]:
    first = Text(f"  {told['id']}, {told['status']}, version {told['version']}, severity ")
    first.append(told["severity"] or "-", style=SEVERITY_STYLES.get(told["severity"] or "", ""))
    if told["owner"]:
        first.append(f", owner {plain(told['owner'])}")
    if told["merged_into"]:
        first.append(f", went on in {told['merged_into']}", style="yellow")
    if told["dissolved_at"]:
        first.append(", dissolved", style="yellow")
    seen = f"{(told['first_seen'] or '-')[:10]} to {(told['last_seen'] or '-')[:10]}"
    revenue = f", revenue {told['revenue_affected']:,.0f}" if told["revenue_affected"] else ""
    languages = " ".join(told["languages"])
    return [
        first,
        Text(f"  {told['size']} texts of {told['customers']} customers{revenue}, {seen}, in {languages}"),
    ]


def _show_texts(console: Console, feedback: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> None:
    rows = table("Texts that cover it")
    rows.add_column("Id", no_wrap=True)
    rows.add_column("Lang", no_wrap=True)
    rows.add_column("Urgency", no_wrap=True)
    rows.add_column("Account", max_width=18, overflow="fold")
    rows.add_column("Text", min_width=24, ratio=1, overflow="fold")
    for row in feedback:
        rows.add_row(
            shorten(row["id"], 36),
            row["language"],
            urgency_cell(row),
            account_cell(row, names),
            text_cell(row["text"], row["score"]),
        )
    console.print(rows)
