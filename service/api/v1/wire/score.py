"""Wire types of POST /v1/score; a result also stands in every feedback."""

from typing import Annotated, Any

from pydantic import Field

from models.predictions import Decision
from service.api.v1.wire.base import (
    REQUEST_ITEMS_MAX,
    Declared,
    FeedbackText,
    FewItems,
    In,
    Kind,
    LanguageCode,
    Out,
    Sentiment,
    Urgency,
)

Confidence = Annotated[float, Field(ge=0, le=1, description="Calibrated probability.", examples=[0.93])]
LabelDecision = Annotated[
    Decision | None,
    Field(
        description="What the confidence is good for: `apply` it unseen, `suggest` it to a person who "
        "decides, or `abstain`: a person should look. The model card tells how often each is right. Null for "
        "a text stored before decisions were told.",
        examples=["apply"],
    ),
]
Abstained = Annotated[bool, Field(description="Whether the decision is `abstain`: a person should look.")]


class ScoreItemIn(In):
    """One text to score."""

    text: FeedbackText
    language: LanguageCode | None = Field(default=None, description="Known language; identified when absent.")


class ScoreIn(In):
    """Texts to score."""

    items: Annotated[list[ScoreItemIn], FewItems] = Field(
        min_length=1,
        max_length=REQUEST_ITEMS_MAX,
        description="1 to 256 texts, 200,000 characters together.",
    )
    explain: bool = Field(default=False, strict=True, description="Ask for reasons; not available yet.")


class ModelOut(Out):
    """Which model answered."""

    name: str = Field(examples=["default"])
    revision: str = Field(examples=["2026.11.1-3fa9c2"])
    encoder: str = Field(examples=["e5-small-q4:ab12cd34"])


class LanguageOut(Out):
    """The language of a text."""

    code: str = Field(description="ISO 639 code, or `und` when not sure.", examples=["de"])
    confidence: Confidence


class SentimentOut(Out):
    """The writer's sentiment towards the subject."""

    label: Sentiment = Field(description="The most probable label.")
    confidence: Confidence
    probabilities: dict[Sentiment, float]
    decision: LabelDecision
    abstained: Abstained


class UrgencyOut(Out):
    """How soon somebody must act."""

    label: Urgency = Field(description="The most probable label.")
    confidence: Confidence
    probabilities: dict[Urgency, float]
    decision: LabelDecision
    abstained: Abstained


class TopicOut(Out):
    """A topic that applies."""

    label: str = Field(examples=["bug_crash"])
    probability: Confidence


class DeclaredOut(Out):
    """Something the writer says about how urgent it is."""

    label: Declared = Field(
        description="`urgent`: that it is; `deadline`: a date by which; `legal`: a threat of legal steps.",
        examples=["deadline"],
    )
    probability: Confidence


class SignalOut(Out):
    """Something that a text says or not, beside its labels."""

    probability: Confidence
    present: bool = Field(description="Whether the probability reaches the published threshold.")


class ScoreOut(Out):
    """What the models say about one text.

    Fields that say so are null for a text that was stored before they were told; a re-embedding tells them.
    """

    language: LanguageOut
    sentiment: SentimentOut
    urgency: UrgencyOut
    topics: list[TopicOut] = Field(description="Those above their thresholds, best first.")
    topic: str = Field(description="The best single topic, always given.", examples=["bug_crash"])
    topic_decision: LabelDecision
    churn_risk: SignalOut | None = Field(
        description="Whether the writer announces leaving. Null for a text stored before this was told.",
        examples=[{"probability": 0.04, "present": False}],
    )
    declares: list[DeclaredOut] | None = Field(
        description="What the writer says of urgency, apart from what the model makes of it: those above "
        "their thresholds, best first. Null for a text stored before this was told.",
        examples=[[{"label": "deadline", "probability": 0.86}]],
    )
    non_feedback: SignalOut | None = Field(
        description="Whether it is no feedback at all: gibberish, code, machine output, an advertisement. "
        "When present every decision is `abstain`; a case is opened all the same, and ranked by its urgency. "
        "The probability is calibrated with real feedback, written texts and non-feedback counting alike, as "
        "if one text in three were none: where fewer are, it is too high. Null for a text stored before this "
        "was told.",
        examples=[{"probability": 0.02, "present": False}],
    )
    kind: Kind
    explanation: dict[str, Any] | None = Field(description="Null until reasons are available.")


class ScoresOut(Out):
    """One result a text, in order."""

    model: ModelOut
    results: list[ScoreOut]
