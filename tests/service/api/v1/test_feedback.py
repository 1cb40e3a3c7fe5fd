"""Texts come in once, whoever sends them how often; are read, changed, and deleted with all they left."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import func, select

from service.store import records
from service.store.records import (
    Account,
    Case,
    Feedback,
    FeedbackTopic,
    FeedbackVersion,
    LabelEvent,
)

TEXT = "the app crashes at checkout"


def post(caller, *items, key=None, wait=False):
    headers = {"Idempotency-Key": key} if key else {}
    return caller.post("/v1/feedback" + ("?wait=indexed" if wait else ""), {"items": items}, headers=headers)


def count(caller, record):
    with caller.state.database.read() as session:
        return session.scalar(select(func.count()).where(record.tenant_id == caller.tenant_id))


def race(*calls):
    """Make calls at the same time; return their answers."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


# Idempotency by channel and external id


def test_the_same_text_again_is_not_created_again(caller):
    first = post(caller, {"text": TEXT, "external_id": "1"})
    again = post(caller, {"text": TEXT, "external_id": "1"})

    assert (first.status_code, again.status_code) == (201, 200)
    one, two = first.json()["items"][0], again.json()["items"][0]
    assert (one["created"], two["created"]) == (True, False)
    assert {**one, "created": False, "priority": None} == {**two, "priority": None}
    assert count(caller, Feedback) == 1


def test_the_same_text_twice_in_one_request_is_created_once(caller):
    answer = post(caller, *[{"text": TEXT, "external_id": "1"}] * 3)

    assert answer.status_code == 201
    rows = answer.json()["items"]
    assert [row["created"] for row in rows] == [True, False, False]
    assert len({row["id"] for row in rows}) == len({row["case_id"] for row in rows}) == 1
    assert count(caller, Feedback) == 1


def test_texts_without_an_external_id_are_always_new(caller):
    assert [row["created"] for row in post(caller, {"text": TEXT}, {"text": TEXT}).json()["items"]] == [
        True,
        True,
    ]
    assert count(caller, Feedback) == 2


def test_one_external_id_in_two_channels_is_two_texts(caller):
    answer = post(
        caller, {"text": TEXT, "external_id": "1"}, {"text": TEXT, "external_id": "1", "channel": "email"}
    )

    assert [row["created"] for row in answer.json()["items"]] == [True, True]


def test_requests_that_race_create_a_text_once(caller):
    answers = race(
        *[lambda: post(caller, {"text": TEXT, "external_id": "1"}, {"text": TEXT, "external_id": "2"})] * 8
    )

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({tuple(row["id"] for row in answer.json()["items"]) for answer in answers}) == 1
    assert count(caller, Feedback) == 2
    assert count(caller, Case) == 2


def test_requests_that_race_for_one_account_create_it_once(caller):
    def send(place):
        if place % 2:
            return lambda: caller.put("/v1/accounts/acme", {"name": "Acme"})
        return lambda: post(caller, {"text": TEXT, "account_external_id": "acme"})

    answers = race(*[send(place) for place in range(8)])

    assert {answer.status_code for answer in answers} <= {200, 201}
    assert count(caller, Account) == 1


# Another text under the same key


def test_another_text_under_the_same_key_is_a_conflict_and_changes_nothing(caller):
    stored = caller.store({"text": TEXT, "external_id": "1"})[0]

    answer = post(caller, {"text": "something else", "external_id": "1", "account_external_id": "new"})

    assert answer.status_code == 422  # no item could be accepted
    error = answer.json()["items"][0]["error"]
    assert (error["status"], error["id"]) == (409, stored["id"])
    assert error["type"] == "urn:closeloop:problem:conflict"
    assert caller.get(f"/v1/feedback/{stored['id']}").json()["text"] == TEXT
    assert count(caller, Account) == 0


def test_another_text_with_update_is_a_new_version_of_the_same_feedback(caller):
    stored = caller.store({"text": TEXT, "external_id": "1"})[0]

    updated = post(caller, {"text": "lovely food", "external_id": "1", "update": True}, wait=True)

    row = updated.json()["items"][0]
    assert updated.status_code == 201
    assert (row["id"], row["case_id"], row["created"]) == (stored["id"], stored["case_id"], False)
    assert row["score"]["sentiment"]["label"] == "positive"
    read = caller.get(f"/v1/feedback/{row['id']}").json()
    assert (read["version"], read["text"], read["sentiment"]) == (2, "lovely food", "positive")
    assert [(version["version"], version["text"]) for version in read["versions"]] == [(1, TEXT)]
    found = caller.post("/v1/search", {"query": "lovely food", "filter": {"sentiment": ["positive"]}}).json()
    assert [hit["feedback"]["version"] for hit in found["items"]] == [2]


def test_versions_add_up_and_the_same_text_is_none(caller):
    for text in ("one", "two", "two", "three", "one"):
        answer = post(caller, {"text": text, "external_id": "1", "update": True})
        assert answer.status_code in {200, 201}

    read = caller.get("/v1/feedback").json()["items"][0]
    versions = caller.get(f"/v1/feedback/{read['id']}").json()["versions"]
    assert read["version"] == 4
    assert [row["text"] for row in versions] == ["one", "two", "three"]


def test_updates_and_repetitions_within_one_request_happen_in_order(caller):
    def item(text, update=False):
        return {"text": text, "external_id": "1", "update": update}

    caller.store(item("one"))
    rows = post(caller, item("one"), item("two"), item("two", True), item("two"), item("one", True)).json()[
        "items"
    ]

    assert [row.get("created", row.get("error", {}).get("status")) for row in rows] == [
        False,
        409,
        False,
        False,
        False,
    ]
    read = caller.get(f"/v1/feedback/{rows[0]['id']}").json()
    assert (read["text"], read["version"]) == ("one", 3)
    assert [row["text"] for row in read["versions"]] == ["one", "two"]


def test_a_persons_label_survives_a_new_version(caller):
    stored = caller.store({"text": TEXT, "external_id": "1"})[0]
    caller.patch(
        f"/v1/feedback/{stored['id']}/labels", {"urgency": "critical", "topics": ["security_safety"]}
    )

    post(caller, {"text": "lovely food", "external_id": "1", "update": True})

    read = caller.get(f"/v1/feedback/{stored['id']}").json()
    assert (read["urgency"], read["topic"], read["sentiment"]) == ("critical", "security_safety", "positive")


# What comes back


@pytest.mark.parametrize(
    ("items", "status"),
    [
        ([{"text": TEXT}], 201),
        ([{"text": TEXT}, {"text": ""}], 201),
        ([{"text": ""}, {"text": TEXT, "channel": "E-Mail"}], 422),
    ],
)
def test_the_status_tells_whether_anything_was_stored(caller, items, status):
    assert post(caller, *items).status_code == status


def test_an_answer_holds_score_priority_likes_and_case(caller):
    other, stored = caller.store(
        "the app crashes at checkout again", {"text": TEXT, "declared_urgency": "high"}
    )

    assert stored["score"]["topic"] == "bug_crash"
    assert sum(stored["score"]["sentiment"]["probabilities"].values()) == pytest.approx(1)
    terms = {term["name"]: term for term in stored["priority"]["terms"]}
    assert stored["priority"]["value"] == pytest.approx(sum(term["contribution"] for term in terms.values()))
    assert terms["declared_urgency"]["value"] == 0.85
    assert terms["complaint"] == {**terms["complaint"], "value": None, "contribution": 0, "weight": 10}
    assert (stored["similar_count"], other["similar_count"]) == (1, 1)
    assert stored["complaint"] is None
    assert caller.get(f"/v1/cases/{stored['case_id']}").json()["feedback"]["id"] == stored["id"]


def test_likes_are_counted_in_the_batch_in_the_index_and_again_on_a_repetition(caller):
    item = {"text": TEXT, "external_id": "1"}
    assert caller.store(TEXT, TEXT)[0]["similar_count"] == 1
    assert caller.store(item)[0]["similar_count"] == 2
    assert post(caller, item, item, {"text": "see you at the match"}).json()["items"][0]["similar_count"] == 2


def test_a_stored_text_is_read_as_it_was_sent(caller):
    item = {
        "text": TEXT,
        "external_id": "7",
        "channel": "email",
        "solicited": False,
        "author": {"external_id": "u1", "name": "Aino", "email": "aino@example.org", "language": "fi"},
        "account_external_id": "acme",
        "declared_urgency": "low",
        "rating": {"kind": "stars", "value": 4.5},
        "touchpoint": "checkout",
        "product": "app",
        "occurred_at": "2026-01-31T13:30:00.250000+01:30",
        "metadata": {"plan": "pro", "seats": 5, "ratio": 0.5},
        "language": "en",
    }
    stored = caller.store(item)[0]

    read = caller.get(f"/v1/feedback/{stored['id']}").json()

    assert read | item | {"occurred_at": "2026-01-31T12:00:00.250000Z"} == read
    assert (read["status"], read["version"], read["versions"], read["labels"]) == ("open", 1, [], [])
    assert read["score"]["language"] == {"code": "en", "confidence": 1.0}
    assert read["model_revision"] == "2026.1.1-test"


def test_what_was_not_sent_is_null_and_the_time_is_now(caller):
    read = caller.get(f"/v1/feedback/{caller.store(TEXT)[0]['id']}").json()

    for name in ("external_id", "solicited", "author", "account_external_id", "declared_urgency", "rating"):
        assert read[name] is None
    assert read["channel"] == "api"
    assert read["metadata"] == {}
    assert read["occurred_at"] <= read["received_at"]


# Lists


def test_pages_hold_every_text_once_newest_first_while_new_ones_arrive(caller):
    stored = [
        row["id"] for row in post(caller, *[{"text": f"text {place}"} for place in range(25)]).json()["items"]
    ]
    seen, cursor = [], {}
    while cursor is not None:
        page = caller.get("/v1/feedback", limit=4, **cursor).json()
        seen += [row["id"] for row in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
        post(caller, {"text": "newer"})

    assert seen == stored[::-1]


def test_filters_are_joined_and_values_of_one_are_alternatives(caller):
    crash, food, late = (
        row["id"]
        for row in caller.store(
            {
                "text": TEXT,
                "channel": "email",
                "account_external_id": "a",
                "occurred_at": "2026-01-01T00:00:00Z",
            },
            {
                "text": "lovely food and friendly people",
                "language": "fi",
                "occurred_at": "2026-02-01T00:00:00Z",
            },
            {"text": "the train was late", "channel": "chat", "occurred_at": "2026-03-01T00:00:00Z"},
        )
    )
    caller.put("/v1/accounts/a", {"type": "enterprise", "revenue": {"amount": 5_000, "currency": "EUR"}})
    case = caller.get(f"/v1/feedback/{late}").json()["case_id"]
    caller.patch(f"/v1/cases/{case}", {"state": "closed", "version": 1})

    def ids(**where):
        return {row["id"] for row in caller.get("/v1/feedback", **where).json()["items"]}

    assert ids(sentiment="negative") == {crash, late}
    assert ids(sentiment=["negative", "positive"]) == {crash, food, late}
    assert ids(sentiment="negative", channel="chat") == {late}
    assert ids(language="fi") == {food}
    assert ids(topic="bug_crash") >= {crash}
    assert ids(kind="praise") == {food}
    assert ids(status="closed") == {late}
    assert ids(account="a") == ids(account_type="enterprise") == ids(revenue_min=5_000) == {crash}
    assert ids(revenue_min=5_000.01) == ids(account="b") == ids(complaint_id="c") == set()
    assert ids(occurred_from="2026-02-01T00:00:00Z") == {food, late}
    assert ids(occurred_to="2026-02-01T00:00:00Z") == {crash}
    assert ids(urgency=["low", "medium", "high", "critical"]) == {crash, food, late}


# Deletion


def test_a_deleted_text_leaves_nothing_behind(caller, refusal):
    stored = caller.store({"text": TEXT, "external_id": "1"}, "lovely food")[0]
    post(caller, {"text": TEXT + "!", "external_id": "1", "update": True})
    caller.patch(f"/v1/feedback/{stored['id']}/labels", {"urgency": "low"})
    caller.patch(f"/v1/cases/{stored['case_id']}", {"note": "seen", "version": 1})

    answer = caller("DELETE", f"/v1/feedback/{stored['id']}")

    assert (answer.status_code, answer.content) == (204, b"")
    for method in ("GET", "DELETE"):
        refusal(caller(method, f"/v1/feedback/{stored['id']}"), 404)
    refusal(caller.get(f"/v1/cases/{stored['case_id']}"), 404)
    refusal(caller.post("/v1/search", {"like_id": stored["id"]}), 404)
    found = caller.post("/v1/search", {"query": TEXT}).json()
    assert stored["id"] not in [hit["feedback"]["id"] for hit in found["items"]]
    for record in (FeedbackVersion, LabelEvent, records.CaseEvent):
        assert count(caller, record) == 0
    assert count(caller, Case) == 1
    with caller.state.database.read() as session:
        left = select(FeedbackTopic.feedback_id).where(FeedbackTopic.tenant_id == caller.tenant_id)
        assert UUID(stored["id"]) not in set(session.scalars(left))
    caller.settle()
    assert caller.post("/v1/search", {"query": TEXT}).json()["facets"]["topic"].get("bug_crash", 0) == 0
    assert post(caller, {"text": TEXT, "external_id": "1"}).json()["items"][0]["created"]


def test_deleting_what_is_not_there_is_not_found(caller, refusal):
    refusal(caller("DELETE", "/v1/feedback/0198c6b0-1f0e-7c1c-9d52-1f2d3c4b5a69"), 404)
