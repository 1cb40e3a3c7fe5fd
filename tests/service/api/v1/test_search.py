"""Search: by words or by example, filtered inside the engine, in pages that do not shift."""

from base64 import urlsafe_b64encode

import pytest

CRASH, FOOD, LATE, CARD = (
    "the app crashes at checkout",
    "lovely food and friendly people",
    "the train was late",
    "my card was stolen please block it",
)


@pytest.fixture(scope="module")
def library(new_caller):
    """A tenant with four texts, each different in everything that can be filtered."""
    caller = new_caller()
    caller.put("/v1/accounts/big", {"type": "enterprise", "revenue": {"amount": 5_000, "currency": "EUR"}})
    caller.put("/v1/accounts/small", {"type": "free", "revenue": {"amount": 10, "currency": "EUR"}})
    stored = caller.store(
        {"text": CRASH, "channel": "email", "account_external_id": "big", "language": "en",
         "occurred_at": "2026-01-01T00:00:00Z", "metadata": {"plan": "pro", "seats": 5}},
        {"text": FOOD, "channel": "chat", "account_external_id": "small", "language": "fi",
         "occurred_at": "2026-02-01T00:00:00Z", "metadata": {"plan": "free", "seats": 5}},
        {"text": LATE, "channel": "api", "language": "de", "occurred_at": "2026-03-01T00:00:00Z",
         "metadata": {"seats": "5"}},
        {"text": CARD, "channel": "api", "language": "sv", "occurred_at": "2026-04-01T00:00:00Z"},
    )  # fmt: skip
    caller.patch(f"/v1/cases/{stored[3]['case_id']}", {"state": "closed", "version": 1})
    caller.patch(f"/v1/feedback/{stored[3]['id']}/labels", {"urgency": "critical", "sentiment": "negative"})
    caller.settle()
    caller.ids = dict(zip((CRASH, FOOD, LATE, CARD), (row["id"] for row in stored), strict=True))
    return caller


def texts(answer):
    assert answer.status_code == 200, answer.text
    return [hit["feedback"]["text"] for hit in answer.json()["items"]]


@pytest.mark.parametrize("mode", ["keyword", "hybrid"])
def test_modes_to_come_are_refused(library, refusal, mode):
    problem = refusal(library.post("/v1/search", {"query": "a", "mode": mode}), 422)

    assert problem["detail"] == f"not available yet: mode {mode}; expected semantic"


def test_a_text_like_nothing_stored_is_not_found(library, refusal):
    refusal(library.post("/v1/search", {"like_id": "0198c6b0-1f0e-7c1c-9d52-1f2d3c4b5a69"}), 404)


def test_nothing_stored_is_nothing_found(caller):
    answer = caller.post("/v1/search", {"query": "anything"}).json()

    assert answer["items"] == []
    assert answer["next_cursor"] is None
    assert set(answer["facets"]) == {"topic", "sentiment", "urgency", "language", "account_type"}
    assert not any(answer["facets"].values())


def test_the_most_similar_text_comes_first_with_its_cosine(library):
    hits = library.post("/v1/search", {"query": "crashes at checkout"}).json()["items"]

    assert hits[0]["feedback"]["text"] == CRASH
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= score <= 1 for score in scores)
    assert library.post("/v1/search", {"query": CRASH}).json()["items"][0]["score"] == pytest.approx(
        1, abs=1e-3
    )


def test_texts_like_a_stored_one_do_not_include_it(library):
    found = texts(library.post("/v1/search", {"like_id": library.ids[CRASH]}))

    assert set(found) == {FOOD, LATE, CARD}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"language": ["en"]}, {CRASH}),
        ({"language": ["fi", "de"]}, {FOOD, LATE}),
        ({"sentiment": ["positive"]}, {FOOD}),
        ({"topic": ["praise_general", "nothing"][:1], "language": ["en"]}, set()),
        ({"topic": ["bug_crash"], "channel": ["email"]}, {CRASH}),
        ({"urgency": ["critical"]}, {CARD}),
        ({"kind": ["praise"]}, {FOOD}),
        ({"account_type": ["enterprise", "free"]}, {CRASH, FOOD}),
        ({"account": ["small"]}, {FOOD}),
        ({"revenue_min": 10}, {CRASH, FOOD}),
        ({"revenue_min": 10.01}, {CRASH}),
        ({"revenue_min": 5_001}, set()),
        ({"channel": ["api"]}, {LATE, CARD}),
        ({"status": ["closed"]}, {CARD}),
        ({"status": ["open", "dismissed"]}, {CRASH, FOOD, LATE}),
        ({"occurred_from": "2026-02-01T00:00:00Z"}, {FOOD, LATE, CARD}),
        ({"occurred_to": "2026-02-01T00:00:00Z"}, {CRASH}),
        ({"occurred_from": "2026-02-01T01:00:00+01:00", "occurred_to": "2026-03-01T00:00:01Z"}, {FOOD, LATE}),
        ({"metadata": {"plan": "pro"}}, {CRASH}),
        ({"metadata": {"seats": 5}}, {CRASH, FOOD}),
        ({"metadata": {"seats": 5.0, "plan": "free"}}, {FOOD}),
        ({"metadata": {"seats": "5"}}, {LATE}),
        ({"metadata": {"plan": ""}}, set()),
        ({"complaint_id": "c1"}, set()),
        ({"complaint_id": None}, {CRASH, FOOD, LATE, CARD}),
        ({"language": [], "metadata": {}}, {CRASH, FOOD, LATE, CARD}),
    ],
)
def test_each_filter_leaves_what_satisfies_it(library, where, expected):
    found = texts(library.post("/v1/search", {"query": "anything at all", "filter": where}))

    assert set(found) == expected
    assert len(found) == len(expected)


def test_facets_count_the_filtered_texts_that_match(library):
    facets = library.post("/v1/search", {"query": CRASH}).json()["facets"]

    assert facets["topic"]["bug_crash"] == 1
    assert facets["language"] == {"en": 1}
    assert facets["account_type"] == {"enterprise": 1}
    unlike = library.post("/v1/search", {"query": CRASH, "filter": {"language": ["fi"]}}).json()
    assert len(unlike["items"]) == 1
    assert not any(unlike["facets"].values())


def test_facets_do_not_depend_on_the_page(library):
    first = library.post("/v1/search", {"query": CRASH, "limit": 1}).json()
    second = library.post("/v1/search", {"query": CRASH, "limit": 1, "cursor": first["next_cursor"]}).json()

    assert first["facets"] == second["facets"]


def test_pages_hold_every_text_once_while_better_ones_arrive(caller):
    stored = {
        row["id"] for row in caller.store(*[f"the app crashes {'again ' * place}" for place in range(13)])
    }
    seen, cursor = [], {}
    while cursor is not None:
        page = caller.post("/v1/search", {"query": "the app crashes", "limit": 3, **cursor}).json()
        seen += [hit["feedback"]["id"] for hit in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
        caller.store("the app crashes")

    assert len(seen) == len(set(seen)) == 13
    assert set(seen) == stored


def test_many_texts_alike_are_paged_each_once(caller):
    stored = {row["id"] for row in caller.store(*["the very same text"] * 25)}
    seen, cursor = [], {}
    while cursor is not None:
        page = caller.post("/v1/search", {"query": "same text", "limit": 4, **cursor}).json()
        seen += [hit["feedback"]["id"] for hit in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None

    assert sorted(seen) == sorted(stored)


def test_a_page_far_behind_the_last_is_empty(caller):
    caller.store("text")
    far = urlsafe_b64encode(b'{"as_of":"2999-01-01T00:00:00Z","offset":10000000}').decode().rstrip("=")

    assert caller.post("/v1/search", {"query": "text", "cursor": far}).json()["items"] == []
