"""Accounts: known little by little, and what is known of them reaches filters and priorities."""

from urllib.parse import quote

import pytest

FULL = {
    "name": "Acme GmbH & Söhne",
    "type": "enterprise",
    "revenue": {"amount": 250_000.5, "currency": "EUR"},
    "region": "DACH",
    "stage": "renewal",
    "attributes": {
        "seats": {"value": 40, "provenance": "internal"},
        "industry": {"value": "rail", "provenance": "secondary"},
    },
}
EMPTY = {"name": None, "type": None, "revenue": None, "region": None, "stage": None, "attributes": {}}


def test_an_account_nobody_named_is_not_found(caller, refusal):
    refusal(caller.get("/v1/accounts/acme"), 404)


def test_an_account_is_created_once_and_then_replaced(caller):
    first = caller.put("/v1/accounts/acme", FULL)
    again = caller.put("/v1/accounts/acme", {"name": "Acme"})

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() | FULL | {"external_id": "acme"} == first.json()
    read = caller.get("/v1/accounts/acme").json()
    assert read == again.json()
    assert read | EMPTY | {"name": "Acme"} == read
    assert read["created_at"] == first.json()["created_at"] < read["updated_at"]


def test_a_feedback_of_an_unknown_account_creates_a_bare_one(caller):
    stored = caller.store({"text": "hello", "account_external_id": "acme"})[0]

    read = caller.get("/v1/accounts/acme").json()
    assert read | EMPTY | {"external_id": "acme"} == read
    assert caller.put("/v1/accounts/acme", FULL).status_code == 200
    assert caller.get(f"/v1/feedback/{stored['id']}").json()["account_external_id"] == "acme"


@pytest.mark.parametrize("external_id", ["a/b", "a b", "ü🙂", "../..", "%", "a?b#c", "'--", "x" * 256, "a/"])
def test_any_external_id_can_be_named_in_a_path(caller, external_id):
    path = f"/v1/accounts/{quote(external_id, safe='')}"

    assert caller.put(path, {"name": "Acme"}).status_code == 201
    assert caller.get(path).json()["external_id"] == external_id
    assert caller.get("/v1/feedback", account=external_id).json()["items"] == []


def test_pages_hold_every_account_once_by_external_id(caller):
    names = [f"account-{place:02}" for place in range(11)]
    for name in reversed(names):
        caller.put(f"/v1/accounts/{name}", {})
    seen, cursor = [], {}
    while cursor is not None:
        page = caller.get("/v1/accounts", limit=4, **cursor).json()
        seen += [row["external_id"] for row in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None

    assert seen == names


def test_a_change_reaches_the_priorities_and_filters_of_all_its_texts(caller):
    texts = [{"text": f"text {place}", "account_external_id": "acme"} for place in range(3)]
    stored = caller.store(*texts, "text of nobody")
    before = caller.get(f"/v1/cases/{stored[0]['case_id']}").json()["priority"]["value"]

    caller.put("/v1/accounts/acme", FULL)
    caller.settle()

    account = {"account_type": ["enterprise"], "revenue_min": 250_000}
    found = caller.post("/v1/search", {"query": "text", "filter": account}).json()
    assert {hit["feedback"]["id"] for hit in found["items"]} == {row["id"] for row in stored[:3]}
    assert found["facets"]["account_type"] == {"enterprise": 3}
    assert len(caller.get("/v1/queue", account_type="enterprise").json()["items"]) == 3
    case = caller.get(f"/v1/cases/{stored[0]['case_id']}").json()
    term = next(term for term in case["priority"]["terms"] if term["name"] == "account_value")
    assert (term["contribution"], term["reason"]) == (12, "enterprise, revenue 250,000 (capped)")
    assert case["priority"]["value"] == pytest.approx(before + 12, abs=0.01)
    queue = caller.get("/v1/queue").json()["items"]
    assert {item["case_id"] for item in queue[:3]} == {row["case_id"] for row in stored[:3]}

    caller.put("/v1/accounts/acme", {})
    caller.settle()
    assert caller.post("/v1/search", {"query": "text", "filter": account}).json()["items"] == []
    assert caller.get(f"/v1/cases/{stored[0]['case_id']}").json()["priority"]["value"] == pytest.approx(
        before, abs=0.01
    )


def test_a_word_of_ones_own_for_a_type_filters_and_counts_as_unknown_in_a_priority(caller):
    caller.put("/v1/accounts/acme", {"type": "reseller"})
    stored = caller.store({"text": "hello", "account_external_id": "acme"})[0]

    term = next(term for term in stored["priority"]["terms"] if term["name"] == "account_value")
    assert (term["value"], term["contribution"]) == (None, 0)
    assert len(caller.get("/v1/queue", account_type="reseller").json()["items"]) == 1
