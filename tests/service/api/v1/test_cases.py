"""The queue and its cases: an order that holds, moves that are legal, a history."""

from datetime import UTC, datetime, timedelta

import pytest

from service.loop.cases import MOVES
from service.store.records import Tenant

TEXTS = (
    "the app crashes at checkout",
    "my card was stolen please block it",
    "lovely food and friendly people",
    "the train was late",
    "how do I change my address",
    "please add a dark mode",
)


@pytest.fixture
def case(caller):
    """Change the one case of a tenant; without arguments, read it."""
    case_id = caller.store(TEXTS[0])[0]["case_id"]

    def change(**body):
        path = f"/v1/cases/{case_id}"
        return caller.patch(path, body) if body else caller.get(path).json()

    change.id = case_id
    return change


# Cases


@pytest.mark.parametrize("body", [{}, {"state": None}, {"note": None}])
def test_a_change_that_changes_nothing_is_refused(case, refusal, body):
    refusal(case(version=1, **body), 422)
    assert case()["version"] == 1


@pytest.mark.parametrize("note", [None, "   "])
def test_a_dismissal_without_a_reason_is_refused(case, refusal, note):
    refusal(case(version=1, state="dismissed", note=note), 422)
    assert case()["state"] == "open"


@pytest.mark.parametrize("state", MOVES)
@pytest.mark.parametrize("to", MOVES)
def test_only_legal_moves_are_made_and_a_refusal_names_them(case, refusal, state, to):
    version = 1
    if state != "open":
        version = case(version=1, state=state, note="because").json()["version"]

    answer = case(version=version, state=to, note="because")

    if to in MOVES[state]:
        assert answer.status_code == 200
        assert (answer.json()["state"], answer.json()["version"]) == (to, version + 1)
    else:
        assert refusal(answer, 409)["allowed"] == list(MOVES[state])
        assert case()["state"] == state


@pytest.mark.parametrize("version", [2, 99, 2**62])
def test_a_version_that_is_not_the_latest_is_refused_and_the_latest_named(case, refusal, version):
    assert refusal(case(version=version, note="mine"), 409)["version"] == 1
    assert case()["history"] == []


def test_of_two_who_change_what_they_read_one_wins(case, refusal):
    assert case(version=1, assignee="Anna").status_code == 200
    refusal(case(version=1, assignee="Bert"), 409)
    assert case()["assignee"] == "Anna"


def test_a_case_that_is_not_there_is_not_found(caller, refusal):
    path = "/v1/cases/0198c6b0-1f0e-7c1c-9d52-1f2d3c4b5a69"
    refusal(caller.get(path), 404)
    refusal(caller.patch(path, {"note": "a", "version": 1}), 404)


def test_the_history_keeps_moves_assignments_and_notes_with_who_and_when(caller, case):
    case(version=1, assignee="Anna", team="Payments", note="looks bad")
    case(version=2, state="closed")
    case(version=3, state="open", note="came back")
    after = case(version=4, assignee=None).json()

    assert [(row["state"], row["assignee"], row["note"]) for row in after["history"]] == [
        (None, "Anna", "looks bad"),
        ("closed", None, None),
        ("open", None, "came back"),
        (None, None, None),
    ]
    assert {row["by"] for row in after["history"]} == {f"{caller.tenant} key"}
    times = [row["at"] for row in after["history"]]
    assert times == sorted(times)
    assert (after["assignee"], after["team"], after["version"]) == (None, "Payments", 5)
    assert case() | {"priority": None} == after | {"priority": None}


def test_closing_leaves_the_queue_and_filters_and_reopening_comes_back(caller, case):
    closed = case(version=1, state="closed").json()
    assert closed["closed_at"] is not None
    assert (closed["rank"], closed["rank_without"]) == (None, {})
    assert caller.get("/v1/queue").json()["items"] == []
    assert len(caller.get("/v1/feedback", status="closed").json()["items"]) == 1
    caller.settle()
    search = {"query": TEXTS[0], "filter": {"status": ["closed"]}}
    assert len(caller.post("/v1/search", search).json()["items"]) == 1

    reopened = case(version=2, state="open").json()
    assert (reopened["closed_at"], reopened["rank"]) == (None, 1)
    assert len(caller.get("/v1/queue").json()["items"]) == 1
    caller.settle()
    assert caller.post("/v1/search", search).json()["items"] == []


def test_a_case_says_when_its_service_level_is_over(caller):
    stored = caller.store({"text": TEXTS[1], "occurred_at": "2026-01-01T00:00:00Z"})[0]
    caller.patch(f"/v1/feedback/{stored['id']}/labels", {"urgency": "critical"})

    case = caller.get(f"/v1/cases/{stored['case_id']}").json()

    assert case["due_at"] == "2026-01-01T01:00:00Z"
    waiting = next(term for term in case["priority"]["terms"] if term["name"] == "waiting")
    assert (waiting["value"], waiting["contribution"]) == (1, 15)


def test_a_text_said_to_come_from_the_future_has_not_waited_yet(caller):
    later = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    stored = caller.store({"text": TEXTS[1], "occurred_at": later})[0]

    waiting = next(term for term in stored["priority"]["terms"] if term["name"] == "waiting")
    assert waiting["value"] < 0.01


def test_the_rank_without_a_term_is_where_the_case_would_stand(caller):
    """Of two texts the one that its customer calls critical is first, and would not be without that."""
    loud, quiet = caller.store(
        {"text": TEXTS[3], "declared_urgency": "critical"}, {"text": TEXTS[3], "declared_urgency": "medium"}
    )
    case = caller.get(f"/v1/cases/{loud['case_id']}").json()

    assert case["rank"] == 1
    assert case["rank_without"]["declared_urgency"] == 2
    assert case["rank_without"]["sentiment"] == 2
    other = caller.get(f"/v1/cases/{quiet['case_id']}").json()
    assert other["rank"] == 2
    assert set(other["rank_without"].values()) == {2}
    # A term that contributes nothing cannot be missed.
    assert "complaint" not in case["rank_without"]


# The queue


def test_an_empty_queue_is_a_page(caller):
    page = caller.get("/v1/queue").json()

    assert (page["items"], page["next_cursor"]) == ([], None)
    assert page["as_of"].endswith("Z")


def test_the_queue_is_in_the_order_of_its_priorities_with_their_reasons(caller):
    caller.store(
        *[{"text": text, "declared_urgency": urgency} for text in TEXTS for urgency in ("low", "high")]
    )

    items = caller.get("/v1/queue").json()["items"]

    values = [item["priority"]["value"] for item in items]
    assert values == sorted(values, reverse=True)
    assert [item["rank"] for item in items] == list(range(1, 13))
    for item in items:
        total = sum(term["contribution"] for term in item["priority"]["terms"])
        assert item["priority"]["value"] == pytest.approx(total, abs=1e-5)
        assert all(term["reason"] for term in item["priority"]["terms"])
        assert caller.get(f"/v1/cases/{item['case_id']}").json()["rank"] == item["rank"]


def test_the_queue_filters_by_text_account_assignee_and_team(caller):
    stored = caller.store(
        {"text": TEXTS[0], "channel": "email", "account_external_id": "acme"},
        {"text": TEXTS[2], "language": "fi"},
        {"text": TEXTS[3], "occurred_at": "2026-01-01T00:00:00Z"},
    )
    caller.put("/v1/accounts/acme", {"type": "enterprise", "revenue": {"amount": 10, "currency": "EUR"}})
    caller.patch(f"/v1/cases/{stored[1]['case_id']}", {"assignee": "Anna", "team": "Food", "version": 1})
    ids = [row["case_id"] for row in stored]

    def cases(**where):
        return [ids.index(item["case_id"]) for item in caller.get("/v1/queue", **where).json()["items"]]

    assert cases(assignee="Anna") == cases(team="Food") == cases(language="fi") == [1]
    assert cases(assignee="Anna", channel="email") == cases(assignee="anna") == []
    assert cases(channel="email") == cases(account="acme") == cases(revenue_min=10) == [0]
    assert cases(account_type=["enterprise", "free"]) == cases(topic="bug_crash", channel="email") == [0]
    assert cases(occurred_to="2026-02-01T00:00:00Z") == [2]
    assert sorted(cases(sentiment="negative")) == [0, 2]
    assert sorted(cases(status="open")) == [0, 1, 2]
    assert cases(status="closed") == []
    assert cases(kind="praise") == [1]


def test_pages_hold_every_case_once_while_new_ones_arrive_and_the_clock_moves(caller):
    stored = {row["case_id"] for text in TEXTS for row in caller.store(*[text] * 4)}
    seen, ranks, moments, cursor = [], [], set(), {}
    while cursor is not None:
        page = caller.get("/v1/queue", limit=5, **cursor).json()
        seen += [item["case_id"] for item in page["items"]]
        ranks += [item["rank"] for item in page["items"]]
        moments.add(page["as_of"])
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
        caller.store({"text": TEXTS[1], "declared_urgency": "critical"})

    assert len(seen) == len(set(seen))
    assert set(seen) == stored
    assert ranks == list(range(1, 25))
    assert len(moments) == 1


def test_a_filtered_walk_is_complete_too(caller):
    rows = caller.store(
        *[{"text": text, "channel": name} for text in TEXTS for name in ("email", "chat", "email")]
    )
    wanted = {row["case_id"] for place, row in enumerate(rows) if place % 3 != 1}
    seen, cursor = [], {}
    while cursor is not None:
        page = caller.get("/v1/queue", limit=3, channel="email", **cursor).json()
        seen += [item["case_id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None

    assert sorted(seen) == sorted(wanted)


def test_a_tenants_own_weights_rank_its_queue(caller):
    loud, quiet = caller.store(
        {"text": TEXTS[2], "declared_urgency": "critical"}, {"text": TEXTS[1], "declared_urgency": "low"}
    )
    assert caller.get("/v1/queue").json()["items"][0]["case_id"] == quiet["case_id"]
    weights = {
        "urgency": 0,
        "declared_urgency": 85,
        "sentiment": 0,
        "account_value": 0,
        "complaint": 0,
        "churn": 0,
    }
    with caller.state.database.write() as session:
        session.get_one(Tenant, caller.tenant_id).priority_weights = weights | {"waiting": 15}
    for row in (loud, quiet):
        caller.patch(f"/v1/feedback/{row['id']}/labels", {"urgency": "low"})

    first = caller.get("/v1/queue").json()["items"][0]
    assert first["case_id"] == loud["case_id"]
    assert first["priority"]["value"] == pytest.approx(85, abs=0.1)
