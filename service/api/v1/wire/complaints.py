"""Wire types of /v1/complaints."""

from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from service.api.v1.wire.base import NO_NUL, In, LanguageCode, Line, Moment, Note, Out, Short, at_most
from service.api.v1.wire.feedback import FeedbackOut

SPLIT_MAX: Final = 1_000
"""Texts that one split can take along."""

COMPLAINT_ID: Final = "[0-9a-f]{8,64}"
"""What an id of a complaint looks like."""

ComplaintId = Annotated[
    str,
    StringConstraints(pattern=rf"^{COMPLAINT_ID}$"),
    Field(description="Id of a complaint, for life.", examples=["3fa9c2d41b7e5a60c8d1"]),
]
ComplaintStatus = Literal["open", "closed", "dormant"]
SeverityLevel = Literal["low", "medium", "high", "critical"]
Message = Annotated[str, StringConstraints(min_length=1, max_length=5_000, pattern=NO_NUL)]
Version = Annotated[int, Field(ge=1, strict=True, description="The one that was read: a newer one wins.")]


class AlertOut(Out):
    """An episode that lasts: more texts than the complaint's past lets expect."""

    since: date = Field(description="First day of the first window that was alarming, UTC.")
    severity: SeverityLevel = Field(description="From urgency, customers and revenue.")
    expected: float = Field(description="Texts that the past let expect in the most surprising window.")
    observed: int = Field(description="Texts that came in it.")
    p_value: float = Field(description="Chance of so many or more, were the past to go on.")
    times: int = Field(description="1, and one more each time that the episode came back.")


class DayOut(Out):
    """Texts of one day."""

    date: date
    count: int


class TrendOut(Out):
    """How a complaint comes and goes, in UTC days."""

    per_day: list[DayOut] = Field(description="Oldest first; today, as far as it has come, is the last.")
    growth: float | None = Field(
        description="Texts over expected ones, of the most surprising of the day and the week that end "
        "today; null while there is too little past."
    )
    alert: AlertOut | None


class LineageOut(Out):
    """One thing that happened to complaints."""

    event: Literal["born", "grew", "split", "merged", "dormant", "returned"]
    at: Moment
    from_: list[str] = Field(alias="from", description="Complaints it happened to.")
    to: list[str] = Field(description="Complaints that came of it.")
    texts: int = Field(description="Texts that it brought or moved.")
    by: str | None = Field(description="The person who did it; null of a refit.")


class ActOut(Out):
    """What a person did, beside what is in the lineage."""

    event: str = Field(examples=["renamed"])
    at: Moment
    by: str
    note: str | None


class ComplaintOut(Out):
    """One recurring complaint."""

    id: ComplaintId
    title: str = Field(description="People's own, else a member's words in the reader's language.")
    title_language: str | None = Field(description="Null where people gave the title.")
    keywords: dict[str, list[str]] = Field(description="By language, best first.")
    size: int
    customers: int
    revenue_affected: float = Field(description="A year's revenue of its accounts, each once.")
    languages: list[str] = Field(description="Of its texts, most frequent first.")
    first_seen: Moment | None
    last_seen: Moment | None
    status: ComplaintStatus
    owner: str | None
    growth: float | None
    severity: SeverityLevel | None
    alert: AlertOut | None
    version: int


class ComplaintPageOut(Out):
    """A page of complaints."""

    items: list[ComplaintOut]
    next_cursor: str | None


class ComplaintDetailOut(ComplaintOut):
    """One recurring complaint with its history."""

    titles: dict[str, str] = Field(description="A member's own words by language.")
    notes: str | None
    trend: TrendOut
    representative: list[FeedbackOut] = Field(description="Texts that cover it, best first.")
    lineage: list[LineageOut] = Field(description="Oldest first.")
    history: list[ActOut] = Field(description="What people did beside it, oldest first.")
    merged_into: str | None = Field(description="Where it went on; its texts are there.")
    dissolved_at: Moment | None
    closed_at: Moment | None
    notices: int = Field(description="Notices of affected people that wait to be sent.")


class ComplaintIn(In):
    """What people say of a complaint; null takes it off."""

    title: Line | None = None
    owner: Short | None = None
    notes: Note | None = None
    version: Version


class MergeIn(In):
    """Which complaint it goes on in."""

    into: ComplaintId
    version: Version


class SplitIn(In):
    """Which of its texts are a complaint of their own."""

    feedback_ids: Annotated[list[UUID], at_most(SPLIT_MAX)] = Field(min_length=1, max_length=SPLIT_MAX)
    title: Line | None = None
    version: Version


class DissolveIn(In):
    """That it is none."""

    version: Version


class MoveIn(In):
    """Where a text belongs."""

    complaint_id: ComplaintId | None = Field(description="Null keeps it out of all complaints.")
    previous: ComplaintId | None = Field(
        description="The complaint it was seen in, null for none: when it is elsewhere by now, the answer "
        "is 409."
    )


class CloseIn(In):
    """What is told about a closed complaint."""

    message: Annotated[dict[LanguageCode, Message], at_most(50)] | None = Field(
        default=None,
        description="What affected people are told, by language.",
        examples=[{"en": "We have put it right.", "de": "Wir haben es behoben."}],
    )
    note: Note = Field(description="Why it is closed, for colleagues.")
    version: Version | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "CloseIn":
        if self.message is not None and not self.message:
            raise ValueError("expected a message in at least one language, or null")
        return self


class ClosedOut(Out):
    """What closing did."""

    complaint: ComplaintDetailOut
    closed_cases: int
    notices: int = Field(description="One for each affected person; they wait to be sent.")


class RefitOut(Out):
    """A refit that was asked for."""

    id: UUID
    state: Literal["queued", "running", "done", "failed"]
    reason: Literal["demand", "schedule"]
    requested_by: str
    requested_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    attempts: int = Field(description="How often it was begun; more than once after it was killed.")
    texts: int | None = Field(description="Texts that need fixing.")
    complaints: int | None
    open_texts: int | None = Field(description="Texts that belong to none.")
    seconds: float | None
    error: str | None


class RefitPageOut(Out):
    """Refits, newest first."""

    items: list[RefitOut]
    next_cursor: str | None
