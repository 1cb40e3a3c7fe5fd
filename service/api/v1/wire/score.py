"""Wire types of POST /v1/score; a result also stands in every feedback."""

from typing import Annotated, Any

from pydantic import Field

from service.api.v1.wire.base import (
    REQUEST_ITEMS_MAX,
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
    abstained: bool = Field(description="Below the published threshold: a person should look.")


class UrgencyOut(Out):
    """How soon somebody must act."""

    label: Urgency = Field(description="The most probable label.")
    confidence: Confidence
    probabilities: dict[Urgency, float]
    abstained: bool = Field(description="Below the published threshold: a person should look.")


class TopicOut(Out):
    """A topic that applies."""

    label: str = Field(examples=["bug_crash"])
    probability: Confidence


class ScoreOut(Out):
    """What the models say about one text."""

    language: LanguageOut
    sentiment: SentimentOut
    urgency: UrgencyOut
    topics: list[TopicOut] = Field(description="Those above their thresholds, best first.")
    topic: str = Field(description="The best single topic, always given.", examples=["bug_crash"])
    kind: Kind
    explanation: dict[str, Any] | None = Field(description="Null until reasons are available.")


class ScoresOut(Out):
    """One result a text, in order."""

    model: ModelOut
    results: list[ScoreOut]
