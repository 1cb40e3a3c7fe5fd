"""What all wire types share: strict inputs, complete outputs, strings that every store can keep."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from models.labels import DECLARED, KINDS, SENTIMENTS, TOPICS, URGENCIES
from service.errors import TooLargeError

NO_NUL: Final = r"^[^\u0000]*$"
"""PostgreSQL cannot store U+0000 in a text, so it is refused everywhere alike."""

TEXT_CHARS_MAX: Final = 20_000
REQUEST_CHARS_MAX: Final = 200_000
REQUEST_ITEMS_MAX: Final = 256
PAGE_MAX: Final = 200
FIELDS_MAX: Final = 64
METADATA_CHARS_MAX: Final = 1_000
EXACT_NUMBER_MAX: Final = 2**53
"""Beyond it two integers share one float64, so JSON does not carry them safely."""

_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class In(BaseModel):
    """Comes from outside: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _few_fields(cls, value: Any) -> Any:
        """Stop before each of 200,000 unknown fields gets an error of its own, which takes seconds."""
        if isinstance(value, dict) and len(value) > FIELDS_MAX:
            raise ValueError(f"expected at most {FIELDS_MAX} fields")
        return value


class Out(BaseModel):
    """Goes outside: no field has a default, so that none is forgotten."""

    model_config = ConfigDict(
        extra="forbid", json_schema_serialization_defaults_required=True, hide_input_in_errors=True
    )


def at_most(count: int) -> BeforeValidator:
    """Refuse a longer list or object before its entries are looked at: each wrong one costs an error."""

    def check(value: Any) -> Any:
        if isinstance(value, list | dict) and len(value) > count:
            raise ValueError(f"expected at most {count} entries")
        return value

    return BeforeValidator(check)


def _few_items(value: Any) -> Any:
    """Bound a request before its items are looked at.

    Raises:
        TooLargeError: There are more than `REQUEST_ITEMS_MAX`.
    """
    if isinstance(value, list) and len(value) > REQUEST_ITEMS_MAX:
        raise TooLargeError(f"expected at most {REQUEST_ITEMS_MAX} items, got {len(value)}")
    return value


FewItems: Final = BeforeValidator(_few_items)


def _written_as_rfc_3339(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        return value
    raise ValueError("expected an RFC 3339 time with its zone, such as 2026-01-31T12:00:00Z")


def _text_or_exact_number(value: Any) -> Any:
    # One finding instead of one for each type it might have been.
    if isinstance(value, str):
        if len(value) <= METADATA_CHARS_MAX and "\0" not in value:
            return value
        raise ValueError(f"expected at most {METADATA_CHARS_MAX} characters without U+0000")
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= EXACT_NUMBER_MAX:
        return value
    raise ValueError("expected text, or a number from -2^53 to 2^53")


def _in_utc(value: datetime) -> datetime:
    """Bring a time to UTC; one at the edge of the calendar has none.

    Raises:
        ValueError: The time leaves the years 1..9999 in UTC.
    """
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("expected a time within the years 1 to 9999 in UTC") from error


def _primary_language(value: str) -> str:
    """Reduce a language tag to its language (RFC 5646, 2.2.1): support tools send locales."""
    return re.split("[-_]", value, maxsplit=1)[0].lower()


def known_language(code: str | None) -> str | None:
    """Return the language that the caller knows; `und` says that they do not."""
    return None if code == "und" else code


def _has_words(value: str) -> str:
    if not value.strip():
        raise ValueError("expected 1 to 20,000 characters that are not all white space")
    return value


FeedbackText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=TEXT_CHARS_MAX, pattern=NO_NUL),
    AfterValidator(_has_words),
    Field(
        description="What the customer said, in any language.", examples=["Die App stürzt beim Bezahlen ab."]
    ),
]
Short = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=NO_NUL)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=NO_NUL)]
ExternalId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256, pattern=r"^[^\u0000-\u001f\u007f]*$"),
    Field(description="An id of your own: any characters but control characters.", examples=["4711"]),
]
Note = Annotated[str, StringConstraints(min_length=1, max_length=5_000, pattern=NO_NUL)]
Channel = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$"),
    Field(description="Name of the source.", examples=["email"]),
]
LanguageCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$", max_length=35),
    AfterValidator(_primary_language),
    Field(
        description="ISO 639 code, or a locale such as `de-AT`, of which the language counts; `und` when not "
        "known.",
        examples=["de"],
    ),
]
Moment = Annotated[
    datetime,
    BeforeValidator(_written_as_rfc_3339),
    AfterValidator(_in_utc),
    Field(examples=["2026-01-31T12:00:00Z"]),
]
ExactNumber = Field(strict=True, ge=-EXACT_NUMBER_MAX, le=EXACT_NUMBER_MAX)
MetadataValue = Annotated[
    Annotated[str, StringConstraints(max_length=METADATA_CHARS_MAX, pattern=NO_NUL, strict=True)]
    | Annotated[int, ExactNumber]
    | Annotated[float, ExactNumber],
    BeforeValidator(_text_or_exact_number),
]
Metadata = Annotated[
    dict[Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)], MetadataValue],
    at_most(50),
    Field(max_length=50, examples=[{"plan": "pro"}]),
]

Sentiment = Literal["negative", "neutral", "positive"]
Urgency = Literal["low", "medium", "high", "critical"]
Declared = Literal["urgent", "deadline", "legal"]
Kind = Literal["complaint", "request", "question", "praise", "comment"]
Topic = Literal[
    "billing_payment",
    "pricing_value",
    "delivery_punctuality",
    "product_quality",
    "bug_crash",
    "performance_outage",
    "usability_design",
    "feature_request",
    "account_access",
    "customer_service",
    "security_safety",
    "cancellation_return_refund",
    "information_question",
    "praise_general",
    "other",
]
CaseState = Literal["open", "closed", "dismissed"]

CLOSED_SETS: Final = (
    (Sentiment, SENTIMENTS),
    (Urgency, URGENCIES),
    (Declared, DECLARED),
    (Kind, KINDS),
    (Topic, TOPICS),
)
"""Wire literal and the model's label set; a test holds them equal."""
