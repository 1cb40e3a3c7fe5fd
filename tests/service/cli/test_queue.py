import json

import httpx
import pytest


@pytest.fixture
def stored(closeloop, running, tenant):
    items = [
        {"text": "my card was stolen please block it", "declared_urgency": "critical"},
        {"text": "please add a dark mode"},
    ]
    headers = {"Authorization": f"Bearer {running.key(tenant, 'write')}"}
    answer = httpx.post(f"{running.url}/v1/feedback?wait=indexed", json={"items": items}, headers=headers)
    assert answer.status_code == 201


def test_a_key_without_the_scope_is_told_which_one_it_lacks(closeloop, running, tenant):
    closeloop.set(key=running.key(tenant, "score"))
    assert "expected a key with scope read" in closeloop.refused("queue")


def test_a_limit_beyond_a_page_is_a_usage_error(closeloop):
    assert closeloop("queue", "--limit", "201").exit_code == 2


def test_an_empty_queue_says_so(closeloop):
    assert closeloop("queue").stdout == "no open case matches\n"


def test_cases_are_shown_with_their_reasons(closeloop, stored):
    result = closeloop("queue", "--limit", "1")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "my card was stolen" in result.stdout
    assert "+10 the customer says critical" in result.stdout
    assert "dark mode" not in result.stdout
    assert "more cases follow" in result.stdout


def test_what_a_text_says_beside_its_labels_stands_below_it(closeloop, running, tenant):
    headers = {"Authorization": f"Bearer {running.key(tenant, 'write')}"}
    items = [{"text": "this is urgent answer at once"}, {"text": "qwrt zxcv 0x7f npm ERR stack"}]
    httpx.post(f"{running.url}/v1/feedback?wait=indexed", json={"items": items}, headers=headers)

    for shown in (closeloop("queue").stdout, closeloop("search", "urgent").stdout):
        assert "declares: urgent 100%" in shown
        assert "perhaps no feedback 100%" in shown
    assert "the text says: urgent" in closeloop("queue").stdout


def test_json_is_the_answer_of_the_service(closeloop, stored):
    document = json.loads(closeloop("queue", "--json", "--urgency", "critical").stdout)
    assert [item["rank"] for item in document["items"]] == [1]
    assert document["items"][0]["priority"]["terms"]
