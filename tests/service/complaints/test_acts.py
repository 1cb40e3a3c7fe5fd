"""What people do with complaints: checked versions, 409 for the second, and refits that respect it."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

UNKNOWN = "0123456789abcdef0123"


@pytest.fixture
def crash(complaint_of):
    return complaint_of("crash-0")


@pytest.fixture
def login(complaint_of):
    return complaint_of("login-0")


def path(complaint, act=""):
    return f"/v1/complaints/{complaint['id']}{act}"


def texts_of(caller, complaint):
    return caller.get("/v1/feedback", complaint_id=complaint["id"], limit=200).json()["items"]


def test_a_stale_version_is_refused_and_changes_nothing(grown, refusal, crash, login):
    assert grown.patch(path(crash), {"title": "Crashes", "version": 1}).status_code == 200
    bodies = {
        "": {"title": "Mine", "version": 1},
        "/merge": {"into": login["id"], "version": 1},
        "/split": {"feedback_ids": [texts_of(grown, crash)[0]["id"]], "version": 1},
        "/dissolve": {"version": 1},
        "/close": {"note": "x", "version": 1},
    }
    for act, body in bodies.items():
        method = "POST" if act else "PATCH"
        problem = refusal(grown(method, path(crash, act), json=body), 409)
        assert problem["version"] == 2
    now = grown.get(path(crash)).json()
    assert (now["title"], now["size"], now["version"]) == ("Crashes", 6, 2)


def test_of_two_people_at_once_one_is_told(grown, crash):
    def name(title):
        return grown.patch(path(crash), {"title": title, "version": 1}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(name, "abcd")) == [200, 409, 409, 409]


def test_what_cannot_be_done_is_refused_in_words(grown, refusal, crash, login):
    text = texts_of(grown, crash)[0]["id"]
    refusal(grown.patch(path(crash), {"version": 1}), 422)
    refusal(grown.post(path(crash, "/merge"), {"into": crash["id"], "version": 1}), 422)
    refusal(grown.post(path(crash, "/merge"), {"into": UNKNOWN, "version": 1}), 404)
    refusal(grown.post(path(login, "/split"), {"feedback_ids": [text], "version": 1}), 404)
    everything = [row["id"] for row in texts_of(grown, crash)]
    refusal(grown.post(path(crash, "/split"), {"feedback_ids": everything, "version": 1}), 422)
    move = {"complaint_id": UNKNOWN, "previous": crash["id"]}
    refusal(grown.put(f"/v1/feedback/{text}/complaint", move), 404)
    stale = {"complaint_id": login["id"], "previous": login["id"]}
    problem = refusal(grown.put(f"/v1/feedback/{text}/complaint", stale), 409)
    assert problem["complaint_id"] == crash["id"]
    refusal(grown.put(f"/v1/feedback/{uuid4()}/complaint", stale), 404)
    assert grown.get(path(crash)).json()["version"] == 1


def test_a_merged_complaint_answers_for_life_and_takes_no_more_acts(grown, refusal, crash, login):
    answer = grown.post(path(login, "/merge"), {"into": crash["id"], "version": 1})

    assert answer.json()["id"] == crash["id"]
    assert answer.json()["size"] == 12
    gone = grown.get(path(login)).json()
    assert (gone["merged_into"], gone["size"]) == (crash["id"], 0)
    refusal(grown.patch(path(login), {"title": "x", "version": gone["version"]}), 409)
    refusal(grown.post(path(crash, "/merge"), {"into": login["id"], "version": 2}), 409)
    assert login["id"] not in {row["id"] for row in grown.get("/v1/complaints").json()["items"]}
    merged = answer.json()["lineage"][-1]
    assert (merged["event"], merged["from"], merged["to"]) == (
        "merged",
        [login["id"], crash["id"]],
        [crash["id"]],
    )
    assert merged["by"]


def test_later_refits_respect_names_merges_moves_splits_and_dissolutions(
    grown, refit, items, crash, login, complaint_of
):
    card, twice = complaint_of("card-0"), complaint_of("twice-0")
    grown.patch(path(crash), {"title": "Crashes", "owner": "aino", "notes": "soon", "version": 1})
    grown.post(path(login, "/merge"), {"into": crash["id"], "version": 1})
    apart = [row["id"] for row in texts_of(grown, card)[:3]]
    split = grown.post(path(card, "/split"), {"feedback_ids": apart, "title": "Half", "version": 1}).json()
    moved = texts_of(grown, card)[0]["id"]
    body = {"complaint_id": crash["id"], "previous": card["id"]}
    assert grown.put(f"/v1/feedback/{moved}/complaint", body).json()["complaint"]["title"] == "Crashes"
    grown.post(path(twice, "/dissolve"), {"version": 1})
    fresh = [
        *items("twice", 6, first=50),
        *items("login", 4, first=50),
        *items("crash", 4, first=50),
        *items("card", 4, first=50),
    ]
    grown.store(*fresh)

    assert refit(grown)["state"] == "done"

    told = grown.get(path(crash)).json()
    assert (told["title"], told["owner"], told["notes"]) == ("Crashes", "aino", "soon")
    assert complaint_of("login-0")["id"] == complaint_of("login-50")["id"] == crash["id"]
    assert {row["id"] for row in texts_of(grown, split)} >= set(apart)
    assert grown.get(f"/v1/feedback/{moved}").json()["complaint_id"] == crash["id"]
    assert grown.get(path(card)).json()["merged_into"] is None
    # The like of a dissolved complaint do not found it anew.
    assert complaint_of("twice-0") is None
    assert complaint_of("twice-50") is None
    assert grown.get(path(twice)).json()["dissolved_at"] is not None


def test_texts_like_those_of_a_merged_or_dissolved_complaint_follow_at_once(
    grown, items, crash, login, complaint_of
):
    twice = complaint_of("twice-0")
    grown.post(path(login, "/merge"), {"into": crash["id"], "version": 1})
    grown.post(path(twice, "/dissolve"), {"version": 1})

    first, second = grown.store(*items("login", 1, first=70), *items("twice", 1, first=70))

    assert first["complaint"]["id"] == crash["id"]
    assert second["complaint"] is None


def test_a_text_that_people_call_praise_leaves_its_complaint_at_once_and_for_good(grown, refit, crash):
    text = texts_of(grown, crash)[0]["id"]
    labels = {"sentiment": "positive", "topics": ["praise_general"]}
    assert grown.patch(f"/v1/feedback/{text}/labels", labels).json()["complaint_id"] is None

    assert grown.get(path(crash)).json()["size"] == 5
    refit(grown)
    assert grown.get(f"/v1/feedback/{text}").json()["complaint_id"] is None


def test_a_deleted_text_leaves_size_title_and_map(grown, crash):
    for row in texts_of(grown, crash):
        assert grown("DELETE", f"/v1/feedback/{row['id']}").status_code == 204

    told = grown.get(path(crash)).json()
    assert (told["size"], told["titles"], told["representative"]) == (0, {}, [])
    assert told["title"] == f"Complaint {crash['id'][:8]}"
    with grown.state.database.read() as session:
        found = grown.state.maps.of(session, grown.tenant_id)
    assert crash["id"] not in {found.complaints[owner] for owner in found.owners.tolist()}
    assert crash["id"] not in {row["id"] for row in grown.get("/v1/complaints").json()["items"]}
