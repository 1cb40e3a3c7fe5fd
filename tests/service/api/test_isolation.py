"""Every route, asked for one tenant's things with a valid key of another, and with keys that may not ask."""

import json
import re
from uuid import UUID, uuid4

import pytest
from fastapi.routing import APIRoute

from service.auth import create_key, revoke_key
from service.complaints.refits import Asked, request_refit
from service.store.records import Complaint, Feedback

SCOPES = ("score", "read", "write", "train", "admin")
OPEN = {"/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/redoc", "/docs/oauth2-redirect"}
"""Routes that everybody may ask, and that tell of no tenant."""

WORD = "xylophone"
TEXT = f"the {WORD} app crashes at checkout"

ROUTES = {
    "score": ("score", "POST", "/v1/score", {"items": [{"text": TEXT}]}),
    "post_feedback": ("write", "POST", "/v1/feedback", {"items": [{"text": TEXT, "external_id": "1"}]}),
    "list_feedback": ("read", "GET", "/v1/feedback?account=acme", None),
    "get_feedback": ("read", "GET", "/v1/feedback/{feedback_id}", None),
    "delete_feedback": ("write", "DELETE", "/v1/feedback/{feedback_id}", None),
    "label_feedback": ("write", "PATCH", "/v1/feedback/{feedback_id}/labels", {"urgency": "low"}),
    "put_account": ("write", "PUT", "/v1/accounts/acme", {"name": "Not Acme"}),
    "get_account": ("read", "GET", "/v1/accounts/acme", None),
    "list_accounts": ("read", "GET", "/v1/accounts", None),
    "search": ("read", "POST", "/v1/search", {"query": TEXT}),
    "get_queue": ("read", "GET", "/v1/queue", None),
    "get_case": ("read", "GET", "/v1/cases/{case_id}", None),
    "change_case": ("write", "PATCH", "/v1/cases/{case_id}", {"state": "closed", "version": 1}),
    "reindex": ("admin", "POST", "/v1/reindex", {"re_embed": True}),
    "export_corrections": ("train", "GET", "/v1/corrections/export", None),
    "get_reindex": ("admin", "GET", "/v1/reindex", None),
    "list_complaints": ("read", "GET", "/v1/complaints", None),
    "get_complaint": ("read", "GET", "/v1/complaints/{complaint_id}", None),
    "refit_complaints": ("write", "POST", "/v1/complaints/refit", None),
    "list_refits": ("read", "GET", "/v1/complaints/refits", None),
    "get_refit": ("read", "GET", "/v1/complaints/refits/{refit_id}", None),
    "change_complaint": ("write", "PATCH", "/v1/complaints/{complaint_id}", {"title": "mine", "version": 1}),
    "merge_complaint": (
        "write",
        "POST",
        "/v1/complaints/{complaint_id}/merge",
        {"into": "0123456789abcdef0123", "version": 1},
    ),
    "split_complaint": (
        "write",
        "POST",
        "/v1/complaints/{complaint_id}/split",
        {"feedback_ids": [str(uuid4())], "version": 1},
    ),
    "dissolve_complaint": ("write", "POST", "/v1/complaints/{complaint_id}/dissolve", {"version": 1}),
    "close_complaint": ("write", "POST", "/v1/complaints/{complaint_id}/close", {"note": "done"}),
    "move_feedback": (
        "write",
        "PUT",
        "/v1/feedback/{feedback_id}/complaint",
        {"complaint_id": None, "previous": None},
    ),
}
"""Each operation's scope, method, path and body."""
FREE = {"score", "post_feedback", "put_account", "reindex", "refit_complaints"}
"""Operations that do the asking tenant's own work whatever another tenant has."""


def routes_of(app):
    """Return each documented operation of an application."""
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
        if path not in OPEN
    }


@pytest.fixture
def owner(new_caller):
    """A tenant with two texts, an account, a label, a history."""
    owner = new_caller(*SCOPES)
    owner.put("/v1/accounts/acme", {"name": f"{WORD} Ltd", "type": "enterprise"})
    item = {"text": TEXT, "external_id": "1", "account_external_id": "acme", "metadata": {"plan": WORD}}
    first, second = owner.store(item, TEXT + " again")
    owner.patch(f"/v1/feedback/{second['id']}/labels", {"topics": ["pricing_value"], "reason": WORD})
    owner.patch(f"/v1/cases/{first['case_id']}", {"assignee": WORD, "version": 1})
    complaint_id = uuid4().hex[:20]
    with owner.state.database.write() as session:
        words = {"title": f"{WORD} crashes", "notes": WORD, "owner": WORD}
        session.add(Complaint(tenant_id=owner.tenant_id, id=complaint_id, size=1, rising=False, **words))
        session.flush()
        session.get_one(Feedback, UUID(second["id"])).complaint_id = complaint_id
        refit = request_refit(session, owner.tenant_id, Asked(by=WORD, reason="demand"))[0]
    owner.ids = {"complaint_id": complaint_id, "refit_id": str(refit.id)}
    owner.ids |= {"feedback_id": first["id"], "case_id": first["case_id"], "second": second["id"]}
    return owner


@pytest.fixture
def stranger(new_caller):
    return new_caller(*SCOPES)


def snapshot(owner):
    """Everything that the owner sees, apart from the clock."""
    owner.settle()  # what earlier tests changed must have reached the index
    queue = owner.get("/v1/queue").json()["items"]
    detail = [owner.get(f"/v1/feedback/{owner.ids[name]}").json() for name in ("feedback_id", "second")]
    case = owner.get(f"/v1/cases/{owner.ids['case_id']}").json()
    found = owner.post("/v1/search", {"query": TEXT}).json()
    complaint = owner.get(f"/v1/complaints/{owner.ids['complaint_id']}").json()
    return {
        "complaint": complaint,
        "complaints": owner.get("/v1/complaints").json(),
        "refits": owner.get("/v1/complaints/refits").json(),
        "queue": [(item["case_id"], item["rank"], item["feedback"]) for item in queue],
        "detail": detail,
        "case": (case["version"], case["state"], case["history"], case["rank"], case["rank_without"]),
        "found": ([hit["feedback"]["id"] for hit in found["items"]], found["facets"]),
        "accounts": owner.get("/v1/accounts").json(),
        "listed": owner.get("/v1/feedback").json(),
    }


def send(caller, operation, ids, **given):
    _, method, template, body = ROUTES[operation]
    return caller(method, template.format(**ids), json=body, **given)


def test_the_table_has_every_route_of_the_application(running):
    routes = routes_of(running.app)

    assert set(ROUTES) == set(routes)
    for operation, (_, method, template, _body) in ROUTES.items():
        assert routes[operation][0] == method
        assert len(template.split("?")[0].split("/")) == len(routes[operation][1].split("/"))
    undocumented = {
        route.path
        for route in running.app.routes
        if isinstance(route, APIRoute) and not route.include_in_schema
    }
    assert undocumented <= OPEN


@pytest.mark.parametrize("operation", ROUTES)
def test_a_stranger_learns_nothing_and_changes_nothing(owner, stranger, operation):
    before = snapshot(owner)
    nowhere = dict.fromkeys(("feedback_id", "case_id", "refit_id"), uuid4()) | {
        "complaint_id": uuid4().hex[:20]
    }

    answer = send(stranger, operation, owner.ids)

    if operation in FREE:
        assert answer.status_code in {200, 201, 202}
        assert answer.json().get("queued", 0) == 0
    elif "{" in ROUTES[operation][2] or operation == "get_account":
        # Neither status nor words tell an id of another tenant from one that nobody has.
        unknown = send(stranger, operation, nowhere)
        assert answer.status_code == unknown.status_code == 404
        there, nobody = (
            re.sub("|".join(str(told) for told in given.values()), "id", json.dumps(row.json()))
            for row, given in ((answer, owner.ids), (unknown, nowhere))
        )
        assert there == nobody
    elif operation == "export_corrections":
        assert (answer.status_code, answer.content) == (200, b"")
    else:
        assert answer.status_code == 200
        assert not answer.json().get("items")
    if operation not in {"score", "post_feedback"}:
        assert WORD not in answer.text
    assert snapshot(owner) == before


def test_a_strangers_own_texts_are_ranked_counted_and_found_as_if_nobody_else_were_there(owner, stranger):
    stored = stranger.store({"text": TEXT, "external_id": "1", "account_external_id": "acme"})[0]

    assert stored["created"]
    assert stored["similar_count"] == 0
    case = stranger.get(f"/v1/cases/{stored['case_id']}").json()
    assert case["rank"] == 1
    assert set(case["rank_without"].values()) == {1}
    assert [item["rank"] for item in stranger.get("/v1/queue").json()["items"]] == [1]
    assert stranger.get("/v1/accounts/acme").json()["name"] is None
    found = stranger.post("/v1/search", {"query": TEXT}).json()
    assert [hit["feedback"]["id"] for hit in found["items"]] == [stored["id"]]
    assert found["facets"]["topic"]["bug_crash"] == 1
    assert {count for facet in found["facets"].values() for count in facet.values()} == {1}
    assert found["facets"]["account_type"] == {}
    like = stranger.post("/v1/search", {"like_id": stored["id"]}).json()
    assert like["items"] == []


@pytest.mark.parametrize(
    "where",
    [
        {"account": ["acme"]},
        {"account_type": ["enterprise"]},
        {"topic": ["pricing_value"]},
        {"metadata": {"plan": WORD}},
        {"status": ["open"]},
        {"complaint_id": "of the owner"},
    ],
)
def test_no_filter_reaches_into_another_tenant(owner, stranger, where):
    where = {name: owner.ids[name] if name == "complaint_id" else told for name, told in where.items()}
    found = stranger.post("/v1/search", {"query": TEXT, "filter": where}).json()

    assert found["items"] == []
    assert not any(found["facets"].values())
    if "metadata" not in where:
        for path in ("/v1/feedback", "/v1/queue"):
            assert stranger.get(path, **where).json()["items"] == []


def test_nothing_of_another_tenant_is_like_a_strangers_query(owner, stranger, refusal):
    for feedback_id in (owner.ids["feedback_id"], str(uuid4())):
        problem = refusal(stranger.post("/v1/search", {"like_id": feedback_id}), 404)
        assert problem["detail"] == f"no feedback {feedback_id} in this tenant"


def test_a_cursor_of_another_tenant_opens_nothing(owner, stranger):
    for path in ("/v1/feedback", "/v1/queue"):
        cursor = owner.get(path, limit=1).json()["next_cursor"]
        assert cursor
        assert stranger.get(path, cursor=cursor).json()["items"] == []
    cursor = owner.post("/v1/search", {"query": TEXT, "limit": 1}).json()["next_cursor"]
    assert stranger.post("/v1/search", {"query": TEXT, "cursor": cursor}).json()["items"] == []


def test_one_idempotency_key_is_two_in_two_tenants(owner, stranger):
    body = {"items": [{"text": TEXT}]}
    answers = [
        caller.post("/v1/feedback", body, headers={"Idempotency-Key": "same"}) for caller in (owner, stranger)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["items"][0]["id"] != answers[1].json()["items"][0]["id"]


@pytest.mark.parametrize("operation", ROUTES)
def test_a_key_without_the_scope_is_refused_before_anything_happens(owner, new_caller, refusal, operation):
    scope = ROUTES[operation][0]
    before = snapshot(owner)
    others = [name for name in SCOPES if name != scope]
    with owner.state.database.write() as session:
        key = create_key(session, tenant_name=owner.tenant, name="narrow", scopes=tuple(others))

    answer = send(owner, operation, owner.ids, headers={"Authorization": f"Bearer {key}"})

    problem = refusal(answer, 403)
    assert problem["detail"] == f"expected a key with scope {scope}, got one with {', '.join(sorted(others))}"
    assert snapshot(owner) == before


def keys(owner):
    """Headers that open nothing, by name."""
    good = owner.headers["Authorization"].removeprefix("Bearer ")
    prefix, key_id, secret = good.split("_", 2)
    return {
        "none": None,
        "empty": "",
        "no scheme": good,
        "another scheme": f"Basic {good}",
        "scheme only": "Bearer",
        "scheme and blanks": "Bearer   ",
        "unknown id": f"Bearer {prefix}_{'0' * 12}_{secret}",
        "wrong secret": f"Bearer {prefix}_{key_id}_{secret[:-1]}",
        "longer secret": f"Bearer {good}x",
        "wrong prefix": f"Bearer xx_{key_id}_{secret}",
        "no secret": f"Bearer {prefix}_{key_id}_",
        "id only": f"Bearer {key_id}",
        "hash instead of secret": f"Bearer {prefix}_{key_id}_{'a' * 64}",
        "NUL": f"Bearer {prefix}_a\x00b_{secret}",
        "very long": "Bearer " + "a" * 60_000,
        "not ASCII": f"Bearer {prefix}_ä_{secret}".encode(),
        "underscores": "Bearer " + "_" * 50,
        "SQL": f"Bearer {prefix}_' OR 1=1 --_{secret}",
    }


NAMES = list(keys(type("Owner", (), {"headers": {"Authorization": "Bearer cl_id_secret"}})))


@pytest.mark.parametrize("name", NAMES)
def test_a_header_without_a_valid_key_is_refused(running, owner, refusal, name):
    value = keys(owner)[name]
    headers = {} if value is None else {"Authorization": value}

    answer = running.get("/v1/queue", headers=headers)

    refusal(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("operation", ROUTES)
def test_a_revoked_key_opens_no_route(owner, new_caller, refusal, operation):
    key_id = owner.headers["Authorization"].split("_")[1]
    with owner.state.database.write() as session:
        revoke_key(session, key_id)

    refusal(send(owner, operation, owner.ids), 401)


@pytest.mark.parametrize("path", sorted({"/livez", "/readyz", "/metrics", "/openapi.json"}))
def test_what_everybody_may_ask_tells_of_no_tenant(running, owner, path):
    answer = running.get(path)

    assert answer.status_code == 200
    assert WORD not in answer.text
    assert owner.tenant not in answer.text
    assert str(owner.tenant_id) not in answer.text
