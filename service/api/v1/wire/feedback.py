"""Wire types of /v1/feedback."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from service.api.v1.wire.base import (
    NO_NUL,
    REQUEST_ITEMS_MAX,
    Channel,
    ExternalId,
    FeedbackText,
    FewItems,
    In,
    LanguageCode,
    Line,
    Metadata,
    Moment,
    Note,
    Out,
    Sentiment,
    Short,
    Topic,
    Urgency,
    at_most,
)
from service.api.v1.wire.complaint_ref import ComplaintRefOut
from service.api.v1.wire.priority import PriorityOut
from service.api.v1.wire.score import ScoreOut
from service.problems import FieldProblem, Problem, field_problems


class AuthorIn(In):
    """Who said it; anonymous when absent."""

    external_id: ExternalId | None = None
    name: Line | None = None
    email: (
        Annotated[str, StringConstraints(min_length=3, max_length=320, pattern=r"^[^\u0000@]+@[^\u0000@]+$")]
        | None
    ) = None
    language: LanguageCode | None = None


class RatingIn(In):
    """A number the customer gave beside the words."""

    kind: Literal["csat", "nps", "ces", "stars"]
    value: float = Field(ge=0, le=100, strict=True, examples=[4])


class FeedbackIn(In):
    """One text of one customer. Only `text` is required."""

    text: FeedbackText
    external_id: ExternalId | None = Field(
        default=None, description="The channel's own id; makes a retry safe."
    )
    channel: Channel = "api"
    solicited: bool | None = Field(default=None, strict=True, description="Whether it was asked for.")
    author: AuthorIn | None = None
    account_external_id: ExternalId | None = Field(
        default=None, description="Created bare when not known yet."
    )
    declared_urgency: Urgency | None = Field(default=None, description="What the customer said themselves.")
    rating: RatingIn | None = None
    touchpoint: Short | None = None
    product: Short | None = None
    occurred_at: Moment | None = Field(default=None, description="Now when absent.")
    language: LanguageCode | None = Field(default=None, description="Known language; identified when absent.")
    metadata: Metadata = Field(default={})
    update: bool = Field(
        default=False,
        strict=True,
        description="Change what is stored under the same key: another text becomes a new version, every "
        "field given here gets its new value (null takes it off), one left out keeps its value; a language "
        "belongs to its text. People's labels hold on over a new version until somebody judges it anew or "
        "undoes them: `labels` tells which version each was given on. Without it another text is a conflict, "
        "and other fields beside the same text are ignored.",
    )


class Rejected:
    """An item that does not fit; it stands in its place so that it does not sink the others."""

    def __init__(self, fields: list[FieldProblem]) -> None:
        self.fields = fields


def _keep_place(value: Any, validate: ValidatorFunctionWrapHandler) -> "FeedbackIn | Rejected":
    try:
        item: FeedbackIn = validate(value)
    except ValidationError as error:
        return Rejected(field_problems(error.errors(include_input=False), skip=0))
    return item


class FeedbackBatchIn(In):
    """Texts to store."""

    items: Annotated[list[Annotated[FeedbackIn, WrapValidator(_keep_place)]], FewItems] = Field(
        min_length=1,
        max_length=REQUEST_ITEMS_MAX,
        description="1 to 256 texts, 200,000 characters together.",
    )


class AcceptedOut(Out):
    """A text that is in the database."""

    id: UUID
    created: bool = Field(description="False when the same text was there already.")
    score: ScoreOut | None = Field(description="Null when no heads fit the encoder.")
    priority: PriorityOut
    complaint: ComplaintRefOut | None = Field(description="The recurring complaint it belongs to.")
    similar_count: int | None = Field(
        description="Stored texts that say much the same; null when the index does not answer."
    )
    case_id: UUID


class RejectedOut(Out):
    """A text that was not stored, and why."""

    error: Problem


class FeedbackBatchOut(Out):
    """One answer an item, in order."""

    items: list[AcceptedOut | RejectedOut]


class AuthorOut(Out):
    """Who said it."""

    external_id: str | None
    name: str | None
    email: str | None
    language: str | None


class RatingOut(Out):
    """A number the customer gave beside the words."""

    kind: str
    value: float


class LabelEventOut(Out):
    """One step of a person's judgement.

    A label holds on when the text is changed: an addition to an emergency leaves it one. What the model makes
    of the new words stands in `score`, and what they declare counts in the priority.
    """

    field: Literal["sentiment", "urgency", "topics"]
    value: str | list[str] | None
    by: str
    at: Moment
    previous: str | list[str] | None = Field(description="What held just before.")
    version: int = Field(
        description="Version of the text that the person saw: where the text's own is higher, its words have "
        "changed since.",
        examples=[1],
    )
    undo: bool
    reason: str | None


class VersionOut(Out):
    """An earlier text."""

    version: int
    text: str
    replaced_at: Moment


class FeedbackOut(Out):
    """One stored text, with what holds for it now."""

    id: UUID
    text: str
    version: int
    external_id: str | None
    channel: str
    solicited: bool | None
    author: AuthorOut | None
    account_external_id: str | None
    declared_urgency: Urgency | None
    rating: RatingOut | None
    touchpoint: str | None
    product: str | None
    occurred_at: Moment
    received_at: Moment
    metadata: dict[str, str | int | float]
    language: str
    sentiment: str | None = Field(description="A person's label where there is one, else the model's.")
    urgency: str | None = Field(description="A person's label where there is one, else the model's.")
    topics: list[str] = Field(description="Topics that apply, best first.")
    topic: str | None = Field(description="The best single topic.")
    kind: str | None
    score: ScoreOut | None = Field(description="What the model said, untouched by corrections.")
    model_revision: str | None
    complaint_id: str | None
    complaint: ComplaintRefOut | None
    case_id: UUID
    status: str = Field(description="State of its case.")


class FeedbackDetailOut(FeedbackOut):
    """One stored text with its history."""

    versions: list[VersionOut]
    labels: list[LabelEventOut]


class FeedbackPageOut(Out):
    """A page of texts, newest first."""

    items: list[FeedbackOut]
    next_cursor: str | None


def _each_once(topics: list[str]) -> list[str]:
    if len(set(topics)) < len(topics):
        raise ValueError("expected each topic once")
    return topics


class LabelsIn(In):
    """A person's judgement, or the wish to take the latest one of a field back."""

    sentiment: Sentiment | None = None
    urgency: Urgency | None = None
    topics: Annotated[list[Topic], at_most(5), AfterValidator(_each_once)] | None = Field(
        default=None,
        min_length=1,
        max_length=5,
        description="Best first.",
        json_schema_extra={"uniqueItems": True},
    )
    reason: Note | None = None
    undo: Literal["sentiment", "urgency", "topics"] | None = None


IdempotencyKey = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=NO_NUL)]
