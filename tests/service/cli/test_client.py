import httpx
import pytest

from service.cli.client import Client
from service.cli.errors import CliError, NoAnswerError, NoServiceError, ProblemError
from service.cli.settings import ClientSettings


def problem(status, **members):
    body = {"type": "about:blank", "title": "Refused", "status": status, "detail": "why", **members}
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json"})


def test_nobody_listens_names_the_command_that_starts_the_service(free_port):
    url = f"http://127.0.0.1:{free_port}"
    with (
        Client(ClientSettings(url=url)) as client,
        pytest.raises(NoServiceError, match=f"^no service at {url}; start it with `closeloop serve`$"),
    ):
        client.get("/livez")


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://here", "http://", "http://a:b", ""])
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url):
    with pytest.raises(CliError, match="expected CLOSELOOP_URL to be like http://"):
        Client(ClientSettings(url=url))


def test_a_key_that_cannot_be_in_a_header_is_refused():
    with pytest.raises(CliError, match="expected CLOSELOOP_KEY to be a key"):
        Client(ClientSettings(url="http://here", key="ключ"))


def test_a_problem_document_becomes_one_line_with_its_fields(talk):
    errors = [{"pointer": f"/items/{i}", "detail": "too\nlong"} for i in range(9)]
    with pytest.raises(ProblemError) as caught:
        talk(lambda _: problem(422, errors=errors)).post("/v1/score", {})
    expected = "Refused: /items/0: too long; /items/1: too long; /items/2: too long (HTTP 422)"
    assert str(caught.value) == expected
    assert caught.value.status == 422


def test_a_refused_key_tells_where_keys_come_from(talk):
    with pytest.raises(ProblemError, match="set CLOSELOOP_KEY to a key made by `closeloop keys create`"):
        talk(lambda _: problem(401)).get("/v1/queue")


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("soon", None), (None, None)])
def test_retry_after_is_kept(talk, header, seconds):
    def answer(_):
        refused = problem(503)
        if header:
            refused.headers["retry-after"] = header
        return refused

    with pytest.raises(ProblemError) as caught:
        talk(answer).get("/v1/queue")
    assert caught.value.retry_after_seconds == seconds


@pytest.mark.parametrize("body", ["<html>", "[]", '{"detail":"Not Found"}'])
def test_another_server_at_the_address_is_told_apart(talk, body):
    def answer(_):
        return httpx.Response(404, text=body, headers={"content-type": "text/html"})

    with pytest.raises(
        ProblemError, match=r"expected Closeloop at .*, got another answer: HTTP 404, text/html"
    ):
        talk(answer).get("/v1/queue")


def test_a_success_that_is_no_json_object_is_an_error(talk):
    with pytest.raises(CliError, match="expected a JSON object from"):
        talk(lambda _: httpx.Response(200, text="<html>")).get("/v1/queue")


def test_a_broken_connection_and_a_late_answer_are_told_apart_from_no_service(talk):
    def answer(request):
        raise httpx.ReadTimeout("", request=request)

    with pytest.raises(NoAnswerError, match="gave no answer: ReadTimeout"):
        talk(answer).get("/v1/queue")


def test_an_answer_in_pieces_that_breaks_off_is_an_error_not_an_end(talk):
    def pieces():
        yield b"one\n"
        raise httpx.RemoteProtocolError("peer closed connection")

    read = talk(lambda _: httpx.Response(200, content=pieces())).chunks("/v1/corrections/export")

    assert next(read) == b"one\n"
    with pytest.raises(NoAnswerError, match="gave no answer: peer closed connection"):
        next(read)


def test_a_refusal_in_place_of_pieces_is_told(talk):
    with pytest.raises(ProblemError, match="Refused: why"):
        list(talk(lambda _: problem(403)).chunks("/v1/corrections/export"))


def test_text_that_is_not_utf_8_is_refused(talk):
    with pytest.raises(CliError, match="expected text in UTF-8"):
        talk(lambda _: httpx.Response(200, json={})).post("/v1/score", {"text": "\udcff"})


def test_key_deadline_and_query_reach_the_service(talk):
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(200, json={})

    client = talk(answer, key="cl_ab_cd")
    client.get("/v1/queue", {"language": ["de", "fi"], "team": None})
    client.post("/v1/score", {"items": []}, deadline_seconds=2.5)
    assert [request.headers["authorization"] for request in seen] == ["Bearer cl_ab_cd"] * 2
    assert str(seen[0].url.query, "ascii") == "language=de&language=fi"
    assert seen[1].headers["x-deadline-ms"] == "2500"
    assert "x-deadline-ms" not in seen[0].headers
