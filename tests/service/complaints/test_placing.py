"""New texts join their complaint within the request that stores them, or stay open."""

import re
import threading
from uuid import UUID

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import joinedload, undefer

from service.complaints.maps import KEPT, Maps
from service.complaints.placing import Placing
from service.store.records import Case, Complaint, ComplaintMapRecord, Feedback
from service.triage.priority import Weights
from service.triage.rank import resting_of


def post(caller, *rows):
    answer = caller.post("/v1/feedback", {"items": list(rows)})
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()["items"]


def test_before_the_first_refit_every_text_stays_open(caller, items):
    assert [row["complaint"] for row in post(caller, *items("crash", 4))] == [None] * 4
    assert caller.get("/v1/complaints").json() == {"items": [], "next_cursor": None}


def test_praise_and_what_is_like_nothing_stay_open(grown):
    rows = post(
        grown,
        {"text": "thank you, great service"},
        {"text": "the train was late the train was late"},
    )
    assert [row["complaint"] for row in rows] == [None, None]


def test_a_map_of_another_vector_space_places_nothing(grown):
    with grown.state.database.read() as session:
        text = session.scalars(
            select(Feedback)
            .where(Feedback.tenant_id == grown.tenant_id, Feedback.complaint_id.is_not(None))
            .options(undefer(Feedback.vector), joinedload(Feedback.complaint))
        ).first()
        Placing(session, grown.tenant_id, grown.state.maps, space="another").place([text], known=[text.id])
        assert text.complaint_id is None


def test_a_text_joins_at_once_and_every_answer_tells_it(grown, items, complaint_of):
    before = complaint_of("crash-0")
    told = post(grown, *items("crash", 1, first=50))[0]

    assert told["complaint"] == {"id": before["id"], "title": before["title"]}
    term = next(row for row in told["priority"]["terms"] if row["name"] == "complaint")
    assert term["reason"] == "one of 7 with this problem"
    assert term["contribution"] == pytest.approx(10 * 5 / 50)  # the step of five weighs until eight
    grown.settle()
    assert complaint_of("crash-50")["size"] == 7
    listed = grown.get("/v1/feedback", complaint_id=before["id"]).json()["items"]
    assert len(listed) == 7
    assert {row["complaint"]["id"] for row in listed} == {before["id"]}
    queued = grown.get("/v1/queue", complaint_id=before["id"]).json()["items"]
    assert {row["complaint"]["title"] for row in queued} == {before["title"]}
    found = grown.post(
        "/v1/search", {"query": "crash at checkout", "filter": {"complaint_id": before["id"]}}
    ).json()
    assert len(found["items"]) == 7
    case = grown.get(f"/v1/cases/{told['case_id']}").json()
    assert case["complaint"] == told["complaint"]


def test_the_cases_of_all_members_follow_when_the_size_weighs_more(grown, items, complaint_of):
    complaint = complaint_of("crash-0")["id"]
    rows = post(grown, *items("crash", 2, first=50))  # eight: the next step
    grown.settle()

    queued = grown.get("/v1/queue", complaint_id=complaint, limit=50).json()["items"]
    terms = [next(t for t in row["priority"]["terms"] if t["name"] == "complaint") for row in queued]
    assert {round(term["value"], 6) for term in terms} == {8 / 50}
    with grown.state.database.read() as session:
        for row in [*queued, *({"feedback": {"id": told["id"]}} for told in rows)]:
            feedback, case = _loaded(session, row["feedback"]["id"])
            assert case.base == pytest.approx(resting_of(feedback, feedback.account, Weights()).base)


def _loaded(session, feedback_id):
    query = (
        select(Feedback, Case)
        .join(Case, Case.feedback_id == Feedback.id)
        .where(Feedback.id == UUID(feedback_id))
        .options(joinedload(Feedback.account), joinedload(Feedback.complaint))
    )
    return session.execute(query).one()


def test_another_text_under_the_same_key_moves_to_where_it_belongs(grown, items, complaint_of):
    crash, login = complaint_of("crash-0"), complaint_of("login-0")
    changed = items("login", 1)[0] | {"external_id": "crash-0", "update": True}

    assert post(grown, changed)[0]["complaint"]["id"] == login["id"]
    assert grown.get(f"/v1/complaints/{crash['id']}").json()["size"] == 5
    assert grown.get(f"/v1/complaints/{login['id']}").json()["size"] == 7


def test_a_text_that_a_person_placed_stays_there_when_it_changes(grown, items, complaint_of):
    crash, login = complaint_of("crash-0"), complaint_of("login-0")
    text = grown.get("/v1/feedback", complaint_id=crash["id"]).json()["items"][0]
    body = {"complaint_id": login["id"], "previous": crash["id"]}
    assert grown.put(f"/v1/feedback/{text['id']}/complaint", body).status_code == 200
    changed = items("twice", 1)[0] | {"external_id": text["external_id"], "update": True}

    assert post(grown, changed)[0]["complaint"]["id"] == login["id"]


def test_the_number_of_statements_for_complaints_does_not_grow_with_the_texts(grown, items):
    """The indexer's own statements, which run beside, do not count."""
    told = re.compile(r"^(SELECT complaint|UPDATE complaints|INSERT INTO complaint)")
    counted = []

    def count(_connection, _cursor, statement, *_rest):
        if told.search(statement):
            counted.append(statement)

    event.listen(grown.state.database._engine, "before_cursor_execute", count)
    post(grown, *items("crash", 2, first=100))
    few = len(counted)
    counted.clear()
    post(grown, *items("crash", 40, first=200))
    event.remove(grown.state.database._engine, "before_cursor_execute", count)
    assert 0 < len(counted) <= few


def test_racing_requests_count_every_text_once(grown, items, complaint_of):
    threads = [
        threading.Thread(target=post, args=(grown, *items("card", 5, first=100 + 10 * place)))
        for place in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert complaint_of("card-0")["size"] == 26
    with grown.state.database.read() as session:
        for complaint in session.scalars(select(Complaint).where(Complaint.tenant_id == grown.tenant_id)):
            members = select(Feedback.id).where(
                Feedback.tenant_id == grown.tenant_id, Feedback.complaint_id == complaint.id
            )
            assert complaint.size == len(session.scalars(members).all())


def test_maps_in_memory_are_bounded_and_follow_the_database(grown):
    maps = Maps()
    with grown.state.database.read() as session:
        first = maps.of(session, grown.tenant_id)
        assert maps.of(session, grown.tenant_id) is first
    with grown.state.database.write() as session:
        session.get_one(ComplaintMapRecord, grown.tenant_id).decisions += 1
    with grown.state.database.read() as session:
        assert maps.of(session, grown.tenant_id) is not first
    assert len(maps._kept) <= KEPT
