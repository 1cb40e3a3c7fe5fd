"""What an update changes on a stored text, and what it leaves."""

from datetime import UTC, datetime

import pytest

from service.intake.feedback import IncomingFeedback
from service.store.records import Feedback
from service.triage.changes import change_columns, columns_of, is_to_be_scored

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 2, 1, tzinfo=UTC)
FULL = {
    "solicited": True,
    "author": {"name": "Ana"},
    "declared_urgency": "high",
    "rating": {"kind": "stars", "value": 4.0},
    "touchpoint": "checkout",
    "product": "app",
    "occurred_at": MOMENT,
    "metadata": {"order": 1},
}
OTHER = {
    "solicited": None,
    "author": None,
    "declared_urgency": "low",
    "rating": None,
    "touchpoint": "desk",
    "product": None,
    "occurred_at": LATER,
    "metadata": {},
}


def an_item(**given):
    return IncomingFeedback(**{"text": "text", "occurred_at": LATER, **given}, given=frozenset(given))


@pytest.fixture
def feedback():
    return Feedback(**columns_of(an_item(**FULL)))


def test_an_update_that_gives_nothing_changes_nothing(feedback):
    assert not change_columns(feedback, an_item())
    assert columns_of(an_item(**FULL)) == {name: getattr(feedback, name) for name in columns_of(an_item())}


def test_an_update_that_gives_the_same_changes_nothing(feedback):
    assert not change_columns(feedback, an_item(**FULL))


@pytest.mark.parametrize("name", OTHER)
def test_one_given_field_is_changed_and_no_other(feedback, name):
    assert change_columns(feedback, an_item(**{name: OTHER[name]}))

    assert columns_of(an_item(**{**FULL, name: OTHER[name]})) == {
        column: getattr(feedback, column) for column in columns_of(an_item())
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"text": "another"}, True),
        ({"text": "text"}, False),
        ({"update": True}, False),
        ({"language": "fi"}, False),  # no update
        ({"update": True, "language": "de"}, False),
        ({"update": True, "language": "fi"}, True),
        ({"update": True, "language": None}, True),
    ],
)
def test_what_the_models_have_not_read_is_to_be_scored(given, expected):
    assert is_to_be_scored("text", "de", an_item(**given)) is expected
