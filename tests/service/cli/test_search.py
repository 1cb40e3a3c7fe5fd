import json
import re

import httpx
import pytest


@pytest.fixture
def stored(closeloop, running, tenant):
    """Three texts of the tenant, searchable."""
    items = [
        {"text": "the app crashes at checkout", "channel": "email", "account_external_id": "acme/1"},
        {"text": "error and crash \x1b[31magain after the update", "channel": "chat"},
        {"text": "please add a dark mode", "channel": "chat"},
    ]
    headers = {"Authorization": f"Bearer {running.key(tenant, 'write')}"}
    answer = httpx.post(f"{running.url}/v1/feedback?wait=indexed", json={"items": items}, headers=headers)
    assert answer.status_code == 201
    return [row["id"] for row in answer.json()["items"]]


def test_nothing_to_look_for_is_told(closeloop):
    assert "expected something to look for" in closeloop.refused("search")


def test_an_unknown_label_is_told_with_the_known_ones(closeloop):
    assert "'negative', 'neutral' or 'positive'" in closeloop.refused("search", "x", "--sentiment", "angry")


def test_a_tenant_without_texts_finds_none(closeloop):
    assert closeloop("search", "crash").stdout == "no text matches\n"


def test_hits_are_shown_best_first_without_the_customers_escape_sequences(closeloop, stored):
    result = closeloop("search", "the app crashes at checkout")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    scores = [float(score) for score in re.findall(r"^ *-?\d\.\d{3}", result.stdout, re.MULTILINE)]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert "acme/1" in result.stdout


def test_filters_and_limit_reach_the_service(closeloop, stored):
    document = json.loads(closeloop("search", "crash", "--channel", "chat", "--limit", "1", "--json").stdout)
    assert [hit["feedback"]["channel"] for hit in document["items"]] == ["chat"]
    assert document["next_cursor"]


def test_like_finds_the_neighbours_of_a_stored_text(closeloop, stored):
    document = json.loads(closeloop("search", "--like", stored[0], "--json").stdout)
    assert {hit["feedback"]["id"] for hit in document["items"]} == set(stored[1:])


def test_a_known_account_is_shown_by_its_name(closeloop, running, tenant, stored):
    headers = {"Authorization": f"Bearer {running.key(tenant, 'write')}"}
    url = f"{running.url}/v1/accounts/acme%2F1"
    assert httpx.put(url, json={"name": "Acme \x1b[1mLtd"}, headers=headers).is_success
    result = closeloop("search", "crash", "--account", "acme/1")
    assert "Acme [1mLtd" in result.stdout
    assert "\x1b" not in result.stdout
