"""Wire types of POST /v1/search."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from service.api.v1.wire.base import (
    NO_NUL,
    PAGE_MAX,
    CaseState,
    Channel,
    ExternalId,
    In,
    Kind,
    LanguageCode,
    Metadata,
    Moment,
    Out,
    Sentiment,
    Short,
    Topic,
    Urgency,
    at_most,
)
from service.api.v1.wire.feedback import FeedbackOut

VALUES_MAX: Final = 100
Several: Any = Field(default=[], max_length=VALUES_MAX)
Few: Final = at_most(VALUES_MAX)


class FilterIn(In):
    """Which texts to look among: fields are joined by AND, values within one by OR."""

    language: Annotated[list[LanguageCode], Few] = Several
    sentiment: Annotated[list[Sentiment], Few] = Several
    topic: Annotated[list[Topic], Few] = Several
    urgency: Annotated[list[Urgency], Few] = Several
    kind: Annotated[list[Kind], Few] = Several
    account_type: Annotated[list[Short], Few] = Several
    account: Annotated[list[ExternalId], Few] = Field(
        default=[], max_length=VALUES_MAX, description="External ids of accounts."
    )
    revenue_min: float | None = Field(
        default=None, ge=0, strict=True, description="In the account's own currency."
    )
    channel: Annotated[list[Channel], Few] = Several
    status: Annotated[list[CaseState], Few] = Several
    occurred_from: Moment | None = Field(default=None, description="Inclusive.")
    occurred_to: Moment | None = Field(default=None, description="Exclusive.")
    complaint_id: Short | None = None
    metadata: Metadata = Field(default={})


class SearchIn(In):
    """What to look for: `query` or `like_id`, one of them."""

    query: Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=NO_NUL)] | None = Field(
        default=None, examples=["payment fails in the app"]
    )
    like_id: UUID | None = Field(default=None, description="Texts similar to this stored one.")
    mode: Literal["semantic", "keyword", "hybrid"] = "semantic"
    limit: int = Field(default=20, ge=1, le=PAGE_MAX, strict=True)
    filter: FilterIn = FilterIn()
    cursor: Annotated[str, StringConstraints(max_length=1_000, pattern=NO_NUL)] | None = None

    @model_validator(mode="after")
    def _one_subject(self) -> "SearchIn":
        if (self.query is None) == (self.like_id is None):
            raise ValueError("expected either query or like_id")
        if self.query is not None and not self.query.strip():
            raise ValueError("expected a query that is not all white space")
        return self


class HitOut(Out):
    """A found text."""

    feedback: FeedbackOut
    score: float = Field(description="Cosine similarity, -1..1.", examples=[0.893])
    highlights: list[str] = Field(description="Matching passages; empty in semantic mode.")


class FacetsOut(Out):
    """How many of the matching texts have each value."""

    topic: dict[str, int]
    sentiment: dict[str, int]
    urgency: dict[str, int]
    language: dict[str, int]
    account_type: dict[str, int]


class SearchOut(Out):
    """Texts by similarity, best first."""

    items: list[HitOut]
    facets: FacetsOut
    next_cursor: str | None
