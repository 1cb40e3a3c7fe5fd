"""An update changes what it gives and leaves the rest."""

import pytest

TEXT = "the app crashes at checkout"
FULL = {
    "text": TEXT,
    "external_id": "1",
    "solicited": True,
    "author": {"name": "Ana"},
    "account_external_id": "acme",
    "declared_urgency": "low",
    "rating": {"kind": "stars", "value": 2},
    "touchpoint": "checkout",
    "product": "app",
    "occurred_at": "2026-01-02T03:04:05Z",
    "metadata": {"order": 1},
}


@pytest.fixture
def stored(caller):
    return caller.store(FULL)[0]


@pytest.fixture
def update(caller, stored):
    """Send an update; return its status and the stored text before and after."""

    def send(**given):
        before = caller.get(f"/v1/feedback/{stored['id']}").json()
        answer = caller.post(
            "/v1/feedback", {"items": [{"text": TEXT, "external_id": "1", "update": True, **given}]}
        )
        assert answer.json()["items"][0]["id"] == stored["id"], answer.text
        return answer.status_code, before, caller.get(f"/v1/feedback/{stored['id']}").json()

    return send


@pytest.mark.parametrize("given", [{}, {"occurred_at": None}, FULL])
def test_an_update_without_anything_new_stores_nothing(update, given):
    status, before, after = update(**given)

    assert (status, after) == (200, before)


def test_a_refused_field_changes_nothing(caller, update):
    bad = {**FULL, "update": True, "product": "web", "declared_urgency": "very"}

    assert caller.post("/v1/feedback", {"items": [bad]}).status_code == 422
    assert update()[1]["product"] == "app"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("solicited", False),
        ("author", {"external_id": None, "name": "Bo", "email": None, "language": None}),
        ("account_external_id", "other"),
        ("account_external_id", None),
        ("declared_urgency", "critical"),
        ("rating", None),
        ("touchpoint", "desk"),
        ("product", None),
        ("occurred_at", "2026-02-03T04:05:06Z"),
        ("metadata", {}),
        ("language", "fi"),
    ],
)
def test_an_update_of_one_field_changes_it_and_no_other(update, name, value):
    status, before, after = update(**{name: value})

    assert (status, after[name], after["version"], after["versions"]) == (201, value, 1, [])
    moved = {name, "score"} if name == "language" else {name}
    assert {key for key in after if after[key] != before[key]} == moved


def test_fields_that_come_with_another_text_are_stored_with_it(caller, update, stored):
    status, before, after = update(text="lovely food", declared_urgency="critical", account_external_id="b")

    assert (status, after["text"], after["version"]) == (201, "lovely food", 2)
    assert (after["declared_urgency"], after["account_external_id"]) == ("critical", "b")
    assert after["product"] == before["product"]
    case = caller.get(f"/v1/cases/{stored['case_id']}").json()
    terms = {term["name"]: term for term in case["priority"]["terms"]}
    assert terms["declared_urgency"]["value"] == 1


def test_searches_follow_an_update_of_fields(caller, update, stored):
    update(account_external_id="b", metadata={"order": 2})
    caller.settle()

    def found(**where):
        hits = caller.post("/v1/search", {"query": TEXT, "filter": where}).json()["items"]
        return [hit["feedback"]["id"] for hit in hits]

    assert found(account=["acme"]) == []
    assert found(account=["b"]) == [stored["id"]]
    assert found(metadata={"order": 2}) == [stored["id"]]
