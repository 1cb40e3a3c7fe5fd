"""The names of the accounts that a table shows."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from service.cli.client import Client
from service.cli.errors import ProblemError

LOOKED_UP_MAX: Final = 50
"""Accounts in one table: each costs a request of a few milliseconds."""


def account_names(client: Client, feedback: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Ask for the names of the accounts that these texts are of; those without a name are left out.

    Args:
        client: Speaks to the service.
        feedback: Texts as the service gives them.

    Returns:
        Names by external id.
    """
    wanted = dict.fromkeys(row["account_external_id"] for row in feedback if row.get("account_external_id"))
    names = {}
    for external_id in list(wanted)[:LOOKED_UP_MAX]:
        try:
            account = client.get(f"/v1/accounts/{quote(external_id, safe='')}")
        except ProblemError:
            continue  # the id is shown in its place
        if account.get("name"):
            names[external_id] = account["name"]
    return names
