"""A tenant whose customers have four matters, and a refit that runs here and now."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.complaints.refits import Asked, request_refit
from service.complaints.refitting import run_refit

MATTERS = {
    "crash": "the app crashes at checkout error after the update",
    "card": "my card was stolen someone is stealing money block it",
    "login": "the password reset does not arrive cannot log in",
    "twice": "charged twice for the same invoice",
}
PRAISE = "thank you, great service, lovely friendly people"
START = datetime.now(UTC) - timedelta(days=9)
"""Lately: what was said long ago sleeps."""


def _items(matter: str, count: int, *, first: int = 0, at: datetime = START) -> list[dict[str, Any]]:
    """Texts of different customers about one matter."""
    return [
        {
            "text": f"{MATTERS[matter]} number{first + place}",
            "external_id": f"{matter}-{first + place}",
            "author": {"external_id": f"{matter}-person-{first + place}"},
            "occurred_at": (at + timedelta(hours=place)).isoformat(),
        }
        for place in range(count)
    ]


@pytest.fixture(scope="session")
def items() -> Callable[..., list[dict[str, Any]]]:
    """Make texts of different customers about one matter."""
    return _items


@pytest.fixture
def refit() -> Callable[..., Any]:
    """Run a refit of a caller's tenant to its end, in this process."""

    def run(caller) -> Any:
        state = caller.state
        with state.database.write() as session:
            asked, _ = request_refit(session, caller.tenant_id, Asked(by="test", reason="demand"))
        assert run_refit(state.database, asked.id, space=state.model.space) == 0
        caller.settle()
        return caller.get(f"/v1/complaints/refits/{asked.id}").json()

    return run


@pytest.fixture
def grown(caller, refit) -> Any:
    """A tenant after its first refit: six texts of each matter, and praise."""
    for matter in MATTERS:
        caller.store(*_items(matter, 6))
    caller.store({"text": PRAISE, "external_id": "praise"})
    caller.done = refit(caller)
    caller.complaints = {row["title"]: row for row in caller.get("/v1/complaints", limit=200).json()["items"]}
    return caller


@pytest.fixture
def complaint_of(grown) -> Callable[[str], dict[str, Any]]:
    """Return the complaint that a stored text belongs to."""

    def find(external_id: str) -> Any:
        listed = grown.get("/v1/feedback", limit=200).json()["items"]
        told = next(row for row in listed if row["external_id"] == external_id)
        if told["complaint_id"] is None:
            return None
        return grown.get(f"/v1/complaints/{told['complaint_id']}").json()

    return find
