"""Closing a whole complaint: its open cases, and one notice a person."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from service.store.records import ComplaintNotice


@pytest.fixture
def crash(complaint_of):
    return complaint_of("crash-0")


def close(caller, complaint, **body):
    return caller.post(f"/v1/complaints/{complaint['id']}/close", {"note": "put right", **body})


def notices(caller):
    with caller.state.database.read() as session:
        return session.scalars(
            select(ComplaintNotice).where(ComplaintNotice.tenant_id == caller.tenant_id)
        ).all()


def test_a_message_in_no_language_or_an_empty_note_is_refused(grown, refusal, crash):
    refusal(close(grown, crash, message={}), 422)
    refusal(close(grown, crash, note=""), 422)
    refusal(close(grown, crash, message={"de": ""}), 422)
    assert notices(grown) == []


def test_closing_closes_open_cases_and_writes_one_notice_a_person(grown, crash):
    same = {"text": "the app crashes at checkout error after the update again"}
    known = {"author": {"external_id": "crash-person-0", "language": "fi"}}
    nobody = {"external_id": "nobody"}
    grown.store({**same, **known, "external_id": "twice by one"}, {**same, **nobody})
    dismissed = grown.get("/v1/feedback", complaint_id=crash["id"]).json()["items"][-1]
    grown.patch(
        f"/v1/cases/{dismissed['case_id']}", {"state": "dismissed", "note": "a test of ours", "version": 1}
    )

    answer = close(grown, crash, message={"en": "We have put it right."}).json()

    assert answer["closed_cases"] == 7
    told = notices(grown)
    # Eight texts: one person wrote twice, one is nobody known, one case was dismissed.
    assert answer["notices"] == len(told) == answer["complaint"]["notices"]
    assert len({row.person for row in told}) == len(told)
    assert {row.state for row in told} == {"waiting"}
    assert {row.message["en"] for row in told} == {"We have put it right."}
    assert "fi" in {row.language for row in told}
    assert not any("crash-person" in row.person for row in told)
    grown.settle()
    states = {row["status"] for row in grown.get("/v1/feedback", complaint_id=crash["id"]).json()["items"]}
    assert states == {"closed", "dismissed"}
    assert answer["complaint"]["status"] == "closed"
    assert answer["complaint"]["history"][-1]["event"] == "closed"


def test_closing_again_is_refused_and_tells_nobody_twice(grown, refusal, crash):
    assert close(grown, crash).json()["notices"] == 6
    refusal(close(grown, crash), 409)
    assert len(notices(grown)) == 6


def test_what_comes_after_the_closing_brings_it_back_and_only_the_new_person_is_told(grown, items, crash):
    close(grown, crash)
    grown.store(*items("crash", 1, first=90, at=datetime.now(UTC)))

    told = grown.get(f"/v1/complaints/{crash['id']}").json()
    assert told["status"] == "open"
    assert told["lineage"][-1]["event"] == "returned"
    assert close(grown, crash).json()["notices"] == 1


def test_erasing_a_text_takes_its_notice_along(grown, crash):
    close(grown, crash)
    text = grown.get("/v1/feedback", complaint_id=crash["id"]).json()["items"][0]["id"]
    grown("DELETE", f"/v1/feedback/{text}")
    assert len(notices(grown)) == 5
