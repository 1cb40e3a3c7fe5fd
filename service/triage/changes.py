"""What an update changes on a stored text."""

from typing import Any, Final

from service.intake.feedback import IncomingFeedback
from service.store.records import Feedback

_COLUMNS: Final = {
    "solicited": "solicited",
    "author": "author",
    "declared_urgency": "declared_urgency",
    "rating": "rating",
    "touchpoint": "touchpoint",
    "product": "product",
    "occurred_at": "occurred_at",
    "metadata": "details",
}
"""Column by incoming field, of what is stored as it comes in."""


def columns_of(item: IncomingFeedback) -> dict[str, Any]:
    """Return what is stored as it comes in, by column."""
    values = {column: getattr(item, name) for name, column in _COLUMNS.items()}
    return values | {
        "author": dict(item.author) if item.author else None,
        "rating": dict(item.rating) if item.rating else None,
        "details": dict(item.metadata),
    }


def change_columns(feedback: Feedback, item: IncomingFeedback) -> bool:
    """Set what an update gives; what it leaves out keeps its value.

    Returns:
        Whether anything is another value now.
    """
    given = {_COLUMNS[name] for name in item.given & _COLUMNS.keys()}
    changes = {
        column: value
        for column, value in columns_of(item).items()
        if column in given and getattr(feedback, column) != value
    }
    for column, value in changes.items():
        setattr(feedback, column, value)
    return bool(changes)


def is_to_be_scored(text: str, language_given: str | None, item: IncomingFeedback) -> bool:
    """Tell whether an update says what the models have not read yet: a text, or its language.

    Args:
        text: The stored one.
        language_given: What its sender said its language is.
        item: What came under the same key.
    """
    renamed = item.update and "language" in item.given and item.language != language_given
    return text != item.text or renamed
