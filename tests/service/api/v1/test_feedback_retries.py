"""A whole request again: its Idempotency-Key makes that safe."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import func, select, update

from service.store import records
from service.store.records import Feedback, Idempotency

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


def test_a_retried_request_is_answered_alike_and_stores_nothing(caller):
    items = [{"text": TEXT}, {"text": " "}, {"text": "lovely food", "external_id": "1"}]
    first = post(caller, *items, key="a", wait=True)
    again = post(caller, *items, key="a")

    assert (first.status_code, again.status_code) == (201, 201)
    without_clock = [
        [{**row, "priority": None} for row in answer.json()["items"]] for answer in (first, again)
    ]
    assert without_clock[0] == without_clock[1]
    assert count(caller, Feedback) == 2
    assert post(caller, *items, key="b").json()["items"][0]["id"] != first.json()["items"][0]["id"]


def test_a_retry_repeats_conflicts_too(caller):
    caller.store({"text": TEXT, "external_id": "1"})
    items = [{"text": "other", "external_id": "1"}, {"text": "fine"}]

    first, again = (post(caller, *items, key="a") for _ in range(2))

    assert first.json()["items"][0] == again.json()["items"][0]
    assert first.json()["items"][0]["error"]["status"] == 409
    assert first.json()["items"][1]["id"] == again.json()["items"][1]["id"]


def test_the_key_of_another_request_is_refused(caller, refusal):
    post(caller, {"text": TEXT}, key="a")

    refusal(post(caller, {"text": TEXT + "!"}, key="a"), 422)
    assert count(caller, Feedback) == 1


def test_retries_that_race_store_once(caller):
    answers = race(*[lambda: post(caller, {"text": TEXT}, {"text": "lovely food"}, key="a")] * 8)

    assert {answer.status_code for answer in answers} == {201}
    assert len({tuple(row["id"] for row in answer.json()["items"]) for answer in answers}) == 1
    assert count(caller, Feedback) == 2


def test_a_retry_after_a_text_was_deleted_says_so(caller):
    rows = post(caller, {"text": TEXT}, {"text": "lovely food"}, key="a").json()["items"]
    caller("DELETE", f"/v1/feedback/{rows[0]['id']}")

    again = post(caller, {"text": TEXT}, {"text": "lovely food"}, key="a").json()["items"]

    assert again[0]["error"]["status"] == 404
    assert again[1]["id"] == rows[1]["id"]


def test_a_request_that_stored_nothing_is_retried_alike(caller):
    answers = [post(caller, {"text": " "}, key="a") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json() == answers[1].json()


def test_a_key_is_forgotten_after_a_week(caller):
    first = post(caller, {"text": TEXT}, key="a").json()["items"][0]["id"]
    with caller.state.database.write() as session:
        session.execute(
            update(Idempotency)
            .where(Idempotency.tenant_id == caller.tenant_id)
            .values(created_at=records.now() - timedelta(days=8))
        )

    assert post(caller, {"text": "another"}, key="a").status_code == 201
    assert caller.get("/v1/feedback").json()["items"][0]["id"] != first
    assert count(caller, Idempotency) == 1
