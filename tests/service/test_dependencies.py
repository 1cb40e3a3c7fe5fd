"""What stands between a key and the work: its tenant's rate, and the time its caller waits."""

import time
from inspect import iscoroutinefunction

import pytest

from service.api import health
from service.api.v1 import accounts, cases, feedback, labels, reindex, score, search
from service.dependencies import get_principal

SCORE = {"items": [{"text": "one"}, {"text": "two"}]}


def calls_of(dependant):
    for inner in dependant.dependencies:
        yield inner.call
        yield from calls_of(inner)


def test_of_what_requests_ask_for_only_the_key_takes_a_worker_thread():
    nouns = (health, score, feedback, labels, accounts, search, cases, reindex)
    dependants = [route.dependant for noun in nouns for route in noun.router.routes]
    calls = {call for dependant in dependants for call in calls_of(dependant)}

    # An object that is called, such as HTTPBearer, says so in its `__call__`.
    blocking = {
        call for call in calls if not (iscoroutinefunction(call) or iscoroutinefunction(call.__call__))
    }

    assert blocking == {get_principal}


@pytest.fixture
def limited(serve):
    return serve(texts_per_minute=5)


@pytest.mark.parametrize("path", ["/v1/score", "/v1/feedback"])
def test_above_its_rate_a_tenant_is_sent_away_with_a_time_to_come_back(limited, refusal, path):
    assert [limited.post(path, json=SCORE).status_code for _ in range(2)] in ([200, 200], [201, 201])

    answer = limited.post(path, json=SCORE)

    problem = refusal(answer, 429)
    assert problem["detail"] == "expected at most 5 texts a minute of this tenant, got 2 more"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert limited.post(path, json={"items": [{"text": "one"}]}).status_code < 300


def test_what_was_refused_is_not_stored(limited):
    for _ in range(4):
        limited.post("/v1/feedback", json=SCORE)

    assert len(limited.get("/v1/feedback").json()["items"]) == 4


def test_a_request_larger_than_the_whole_rate_is_not_told_to_come_back(limited, refusal):
    answer = limited.post("/v1/score", json={"items": [{"text": "one"}] * 6})

    refusal(answer, 413)
    assert "retry-after" not in answer.headers
    assert limited.post("/v1/score", json={"items": [{"text": "one"}] * 5}).status_code == 200


def test_items_that_do_not_fit_cost_nothing(limited):
    for _ in range(10):
        assert limited.post("/v1/feedback", json={"items": [{"text": " "}] * 5}).status_code == 422

    assert limited.post("/v1/feedback", json={"items": [{"text": "one"}] * 5}).status_code == 201


def test_each_tenant_has_a_rate_of_its_own_and_reading_costs_nothing(serve, make_key, refusal):
    app = serve(texts_per_minute=1)
    headers = [make_key(app, name) for name in ("one", "two")]
    body = {"items": [{"text": "text"}]}

    assert [app.post("/v1/feedback", json=body, headers=row).status_code for row in headers] == [201, 201]
    for row in headers:
        refusal(app.post("/v1/score", json=body, headers=row), 429)
        assert app.get("/v1/queue", headers=row).status_code == 200
        assert app.post("/v1/search", json={"query": "text"}, headers=row).status_code == 200


def test_without_a_rate_nothing_is_limited(client):
    for _ in range(3):
        assert client.post("/v1/score", json={"items": [{"text": "one"}] * 256}).status_code == 200


def test_a_deadline_that_cannot_be_met_is_told_with_a_time_to_come_back(client, refusal):
    batcher = client.app.state.closeloop.batcher
    whole = batcher._scoring.score

    def slow(texts, languages):
        time.sleep(0.3)
        return whole(texts, languages)

    batcher._scoring.score = slow
    for path in ("/v1/score", "/v1/feedback"):
        answer = client.post(path, json=SCORE, headers={"X-Deadline-Ms": "20"})
        problem = refusal(answer, 503)
        assert problem["type"] == "urn:closeloop:problem:deadline-exceeded"
        assert int(answer.headers["retry-after"]) >= 1
    assert client.get("/v1/feedback").json()["items"] == []


def test_a_full_service_says_so_with_a_time_to_come_back(client, refusal):
    batcher = client.app.state.closeloop.batcher
    client.portal.call(batcher.stop)

    answer = client.post("/v1/score", json=SCORE)

    assert refusal(answer, 503)["type"] == "urn:closeloop:problem:overloaded"
    assert int(answer.headers["retry-after"]) >= 1
