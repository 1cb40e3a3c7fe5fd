"""What holds for a text: a person's label where there is one, else the model's."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import delete
from sqlalchemy.orm import Session

from models.labels import CHURN_RISK, DECLARED, NON_FEEDBACK, kind_of
from models.predictions import Predictions, ScoredText
from service.store.records import Feedback, FeedbackTopic

FIELDS: Final = ("sentiment", "urgency", "topics")
"""The fields a person can judge."""


def score_document(predictions: Predictions) -> dict[str, Any]:
    """Write predictions in the wire form of a score, which is also how they are stored."""

    def choice(name: str) -> dict[str, Any]:
        prediction = getattr(predictions, name)
        return {
            "label": prediction.label,
            "confidence": prediction.confidence,
            "probabilities": prediction.probabilities,
            "decision": prediction.decision,
            "abstained": prediction.abstained,
        }

    def signal(name: str) -> dict[str, Any]:
        return {"probability": signals.probabilities[name], "present": name in signals.present}

    topics, signals = predictions.topics, predictions.signals
    present = [name for name in DECLARED if name in signals.present]
    declared = sorted(present, key=lambda name: -signals.probabilities[name])
    return {
        "language": {"code": predictions.language.code, "confidence": predictions.language.confidence},
        "sentiment": choice("sentiment"),
        "urgency": choice("urgency"),
        "topics": [{"label": name, "probability": topics.probabilities[name]} for name in topics.applied],
        "topic": topics.best,
        "topic_decision": topics.decision,
        "churn_risk": signal(CHURN_RISK),
        "declares": [{"label": name, "probability": signals.probabilities[name]} for name in declared],
        "non_feedback": signal(NON_FEEDBACK),
        "kind": predictions.kind,
        "explanation": None,
    }


def apply_score(feedback: Feedback, scored: ScoredText, *, space: str, revision: str | None) -> None:
    """Put what the models said onto a row; what people judged is laid over it by `apply_labels`."""
    feedback.vector = scored.stored_vector()
    feedback.space = space
    feedback.model_revision = revision if scored.predictions else None
    feedback.prediction = score_document(scored.predictions) if scored.predictions else None
    feedback.language = scored.language.code


def apply_labels(session: Session, feedback: Feedback, judged: Mapping[str, Any]) -> None:
    """Set what holds now on a stored row, and the topics that filters match.

    Args:
        session: An open transaction.
        feedback: Its `prediction` is up to date.
        judged: The values that hold by a person's word, by field of `FIELDS`.
    """
    hold_labels(feedback, judged)
    replace_topics(session, [feedback])


def hold_labels(feedback: Feedback, judged: Mapping[str, Any]) -> None:
    """Set what holds now on a row; `replace_topics` is to follow.

    Args:
        feedback: Its `prediction` is up to date.
        judged: The values that hold by a person's word, by field of `FIELDS`.
    """
    predicted = feedback.prediction or {}
    feedback.sentiment = judged.get("sentiment") or predicted.get("sentiment", {}).get("label")
    feedback.urgency = judged.get("urgency") or predicted.get("urgency", {}).get("label")
    feedback.topics = judged.get("topics") or [row["label"] for row in predicted.get("topics", [])]
    feedback.topic = feedback.topics[0] if "topics" in judged else predicted.get("topic")
    known = feedback.topic is not None and feedback.sentiment is not None
    feedback.kind = kind_of(feedback.topic or "", feedback.sentiment or "") if known else None
    feedback.judged = [name for name in FIELDS if name in judged]


def replace_topics(session: Session, known: Sequence[Feedback], new: Sequence[Feedback] = ()) -> None:
    """Write the topics that filters match; the same few statements whatever the number of rows.

    Args:
        session: An open transaction; the rows are flushed.
        known: Rows that may have topics already.
        new: Rows that have none yet.
    """
    if known:
        ids = [feedback.id for feedback in known]
        session.execute(delete(FeedbackTopic).where(FeedbackTopic.feedback_id.in_(ids)))
    session.add_all(
        FeedbackTopic(feedback_id=feedback.id, topic=topic, tenant_id=feedback.tenant_id)
        for feedback in (*known, *new)
        for topic in topics_of(feedback)
    )


def topics_of(feedback: Feedback) -> list[str]:
    """Return the topics that filters match: those that apply, and the best single one."""
    return list(dict.fromkeys([*feedback.topics, *([feedback.topic] if feedback.topic else [])]))


def current(feedback: Feedback) -> dict[str, Any]:
    """Return what holds by a person's word, by field."""
    return {name: getattr(feedback, name) for name in feedback.judged}
