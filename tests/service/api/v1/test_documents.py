"""What is stored goes outside whole, also where it was stored in an older form."""

import pytest
from pydantic import ValidationError

from service.api.v1.documents import score_out
from service.store.records import Account, Feedback
from service.triage.priority import Weights
from service.triage.rank import resting_of, signals_of

FIRST_FORM = {
    "language": {"code": "de", "confidence": 0.99},
    "sentiment": {
        "label": "negative",
        "confidence": 0.9,
        "probabilities": {"negative": 0.9, "neutral": 0.1, "positive": 0.0},
        "abstained": False,
    },
    "urgency": {
        "label": "high",
        "confidence": 0.7,
        "probabilities": {"low": 0.1, "medium": 0.2, "high": 0.7, "critical": 0.0},
        "abstained": True,
    },
    "topics": [{"label": "bug_crash", "probability": 0.8}],
    "topic": "bug_crash",
    "kind": "complaint",
    "explanation": None,
}
"""A score as it was stored before decisions and signals were told."""


def feedback(**prediction):
    row = Feedback(prediction=FIRST_FORM | prediction, judged=[], declared_urgency=None)
    row.sentiment, row.urgency = "negative", "high"
    return row


def test_a_stored_score_with_a_field_nobody_knows_is_an_error_not_a_loss():
    with pytest.raises(ValidationError, match="surprise"):
        score_out(FIRST_FORM | {"surprise": 1})


def test_no_score_is_none():
    assert score_out(None) is None


def test_a_score_of_the_first_form_is_answered_with_null_where_nothing_was_told():
    answer = score_out(FIRST_FORM).model_dump()

    unknown = dict.fromkeys(("topic_decision", "churn_risk", "declares", "non_feedback"))
    choices = {name: FIRST_FORM[name] | {"decision": None} for name in ("sentiment", "urgency")}
    assert answer == FIRST_FORM | unknown | choices


def test_a_score_of_the_first_form_leaves_the_new_signals_unknown():
    signals = signals_of(feedback(), None)

    assert (signals.churn, signals.declares, signals.non_feedback) == (None, None, None)
    terms = {term.name: term for term in resting_of(feedback(), Account(), Weights()).terms}
    assert terms["churn"].value is None
    assert terms["declared_urgency"].value is None


def test_signals_of_a_score_reach_the_priority():
    row = feedback(
        churn_risk={"probability": 0.6, "present": False},
        declares=[{"label": "legal", "probability": 0.9}, {"label": "urgent", "probability": 0.7}],
        non_feedback={"probability": 0.8, "present": True},
    )
    signals = signals_of(row, None)

    assert (signals.churn, signals.declares, signals.non_feedback) == (0.6, ("legal", "urgent"), True)


def test_a_person_who_says_how_urgent_it_is_takes_the_doubt_off_and_nothing_else():
    row = feedback(
        churn_risk={"probability": 0.6, "present": True},
        declares=[{"label": "urgent", "probability": 0.7}],
        non_feedback={"probability": 0.8, "present": True},
    )
    row.judged, row.urgency = ["urgency"], "low"
    signals = signals_of(row, None)

    assert signals.urgency == {"low": 1.0}
    assert signals.non_feedback is False
    assert (signals.churn, signals.declares) == (0.6, ("urgent",))
