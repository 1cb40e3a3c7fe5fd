"""What a text says beside its labels reaches the queue, and what was stored before that is still answered."""

from uuid import UUID

import pytest

from service.store.records import Feedback

LEAVING = "we are leaving you and go to your competitor"
URGENT = "this is urgent answer at once"
LEGAL = "you will hear from our lawyer in court"
NO_FEEDBACK = "qwrt zxcv 0x7f npm ERR stack"


def terms(item):
    return {term["name"]: term for term in item["priority"]["terms"]}


def test_a_text_that_is_no_feedback_gets_its_case_and_its_reason_says_so(caller):
    stored = caller.store(NO_FEEDBACK)[0]

    assert stored["score"]["non_feedback"]["present"]
    assert terms(stored)["urgency"]["reason"].endswith("; perhaps no feedback at all")
    assert terms(stored)["urgency"]["contribution"] > 0
    queue = caller.get("/v1/queue").json()["items"]
    assert [item["case_id"] for item in queue] == [stored["case_id"]]
    assert terms(queue[0]) | {"waiting": None} == terms(stored) | {"waiting": None}


def test_leaving_earns_the_churn_term_by_its_probability(caller):
    stored = caller.store(LEAVING)[0]

    churn = terms(stored)["churn"]
    assert churn["value"] == round(stored["score"]["churn_risk"]["probability"], 6)
    assert churn["reason"] == "announces leaving: 100%"


def test_what_the_text_declares_counts_where_it_is_more_than_the_field_says(caller):
    rows = caller.store(
        {"text": URGENT, "declared_urgency": "low"},
        {"text": LEGAL},
        {"text": URGENT + "!", "declared_urgency": "critical"},
        {"text": "please add a dark mode"},
    )

    declared = [terms(row)["declared_urgency"] for row in rows]
    assert [(term["contribution"], term["reason"]) for term in declared] == [
        (8.5, "the text says: urgent"),
        (10.0, "the text says: legal"),
        (10.0, "the customer says critical"),
        (0.0, "the customer did not say how urgent it is"),
    ]
    read = caller.get(f"/v1/feedback/{rows[0]['id']}").json()
    assert read["declared_urgency"] == "low"


def test_a_persons_urgency_still_wins_over_the_models(caller):
    stored = caller.store("my card was stolen please block it, " + URGENT)[0]
    caller.patch(f"/v1/feedback/{stored['id']}/labels", {"urgency": "low"})

    item = caller.get("/v1/queue").json()["items"][0]
    assert terms(item)["urgency"]["contribution"] == 0
    assert terms(item)["severity_floor"]["contribution"] == 0
    assert item["priority"]["value"] < stored["priority"]["value"]


def test_a_score_of_the_first_form_is_answered_everywhere_and_told_anew_by_a_re_embedding(caller):
    stored = caller.store(LEAVING)[0]
    told = stored["score"]
    names = ("topic_decision", "churn_risk", "declares", "non_feedback")
    with caller.state.database.write() as session:
        row = session.get_one(Feedback, UUID(stored["id"]))
        first_form = {name: value for name, value in row.prediction.items() if name not in names}
        for choice in ("sentiment", "urgency"):
            kept = {name: value for name, value in first_form[choice].items() if name != "decision"}
            first_form[choice] = kept
        row.prediction = first_form

    read = caller.get(f"/v1/feedback/{stored['id']}").json()
    assert [read["score"][name] for name in names] == [None] * 4
    assert read["score"]["urgency"] == told["urgency"] | {"decision": None}
    assert read["score"]["sentiment"]["decision"] is None
    assert caller.get("/v1/feedback").json()["items"][0]["score"] == read["score"]
    item = caller.get("/v1/queue").json()["items"][0]
    assert item["feedback"]["score"] == read["score"]
    assert terms(item)["churn"]["value"] is None
    found = caller.post("/v1/search", {"query": LEAVING}).json()["items"][0]
    assert found["feedback"]["score"] == read["score"]

    admin = type(caller)(caller.client, caller.tenant, "admin")
    assert admin.post("/v1/reindex", {"re_embed": True}).status_code == 202
    caller.settle()
    after = caller.get(f"/v1/feedback/{stored['id']}").json()["score"]
    assert after["churn_risk"] == pytest.approx(told["churn_risk"], abs=1e-5)
    assert after["declares"] == told["declares"] == []
    decided = [(row["urgency"]["decision"], row["topic_decision"]) for row in (after, told)]
    assert decided[0] == decided[1]
