"""The closed default label sets and the rule that derives a text's kind from them."""

from collections.abc import Mapping
from typing import Final, Literal

HeadName = Literal["sentiment", "urgency", "topics", "signals"]

SENTIMENTS: Final = ("negative", "neutral", "positive")

URGENCIES: Final = ("low", "medium", "high", "critical")
"""In order: urgency is ordinal."""

TOPICS: Final = (
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
)

DECLARED: Final = ("urgent", "deadline", "legal")
"""What a writer can say about urgency: that it is urgent, a date by which, a threat of legal steps."""

CHURN_RISK: Final = "churn_risk"
NON_FEEDBACK: Final = "non_feedback"

SIGNALS: Final = (CHURN_RISK, *DECLARED, NON_FEEDBACK)
"""What a text says beside its urgency: the writer announces leaving; what they declare; and whether it
is no feedback at all (gibberish, code, machine output, advertisements)."""

LABELS: Final[Mapping[HeadName, tuple[str, ...]]] = {
    "sentiment": SENTIMENTS,
    "urgency": URGENCIES,
    "topics": TOPICS,
    "signals": SIGNALS,
}
"""The heads, each with its labels in the order of its probabilities."""

KINDS: Final = ("complaint", "request", "question", "praise", "comment")


def kind_of(topic: str, sentiment: str) -> str:
    """Derive what a text is, from its best topic and its sentiment.

    The first rule that matches decides: a question is about information; a request asks for a
    function; what is positive is praise; what is negative is a complaint; the rest is a comment.

    Args:
        topic: Best single topic, one of `TOPICS` or a tenant's own.
        sentiment: One of `SENTIMENTS`.

    Returns:
        One of `KINDS`.

    >>> kind_of("bug_crash", "negative"), kind_of("feature_request", "positive")
    ('complaint', 'request')
    """
    if topic == "information_question":
        return "question"
    if topic == "feature_request":
        return "request"
    if sentiment == "positive" or topic == "praise_general":
        return "praise"
    if sentiment == "negative":
        return "complaint"
    return "comment"
