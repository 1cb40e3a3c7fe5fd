"""The sample data: who the customers are and what they said, in minutes before now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleAccount:
    """A customer organisation; `details` is the body of PUT /v1/accounts/{external_id}."""

    external_id: str
    name: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleText:
    """What a customer said; `item` is one of POST /v1/feedback, but for the time."""

    minutes_ago: float
    item: dict[str, Any]

    def at(self, moment: datetime) -> dict[str, Any]:
        """Return the item as if it were said `minutes_ago` before `moment`."""
        occurred_at = moment - timedelta(minutes=self.minutes_ago)
        return {**self.item, "occurred_at": occurred_at.isoformat()}


def load_accounts() -> list[SampleAccount]:
    """Read the sample customers."""
    return [
        SampleAccount(external_id=row.pop("external_id"), name=row["name"], details=row)
        for row in _rows("accounts.jsonl")
    ]


def load_texts() -> list[SampleText]:
    """Read what they said, oldest first."""
    return [SampleText(minutes_ago=row.pop("minutes_ago"), item=row) for row in _rows("feedback.jsonl")]


def _rows(name: str) -> list[dict[str, Any]]:
    lines = (FOLDER / name).read_bytes().splitlines()
    return [orjson.loads(line) for line in lines if line.strip()]
