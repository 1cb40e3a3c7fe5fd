"""From what is stored to what goes outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from service.api.v1.wire.cases import QueueItemOut
from service.api.v1.wire.complaint_ref import ComplaintRefOut
from service.api.v1.wire.feedback import AuthorOut, FeedbackOut, RatingOut
from service.api.v1.wire.priority import PriorityOut, TermOut
from service.api.v1.wire.score import ScoreOut
from service.complaints.reading import reference_to
from service.loop.queue import Ranked
from service.store.records import Case, Feedback
from service.triage.priority import Priority, Weights
from service.triage.rank import due_at, priority_of

DECIMALS = 6
"""Probabilities and contributions leave with this many places; more would be noise."""

TOLD_LATER: Final = ("topic_decision", "churn_risk", "declares", "non_feedback")
"""Fields of a score, beside the choices' `decision`, that predictions stored by the first models lack."""


def score_out(prediction: dict[str, Any] | None) -> ScoreOut | None:
    """Write a stored prediction; what was not told yet when it was stored is null."""
    if prediction is None:
        return None
    choices = {name: {"decision": None} | prediction[name] for name in ("sentiment", "urgency")}
    return ScoreOut.model_validate(dict.fromkeys(TOLD_LATER) | prediction | choices)


def priority_out(priority: Priority) -> PriorityOut:
    """Write a priority with its terms."""
    return PriorityOut(
        value=round(priority.value, DECIMALS),
        terms=[
            TermOut(
                name=term.name,
                value=None if term.value is None else round(term.value, DECIMALS),
                weight=term.weight,
                contribution=round(term.contribution, DECIMALS),
                reason=term.reason,
            )
            for term in priority.terms
        ],
    )


def complaint_ref(feedback: Feedback, languages: Sequence[str]) -> ComplaintRefOut | None:
    """Tell which complaint a text belongs to, by its title in a reader's language."""
    told = reference_to(feedback.complaint if feedback.complaint_id else None, languages)
    return None if told is None else ComplaintRefOut(**told)


def feedback_fields(feedback: Feedback, case: Case, languages: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a `FeedbackOut`; its detail form adds the history."""
    author = feedback.author
    return {
        "id": feedback.id,
        "text": feedback.text,
        "version": feedback.version,
        "external_id": feedback.external_id,
        "channel": feedback.channel,
        "solicited": feedback.solicited,
        "author": AuthorOut(**author) if author else None,
        "account_external_id": feedback.account.external_id if feedback.account else None,
        "declared_urgency": feedback.declared_urgency,
        "rating": RatingOut(**feedback.rating) if feedback.rating else None,
        "touchpoint": feedback.touchpoint,
        "product": feedback.product,
        "occurred_at": feedback.occurred_at,
        "received_at": feedback.received_at,
        "metadata": feedback.details,
        "language": feedback.language,
        "sentiment": feedback.sentiment,
        "urgency": feedback.urgency,
        "topics": feedback.topics,
        "topic": feedback.topic,
        "kind": feedback.kind,
        "score": score_out(feedback.prediction),
        "model_revision": feedback.model_revision,
        "complaint_id": feedback.complaint_id,
        "complaint": complaint_ref(feedback, languages),
        "case_id": case.id,
        "status": case.state,
    }


def feedback_out(feedback: Feedback, case: Case, languages: Sequence[str]) -> FeedbackOut:
    """Write a stored text."""
    return FeedbackOut(**feedback_fields(feedback, case, languages))


def queue_item_out(
    ranked: Ranked, weights: Weights, languages: Sequence[str], *, as_of: datetime
) -> QueueItemOut:
    """Write a case at its place."""
    case = ranked.case
    priority = priority_of(case, case.feedback, case.feedback.account, weights, as_of=as_of)
    return QueueItemOut(
        case_id=case.id,
        rank=ranked.rank,
        priority=priority_out(priority),
        feedback=feedback_out(case.feedback, case, languages),
        complaint=complaint_ref(case.feedback, languages),
        state=case.state,  # type: ignore[arg-type]  # the database holds states of the closed set only
        assignee=case.assignee,
        team=case.team,
        due_at=due_at(case),
        version=case.version,
    )
