"""The filters of the API as options of a command."""

from typing import Annotated, Any

import typer

from models.labels import KINDS, SENTIMENTS, TOPICS, URGENCIES

_PANEL = "Filters (an option given twice matches either value)"

Language = Annotated[
    list[str] | None, typer.Option("--language", help="ISO 639 code, such as de.", rich_help_panel=_PANEL)
]
Sentiment = Annotated[
    list[str] | None, typer.Option("--sentiment", help=", ".join(SENTIMENTS), rich_help_panel=_PANEL)
]
Urgency = Annotated[
    list[str] | None, typer.Option("--urgency", help=", ".join(URGENCIES), rich_help_panel=_PANEL)
]
Topic = Annotated[list[str] | None, typer.Option("--topic", help=", ".join(TOPICS), rich_help_panel=_PANEL)]
Kind = Annotated[list[str] | None, typer.Option("--kind", help=", ".join(KINDS), rich_help_panel=_PANEL)]
Channel = Annotated[
    list[str] | None, typer.Option("--channel", help="Name of a source.", rich_help_panel=_PANEL)
]
Account = Annotated[
    list[str] | None,
    typer.Option("--account", help="Your own id of an account.", rich_help_panel=_PANEL),
]
AccountType = Annotated[
    list[str] | None,
    typer.Option("--account-type", help="Such as enterprise.", rich_help_panel=_PANEL),
]
RevenueMin = Annotated[
    float | None,
    typer.Option("--revenue-min", help="In the account's own currency.", rich_help_panel=_PANEL),
]
Status = Annotated[
    list[str] | None, typer.Option("--status", help="open, closed, dismissed", rich_help_panel=_PANEL)
]
ComplaintId = Annotated[
    str | None, typer.Option("--complaint-id", help="A recurring complaint.", rich_help_panel=_PANEL)
]
OccurredFrom = Annotated[
    str | None,
    typer.Option("--occurred-from", help="Inclusive, such as 2026-01-31T00:00:00Z.", rich_help_panel=_PANEL),
]
OccurredTo = Annotated[str | None, typer.Option("--occurred-to", help="Exclusive.", rich_help_panel=_PANEL)]


def chosen(**filters: Any) -> dict[str, Any]:
    """Return the filters that were given.

    >>> chosen(language=["de"], topic=None, kind=[])
    {'language': ['de']}
    """
    return {name: value for name, value in filters.items() if value not in (None, [])}
