"""From a stored text to the numbers that rank its case."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from service.store.records import Account, Case, Feedback, Tenant
from service.triage.priority import Priority, Resting, Signals, Weights, priority_at, resting_priority


def weights_of(tenant: Tenant) -> Weights:
    """Return a tenant's own weights, or the default ones."""
    return Weights(**tenant.priority_weights) if tenant.priority_weights else Weights()


def signals_of(feedback: Feedback, account: Account | None) -> Signals:
    """Gather what is known about a text; a person's label has probability 1.

    What a text declares and its churn risk are read by the model alone: nobody judges them. Predictions
    stored before they were told leave them unknown.
    """
    predicted = feedback.prediction or {}
    complaint = feedback.complaint if feedback.complaint_id else None
    declares, churn, doubt = (predicted.get(name) for name in ("declares", "churn_risk", "non_feedback"))
    return Signals(
        urgency=_probabilities(feedback, "urgency"),
        sentiment=_probabilities(feedback, "sentiment"),
        declared_urgency=feedback.declared_urgency,
        declares=None if declares is None else tuple(row["label"] for row in declares),
        account_type=account.type if account else None,
        revenue=account.revenue_amount if account else None,
        complaint_size=complaint.size if complaint else None,
        complaint_growth=complaint.growth if complaint and complaint.rising else None,
        churn=churn["probability"] if churn else None,
        # A person who says how urgent it is has looked: then there is no doubt to tell of.
        non_feedback=doubt["present"] and "urgency" not in feedback.judged if doubt else None,
    )


def resting_of(feedback: Feedback, account: Account | None, weights: Weights) -> Resting:
    """Return the part of a text's priority that does not move with the clock."""
    return resting_priority(signals_of(feedback, account), weights)


def rank_case(case: Case, feedback: Feedback, account: Account | None, weights: Weights) -> None:
    """Write onto a case what the queue is ordered and filtered by."""
    resting = resting_of(feedback, account, weights)
    case.base = resting.base
    case.floor = resting.floor
    case.resting = max(resting.base, resting.floor)
    case.waiting_since = min(feedback.occurred_at, feedback.received_at).timestamp()
    case.service_level_seconds = resting.service_level_seconds
    case.language = feedback.language
    case.sentiment = feedback.sentiment
    case.urgency = feedback.urgency
    case.kind = feedback.kind
    case.channel = feedback.channel
    case.account_id = feedback.account_id
    case.occurred_at = feedback.occurred_at


def priority_of(
    case: Case, feedback: Feedback, account: Account | None, weights: Weights, *, as_of: datetime
) -> Priority:
    """Return a case's priority with its terms, as of a moment."""
    waited = as_of.timestamp() - case.waiting_since
    return priority_at(resting_of(feedback, account, weights), weights, waited_seconds=waited)


def due_at(case: Case) -> datetime:
    """Return when the service level of a case is over."""
    return datetime.fromtimestamp(case.waiting_since + case.service_level_seconds, UTC)


def _probabilities(feedback: Feedback, field: str) -> Mapping[str, float] | None:
    if field in feedback.judged:
        return {getattr(feedback, field): 1.0}
    predicted: dict[str, Any] = (feedback.prediction or {}).get(field, {})
    return predicted.get("probabilities")
