"""What all wire types share: strict inputs, complete outputs, strings that every store can keep."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from models.labels import KINDS, SENTIMENTS, TOPICS, URGENCIES

NO_NUL: Final = r"^[^\u0000]*$"
"""PostgreSQL cannot store U+0000 in a text, so it is refused everywhere alike."""

TEXT_CHARS_MAX: Final = 20_000
REQUEST_CHARS_MAX: Final = 200_000
REQUEST_ITEMS_MAX: Final = 256
PAGE_MAX: Final = 200


class In(BaseModel):
    """Comes from outside: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Out(BaseModel):
    """Goes outside: no field has a default, so that none is forgotten."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


def _in_utc(value: datetime) -> datetime:
    """Bring a time to UTC; one at the edge of the calendar has none.

    Raises:
        ValueError: The time has no zone, or leaves the years 1..9999 in UTC.
    """
    if value.tzinfo is None:
        raise ValueError("expected a time with a zone (RFC 3339, such as 2026-01-31T12:00:00Z)")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("expected a time within the years 1 to 9999 in UTC") from error


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
Note = Annotated[str, StringConstraints(min_length=1, max_length=5_000, pattern=NO_NUL)]
Channel = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$"),
    Field(description="Name of the source.", examples=["email"]),
]
LanguageCode = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{2,3}$"),
    Field(description="ISO 639 code; `und` when not known.", examples=["de"]),
]
Moment = Annotated[datetime, AfterValidator(_in_utc), Field(examples=["2026-01-31T12:00:00Z"])]
MetadataValue = (
    Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)]
    | Annotated[float, Field(strict=True)]
    | Annotated[str, StringConstraints(max_length=1_000, pattern=NO_NUL, strict=True)]
)
Metadata = Annotated[
    dict[Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)], MetadataValue],
    Field(max_length=50, examples=[{"plan": "pro"}]),
]

Sentiment = Literal["negative", "neutral", "positive"]
Urgency = Literal["low", "medium", "high", "critical"]
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
    (Kind, KINDS),
    (Topic, TOPICS),
)
"""Wire literal and the model's label set; a test holds them equal."""
