"""Values that no field, parameter, header or path takes; on both databases, which refuse different things."""

from base64 import urlsafe_b64encode

import pytest

NUL = "a\x00b"
FEEDBACK = [
    ("text", ""),
    ("text", " \n\t "),
    ("text", "\u3000\u2028"),
    ("text", "a" * 20_001),
    ("text", "a" * 1_048_576),
    ("text", NUL),
    ("text", None),
    ("text", 12),
    ("text", ["a"]),
    ("external_id", ""),
    ("external_id", "a" * 257),
    ("external_id", NUL),
    ("external_id", 12),
    ("channel", NUL),
    ("channel", "E-Mail"),
    ("channel", ""),
    ("channel", None),
    ("channel", "a" * 65),
    ("solicited", "yes"),
    ("solicited", 1),
    ("author", {}, "/author", False),
    ("author", []),
    ("author", {"name": NUL}, "/author/name"),
    ("author", {"external_id": NUL}, "/author/external_id"),
    ("author", {"email": NUL + "@b"}, "/author/email"),
    ("author", {"email": "nobody"}, "/author/email"),
    ("author", {"email": "a@b" + "c" * 318}, "/author/email"),
    ("author", {"language": "deutsch"}, "/author/language"),
    ("author", {"phone": "1"}, "/author/phone"),
    ("account_external_id", NUL),
    ("account_external_id", ""),
    ("account_external_id", "a\nb"),
    ("external_id", "a\x7f"),
    ("declared_urgency", "urgent"),
    ("declared_urgency", 1),
    ("rating", {"kind": "csat", "value": "4"}, "/rating/value"),
    ("rating", {"kind": "csat", "value": True}, "/rating/value"),
    ("rating", {"kind": "csat", "value": -1}, "/rating/value"),
    ("rating", {"kind": "csat", "value": 101}, "/rating/value"),
    ("rating", {"kind": "mood", "value": 1}, "/rating/kind"),
    ("rating", {"kind": "csat"}, "/rating/value"),
    ("touchpoint", NUL),
    ("touchpoint", "a" * 129),
    ("product", NUL),
    ("occurred_at", "2026-01-31"),
    ("occurred_at", "2026-01-31T12:00:00"),
    ("occurred_at", "2026-02-30T12:00:00Z"),
    ("occurred_at", "0000-01-01T00:00:00Z"),
    ("occurred_at", "0001-01-01T00:00:00+14:00"),
    ("occurred_at", "9999-12-31T23:59:59-14:00"),
    ("occurred_at", "2026-01-31T12:00:00+99:00"),
    ("occurred_at", "1769860800"),
    ("occurred_at", 1769860800),
    ("occurred_at", 1e300),
    ("occurred_at", ""),
    ("language", "German"),
    ("language", "de--AT"),
    ("language", NUL),
    ("metadata", []),
    ("metadata", {"": 1}, "/metadata/…"),
    ("metadata", {NUL: 1}, "/metadata/…"),
    ("metadata", {"a" * 65: 1}, "/metadata/…"),
    ("metadata", {"plan": NUL}, "/metadata/plan"),
    ("metadata", {"plan": "a" * 1_001}, "/metadata/plan"),
    ("metadata", {"plan": None}, "/metadata/plan"),
    ("metadata", {"plan": True}, "/metadata/plan"),
    ("metadata", {"plan": {}}, "/metadata/plan"),
    ("metadata", {"plan": 2**53 + 2}, "/metadata/plan"),
    ("metadata", {"plan": -(2**63)}, "/metadata/plan"),
    ("metadata", {"plan": 10**400 // 3 % 10**60}, "/metadata/plan"),
    ("metadata", {"plan": 1e300}, "/metadata/plan"),
    ("metadata", {f"key{place}": 1 for place in range(51)}),
    ("update", "true"),
    ("update", None),
    ("surprise", 1),
]
FINE = [
    {"occurred_at": "0001-01-01T00:00:00Z"},
    {"occurred_at": "9999-12-31T23:59:59.999999Z"},
    {"occurred_at": "2026-01-31t12:00:00.123456789+05:30"},
    {"metadata": {"a": 2**53, "b": -(2**53), "c": 0.1, "d": "", "e": "x" * 1_000}},
    {"metadata": {f"key{place}": place for place in range(50)}},
    {"author": {}},
    {"text": "\u200b\ufeff\U0001f469\u200d\U0001f467 \U0010ffff \u202e right to left"},
    {"text": "a" * 20_000},
    {"external_id": "'; DROP TABLE feedback; --"},
    {"account_external_id": "50%_\\ / ü 🙂"},
]


def short(value: object) -> str:
    """Name a parameter."""
    return ascii(value)[:40]


@pytest.mark.parametrize("row", FEEDBACK, ids=short)
def test_an_item_that_does_not_fit_is_refused_in_its_place_and_the_others_are_stored(caller, row):
    field, value, pointer, refused = (*row, *(f"/{row[0]}", True)[len(row) - 2 :])

    items = [{"text": "one"}, {"text": "two", field: value}, {"text": "three"}]
    answer = caller.post("/v1/feedback", {"items": items})

    assert answer.status_code == 201
    first, second, third = answer.json()["items"]
    assert first["created"]
    assert third["created"]
    if refused:
        assert [problem["pointer"] for problem in second["error"]["errors"]] == [pointer]
        assert second["error"]["status"] == 422


@pytest.mark.parametrize("fields", FINE, ids=short)
def test_unusual_but_fitting_values_come_back_as_they_were_given(caller, fields):
    stored = caller.store({"text": "hello", **fields})[0]

    found = caller.get(f"/v1/feedback/{stored['id']}")
    assert found.status_code == 200
    for name, value in fields.items():
        if name != "occurred_at" and value != {}:
            assert found.json()[name] == value
    assert caller.get("/v1/queue").json()["items"][0]["feedback"]["id"] == stored["id"]
    assert caller.get(f"/v1/cases/{stored['case_id']}").json()["rank"] == 1
    assert caller.post("/v1/search", {"query": "hello"}).json()["items"][0]["feedback"]["id"] == stored["id"]


BODIES = [
    ("POST", "/v1/score", {"items": []}, "/items"),
    ("POST", "/v1/score", {}, "/items"),
    ("POST", "/v1/score", {"items": [{"text": " "}]}, "/items/0/text"),
    ("POST", "/v1/score", {"items": [{"text": "a", "language": "xxxx"}]}, "/items/0/language"),
    ("POST", "/v1/score", {"items": [{"text": "a"}, 5]}, "/items/1"),
    ("POST", "/v1/score", {"items": [{"text": "a"}], "explain": "yes"}, "/explain"),
    ("POST", "/v1/feedback", {"items": []}, "/items"),
    ("POST", "/v1/feedback", {"items": {}}, "/items"),
    ("POST", "/v1/feedback", {"items": "a"}, "/items"),
    ("PATCH", "/v1/feedback/{feedback_id}/labels", {"sentiment": "sad"}, "/sentiment"),
    ("PATCH", "/v1/feedback/{feedback_id}/labels", {"urgency": "URGENT"}, "/urgency"),
    ("PATCH", "/v1/feedback/{feedback_id}/labels", {"topics": []}, "/topics"),
    ("PATCH", "/v1/feedback/{feedback_id}/labels", {"topics": ["weather"]}, "/topics/0"),
    ("PATCH", "/v1/feedback/{feedback_id}/labels", {"topics": ["other", "other"]}, "/topics"),
    ("PATCH", "/v1/feedback/{feedback_id}/labels", {"topics": ["other"] * 6}, "/topics"),
    ("PATCH", "/v1/feedback/{feedback_id}/labels", {"undo": "kind"}, "/undo"),
    ("PATCH", "/v1/feedback/{feedback_id}/labels", {"urgency": "low", "reason": NUL}, "/reason"),
    ("PATCH", "/v1/feedback/{feedback_id}/labels", {"urgency": "low", "reason": "a" * 5_001}, "/reason"),
    ("PUT", "/v1/accounts/a", {"name": NUL}, "/name"),
    ("PUT", "/v1/accounts/a", {"type": "a" * 65}, "/type"),
    ("PUT", "/v1/accounts/a", {"region": NUL}, "/region"),
    ("PUT", "/v1/accounts/a", {"stage": ""}, "/stage"),
    ("PUT", "/v1/accounts/a", {"revenue": {"amount": "5", "currency": "EUR"}}, "/revenue/amount"),
    ("PUT", "/v1/accounts/a", {"revenue": {"amount": -1, "currency": "EUR"}}, "/revenue/amount"),
    ("PUT", "/v1/accounts/a", {"revenue": {"amount": 1e16, "currency": "EUR"}}, "/revenue/amount"),
    ("PUT", "/v1/accounts/a", {"revenue": {"amount": 1, "currency": "euro"}}, "/revenue/currency"),
    ("PUT", "/v1/accounts/a", {"revenue": {"amount": 1}}, "/revenue/currency"),
    ("PUT", "/v1/accounts/a", {"attributes": {"x": {"value": 1, "provenance": "rumour"}}},
     "/attributes/x/provenance"),
    ("PUT", "/v1/accounts/a", {"attributes": {"x": {"value": NUL, "provenance": "internal"}}},
     "/attributes/x/value"),
    ("PUT", "/v1/accounts/a", {"attributes": {NUL: {"value": 1, "provenance": "internal"}}}, "/attributes/…"),
    ("PUT", "/v1/accounts/a", {"attributes": {str(place): 0 for place in range(501)}}, "/attributes"),
    ("POST", "/v1/search", {}, ""),
    ("POST", "/v1/search", {"query": "a", "like_id": "00000000-0000-0000-0000-000000000000"}, ""),
    ("POST", "/v1/search", {"query": "  "}, ""),
    ("POST", "/v1/search", {"query": ""}, "/query"),
    ("POST", "/v1/search", {"query": NUL}, "/query"),
    ("POST", "/v1/search", {"query": "a" * 2_001}, "/query"),
    ("POST", "/v1/search", {"like_id": "1"}, "/like_id"),
    ("POST", "/v1/search", {"query": "a", "mode": "magic"}, "/mode"),
    ("POST", "/v1/search", {"query": "a", "limit": 0}, "/limit"),
    ("POST", "/v1/search", {"query": "a", "limit": 201}, "/limit"),
    ("POST", "/v1/search", {"query": "a", "limit": -1}, "/limit"),
    ("POST", "/v1/search", {"query": "a", "limit": "20"}, "/limit"),
    ("POST", "/v1/search", {"query": "a", "limit": 1.5}, "/limit"),
    ("POST", "/v1/search", {"query": "a", "limit": 10**30}, "/limit"),
    ("POST", "/v1/search", {"query": "a", "filter": {"sentiments": ["negative"]}}, "/filter/sentiments"),
    ("POST", "/v1/search", {"query": "a", "filter": {"sentiment": "negative"}}, "/filter/sentiment"),
    ("POST", "/v1/search", {"query": "a", "filter": {"sentiment": ["bad"]}}, "/filter/sentiment/0"),
    ("POST", "/v1/search", {"query": "a", "filter": {"status": ["lost"]}}, "/filter/status/0"),
    ("POST", "/v1/search", {"query": "a", "filter": {"account": [NUL]}}, "/filter/account/0"),
    ("POST", "/v1/search", {"query": "a", "filter": {"account_type": [NUL]}}, "/filter/account_type/0"),
    ("POST", "/v1/search", {"query": "a", "filter": {"topic": ["other"] * 101}}, "/filter/topic"),
    ("POST", "/v1/search", {"query": "a", "filter": {"revenue_min": -1}}, "/filter/revenue_min"),
    ("POST", "/v1/search", {"query": "a", "filter": {"revenue_min": "5"}}, "/filter/revenue_min"),
    ("POST", "/v1/search", {"query": "a", "filter": {"complaint_id": NUL}}, "/filter/complaint_id"),
    ("POST", "/v1/search", {"query": "a", "filter": {"metadata": {"a": NUL}}}, "/filter/metadata/a"),
    ("POST", "/v1/search", {"query": "a", "filter": {"metadata": {NUL: "a"}}}, "/filter/metadata/…"),
    ("POST", "/v1/search", {"query": "a", "filter": {"occurred_from": "2026-01-01T00:00:00"}},
     "/filter/occurred_from"),
    ("PATCH", "/v1/cases/{case_id}", {"note": "seen"}, "/version"),
    ("PATCH", "/v1/cases/{case_id}", {"note": "seen", "version": "1"}, "/version"),
    ("PATCH", "/v1/cases/{case_id}", {"note": "seen", "version": 0}, "/version"),
    ("PATCH", "/v1/cases/{case_id}", {"note": "seen", "version": 1.5}, "/version"),
    ("PATCH", "/v1/cases/{case_id}", {"note": NUL, "version": 1}, "/note"),
    ("PATCH", "/v1/cases/{case_id}", {"assignee": NUL, "version": 1}, "/assignee"),
    ("PATCH", "/v1/cases/{case_id}", {"team": NUL, "version": 1}, "/team"),
    ("PATCH", "/v1/cases/{case_id}", {"state": "lost", "version": 1}, "/state"),
    ("POST", "/v1/reindex", {"re_embed": "no"}, "/re_embed"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "pointer"), BODIES, ids=short)
def test_a_field_that_does_not_fit_is_named(story, refusal, method, path, body, pointer):
    problem = refusal(story.caller(method, story.path(path), json=body), 422)

    assert {row["pointer"] for row in problem["errors"]} == {pointer}


def cursor(document: str) -> str:
    return urlsafe_b64encode(document.encode()).decode().rstrip("=")


CURSORS = [
    "",
    "garbage",
    "ü",
    "====",
    "a" * 1_001,
    cursor("{}"),
    cursor("[]"),
    cursor("null"),
    cursor('{"before": 1}'),
    cursor('{"after": 1}'),
    cursor('{"after": "\\u0000"}'),
    cursor('{"after": "\\ud800"}'),
    cursor('{"before": "00000000-0000-0000-0000-000000000000", "more": 1}'),
    cursor('{"as_of": "2026-01-01T00:00:00Z", "offset": -1}'),
    cursor('{"as_of": "2026-01-01T00:00:00Z", "offset": 10000001}'),
    cursor('{"as_of": "2026-01-01T00:00:00", "offset": 0}'),
    cursor('{"as_of": "2026-01-01T00:00:00Z", "offset": NaN}'),
]
RANKED = '{"as_of": "2026-01-01T00:00:00Z", "case_id": "00000000-0000-0000-0000-000000000000", '
QUEUE_CURSORS = [
    *CURSORS,
    cursor(RANKED + '"value": 1, "rank": -5}'),
    cursor(RANKED + '"value": 1, "rank": 0}'),
    cursor(RANKED + f'"value": 1, "rank": {10**30}}}'),
    cursor(RANKED + '"value": NaN, "rank": 1}'),
    cursor(RANKED + '"value": Infinity, "rank": 1}'),
    cursor(RANKED + '"value": 1e999, "rank": 1}'),
]


@pytest.mark.parametrize("given", QUEUE_CURSORS, ids=range(len(QUEUE_CURSORS)))
def test_a_cursor_that_no_page_gave_out_is_refused(story, refusal, given):
    for path in ("/v1/feedback", "/v1/accounts", "/v1/queue"):
        refusal(story.caller.get(path, cursor=given), 422)
    refusal(story.caller.post("/v1/search", {"query": "a", "cursor": given}), 422)


def test_a_cursor_of_another_list_is_refused(caller, refusal):
    for name in ("a", "b"):
        caller.store({"text": f"text {name}", "account_external_id": name})
    lists = ("/v1/feedback", "/v1/accounts", "/v1/queue")
    cursors = {path: caller.get(path, limit=1).json()["next_cursor"] for path in lists}
    cursors["/v1/search"] = caller.post("/v1/search", {"query": "text", "limit": 1}).json()["next_cursor"]

    for path, given in cursors.items():
        assert given
        for other in {*lists} - {path}:
            refusal(caller.get(other, cursor=given), 422)
        if path != "/v1/search":
            refusal(caller.post("/v1/search", {"query": "a", "cursor": given}), 422)


QUERIES = [
    ("/v1/feedback", {"sentimnt": "negative"}, "sentimnt"),
    ("/v1/feedback", {"my own words": "x"}, "…"),
    ("/v1/feedback", {"limit": ["1", "2"]}, "limit"),
    ("/v1/feedback", {"occurred_from": ["2026-01-01T00:00:00Z"] * 2}, "occurred_from"),
    ("/v1/feedback", {"language": "english"}, "language/0"),
    ("/v1/feedback", {"language": ["de"] * 101}, "language"),
    ("/v1/feedback", {"sentiment": ["negative", "sad"]}, "sentiment/1"),
    ("/v1/feedback", {"urgency": ""}, "urgency/0"),
    ("/v1/feedback", {"topic": "weather"}, "topic/0"),
    ("/v1/feedback", {"kind": "rant"}, "kind/0"),
    ("/v1/feedback", {"channel": NUL}, "channel/0"),
    ("/v1/feedback", {"account": NUL}, "account/0"),
    ("/v1/feedback", {"account_type": NUL}, "account_type/0"),
    ("/v1/feedback", {"status": "lost"}, "status/0"),
    ("/v1/feedback", {"complaint_id": NUL}, "complaint_id"),
    ("/v1/feedback", {"revenue_min": "nan"}, "revenue_min"),
    ("/v1/feedback", {"revenue_min": "inf"}, "revenue_min"),
    ("/v1/feedback", {"revenue_min": "-1"}, "revenue_min"),
    ("/v1/feedback", {"revenue_min": "much"}, "revenue_min"),
    ("/v1/feedback", {"occurred_from": "2026-01-01T00:00:00"}, "occurred_from"),
    ("/v1/feedback", {"occurred_from": "0001-01-01T00:00:00+14:00"}, "occurred_from"),
    ("/v1/feedback", {"occurred_to": "9999-12-31T23:59:59-14:00"}, "occurred_to"),
    ("/v1/feedback", {"occurred_to": "1769860800"}, "occurred_to"),
    *[(path, {"limit": limit}, "limit") for path in ("/v1/feedback", "/v1/accounts", "/v1/queue")
      for limit in ("0", "201", "-1", "ten", "1e2", "9" * 5_000)],
    ("/v1/queue", {"assignee": NUL}, "assignee"),
    ("/v1/queue", {"team": ""}, "team"),
    ("/v1/queue", {"owner": "me"}, "owner"),
    ("/v1/feedback/not-a-uuid", {}, "feedback_id"),
    ("/v1/feedback/%00", {}, "feedback_id"),
    ("/v1/feedback/00000000-0000-0000-0000-00000000000g", {}, "feedback_id"),
    ("/v1/cases/1", {}, "case_id"),
    ("/v1/cases/%F0%9F%99%82", {}, "case_id"),
    ("/v1/accounts/a%00b", {}, "external_id"),
    ("/v1/accounts/" + "a" * 257, {}, "external_id"),
    ("/v1/accounts/", {}, "external_id"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "params", "name"), QUERIES, ids=short)
def test_a_parameter_that_does_not_fit_is_named(story, refusal, path, params, name):
    problem = refusal(story.caller("GET", path, params=params), 422)

    assert [row["pointer"] for row in problem["errors"]] == [name]


@pytest.mark.parametrize("edge", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
def test_times_at_the_edge_of_the_calendar_filter(story, edge):
    later = edge.startswith("0001")
    for path in ("/v1/feedback", "/v1/queue"):
        assert len(story.caller.get(path, occurred_from=edge).json()["items"]) == later
        assert len(story.caller.get(path, occurred_to=edge).json()["items"]) == (not later)
    found = story.caller.post("/v1/search", {"query": "crash", "filter": {"occurred_from": edge}}).json()
    assert len(found["items"]) == later


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Deadline-Ms", "0"),
        ("X-Deadline-Ms", "-1"),
        ("X-Deadline-Ms", "soon"),
        ("X-Deadline-Ms", "600001"),
        ("X-Deadline-Ms", "1e3"),
        ("X-Deadline-Ms", ""),
        ("X-Deadline-Ms", "9" * 5_000),
        ("Idempotency-Key", ""),
        ("Idempotency-Key", "a" * 257),
        ("Idempotency-Key", NUL),
    ],
)
def test_a_header_that_does_not_fit_is_named(story, refusal, name, value):
    answer = story.caller.post("/v1/feedback", {"items": [{"text": "hello"}]}, headers={name: value})

    assert [row["pointer"] for row in refusal(answer, 422)["errors"]] == [name.lower()]


def test_an_unknown_value_of_wait_is_refused(story, refusal):
    refusal(story.caller.post("/v1/feedback?wait=forever", {"items": [{"text": "hello"}]}), 422)


def test_no_refusal_repeats_what_was_sent(story, refusal):
    words = "Aino Korhonen aino@example.org"
    answers = [
        story.caller.post("/v1/score", {"items": [{"text": words * 1_000, "language": words}]}),
        story.caller.post("/v1/search", {"query": "a", "mode": words, "filter": {"kind": [words]}}),
        story.caller.post("/v1/search", {"query": "a", "cursor": words, words: 1}),
        story.caller.put("/v1/accounts/a", {"type": words * 10, "attributes": {words: {words: words}}}),
        story.caller.get("/v1/feedback", **{words: words, "sentiment": words, "revenue_min": words}),
        story.caller.get(f"/v1/feedback/{words}"),
        story.caller.get("/v1/feedback", cursor=words),
        story.caller("POST", "/v1/score", content=words, headers={"content-type": "application/json"}),
        story.caller("GET", f"/v1/{words}"),
        story.caller("GET", "/v1/queue", headers={"Authorization": f"Bearer {words}"}),
    ]

    for answer in answers:
        refusal(answer, answer.status_code)
        assert answer.status_code < 500
        assert not any(word in answer.text for word in words.split())
    item = story.caller.post(
        "/v1/feedback", {"items": [{"text": words * 1_000, "language": words, words: 1}]}
    )
    assert item.status_code == 422
    assert not any(word in item.text for word in words.split())
