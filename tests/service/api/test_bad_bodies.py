"""Every route that takes a body, with bodies that are none."""

import itertools

import pytest

JSON = {"content-type": "application/json"}
MEBI = 1024 * 1024
ROUTES = {
    "score": ("POST", "/v1/score", {"items": [{"text": "hello"}]}),
    "post_feedback": ("POST", "/v1/feedback", {"items": [{"text": "hello"}]}),
    "label_feedback": ("PATCH", "/v1/feedback/{feedback_id}/labels", {"urgency": "low"}),
    "put_account": ("PUT", "/v1/accounts/{external_id}", {"name": "Acme"}),
    "search": ("POST", "/v1/search", {"query": "hello"}),
    "change_case": ("PATCH", "/v1/cases/{case_id}", {"note": "seen", "version": 1}),
    "reindex": ("POST", "/v1/reindex", {"re_embed": False}),
}
NOT_JSON = {
    "empty": b"",
    "white space": b"  \n ",
    "half": b'{"items": [',
    "two documents": b"{}{}",
    "invalid UTF-8": b'{"text": "\xff\xfe"}',
    "overlong UTF-8": b'{"text": "\xc0\x80"}',
    "UTF-16": '{"items": []}'.encode("utf-16"),
    "lone surrogate": b'{"text": "\\ud800"}',
    "surrogates in UTF-8": b'{"text": "\xed\xa0\x80"}',
    "lone surrogate in a name": b'{"\\udfff": 1}',
    "NaN": b'{"value": NaN}',
    "Infinity": b'{"value": -Infinity}',
    "a number beyond float64": b'{"value": 1e999}',
    "10,000 arrays": b"[" * 10_000 + b"]" * 10_000,
    "10,000 objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "an array never closed": b"[" * MEBI,
}
NOT_AN_OBJECT = {"array": b"[]", "string": b'"text"', "number": b"12", "null": b"null", "boolean": b"true"}


@pytest.fixture(scope="module")
def shared_database_url(tmp_path_factory):
    """One kind of database is enough: no body gets that far."""
    return f"sqlite+pysqlite:///{tmp_path_factory.mktemp('database') / 'closeloop.db'}"


@pytest.fixture(params=ROUTES)
def send(request, story):
    method, template, fitting = ROUTES[request.param]

    def call(**given):
        return story.caller(method, story.path(template), **given)

    call.fitting = fitting
    return call


@pytest.mark.parametrize("body", (NOT_JSON | NOT_AN_OBJECT).values(), ids=(NOT_JSON | NOT_AN_OBJECT).keys())
def test_a_body_that_is_no_json_object_is_refused(send, refusal, body):
    problem = refusal(send(content=body, headers=JSON), 422)

    assert problem["errors"][0]["pointer"] == ""


@pytest.mark.parametrize("declared", ["text/plain", "application/x-www-form-urlencoded", "", "json", None])
def test_a_body_that_does_not_say_it_is_json_is_refused(send, refusal, declared):
    headers = {} if declared is None else {"content-type": declared}

    refusal(send(content=b"{}", headers=headers), 415)


@pytest.mark.parametrize("declared", ["application/json; charset=utf-8", "APPLICATION/JSON"])
def test_json_may_be_declared_in_any_spelling(send, declared):
    assert send(content=b"[]", headers={"content-type": declared}).status_code == 422


def test_a_body_above_four_mebibytes_is_refused_whether_its_length_is_declared_or_not(send, refusal):
    refusal(send(content=b" " * (4 * MEBI + 1), headers=JSON), 413)
    refusal(send(content=itertools.repeat(b" " * MEBI, 5), headers=JSON), 413)


def test_an_unknown_field_is_refused_and_its_name_not_repeated_when_it_looks_like_words(send, refusal):
    problem = refusal(send(json={**send.fitting, "surprise": 1}), 422)
    assert [row["pointer"] for row in problem["errors"]] == ["/surprise"]

    problem = refusal(send(json={**send.fitting, "My name is Aino": 1}), 422)
    assert [row["pointer"] for row in problem["errors"]] == ["/…"]


def test_a_body_with_very_many_unknown_fields_is_answered_briefly(send, refusal):
    answer = send(json={**send.fitting, **{f"field{place}": place for place in range(100_000)}})

    refusal(answer, 422)
    assert len(answer.content) < 1_000


@pytest.mark.parametrize("route", ["score", "post_feedback"])
def test_a_list_of_a_million_wrong_items_is_refused_before_it_is_read(story, refusal, route):
    method, template, _ = ROUTES[route]
    body = b'{"items":[' + b"1," * 999_999 + b"1]}"

    problem = refusal(story.caller(method, template, content=body, headers=JSON), 413)

    assert problem["detail"] == "expected at most 256 items, got 1000000"


@pytest.mark.parametrize(
    ("count", "characters", "status"),
    [(256, 1, 200), (257, 1, 413), (10, 20_000, 200), (11, 18_200, 413)],
)
def test_a_request_holds_256_items_and_200000_characters(story, refusal, count, characters, status):
    items = [{"text": "a" * characters}] * count
    for path in ("/v1/score", "/v1/feedback"):
        answer = story.caller.post(path, {"items": items})
        if status == 413:
            refusal(answer, 413)
        else:
            assert answer.status_code in {200, 201}
