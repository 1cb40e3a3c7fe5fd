"""Around every request: an id, a bound, one line, metrics; also when it fails or nobody waits."""

import asyncio

import pytest
from starlette.requests import ClientDisconnect

from service.metrics import Metrics
from service.middleware import BODY_BYTES_MAX, RequestMiddleware


@pytest.fixture(scope="module")
def shared_database_url(tmp_path_factory):
    """One kind of database is enough."""
    return f"sqlite+pysqlite:///{tmp_path_factory.mktemp('database') / 'closeloop.db'}"


@pytest.mark.parametrize("given", ["a", "0198c6b0-1f0e-7c1c-9d52-1f2d3c4b5a69", "a b!~", "x" * 128])
def test_a_printable_request_id_is_echoed(running, given):
    assert running.get("/livez", headers={"X-Request-Id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize(
    "given", ["", "x" * 129, b"line\nbreak", b"\x1b[31mred", "nul\x00", "ü".encode(), "tab\there", b"\xff"]
)
def test_another_request_id_is_replaced(running, given):
    echoed = running.get("/livez", headers={"X-Request-Id": given}).headers["x-request-id"]

    assert len(echoed) == 32
    int(echoed, 16)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/feedback/a/b/c", 404),
        ("POST", "/livez", 405),
        ("PUT", "/v1/feedback", 405),
        ("DELETE", "/v1/search", 405),
        ("BREW", "/v1/score", 405),
        ("OPTIONS", "/v1/queue", 405),
        ("HEAD", "/v1/queue", 405),
    ],
)
def test_unknown_paths_and_methods_are_problems_with_an_id(running, refusal, method, path, status):
    answer = running.request(method, path, headers={"X-Request-Id": "mine"})

    if method != "HEAD":
        refusal(answer, status)
    assert answer.status_code == status
    assert answer.headers["x-request-id"] == "mine"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/livez", "GET"),
        ("/v1/score", "POST"),
        ("/v1/feedback", "GET, POST"),
        ("/v1/feedback/x", "DELETE, GET"),
        ("/v1/feedback/x/labels", "PATCH"),
        ("/v1/accounts/a/b", "GET, PUT"),
        ("/v1/cases/x", "GET, PATCH"),
        ("/v1/reindex", "GET, POST"),
    ],
)
def test_a_wrong_method_is_told_all_that_the_path_allows(running, refusal, path, allowed):
    answer = running.request("OPTIONS", path)

    assert answer.headers["allow"] == allowed
    assert refusal(answer, 405)["detail"] == (
        f"expected {allowed.replace(', ', ' or ')} on this path, got another method"
    )


async def send(app, *, chunks=(b"",), headers=(), metrics=None, method="POST"):
    """Speak ASGI to an application inside the middleware; return status, headers and body."""
    scope = {
        "type": "http",
        "method": method,
        "path": "/",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    sent = []
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages[-1]["more_body"] = False

    async def receive():
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def keep(message):
        sent.append(message)

    await RequestMiddleware(app, metrics=metrics or Metrics())(scope, receive, keep)
    return sent


async def reads(scope, receive, send):
    """Read the whole body, answer nothing."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.anyio
@pytest.mark.parametrize("declared", ["4194305", "9" * 25, "9" * 5_000])
async def test_a_body_declared_too_long_is_refused_unread(declared):
    async def app(*_):
        raise AssertionError("asked for nothing")

    sent = await send(app, headers=[("content-length", declared)])

    assert sent[0]["status"] == 413


@pytest.mark.anyio
@pytest.mark.parametrize("declared", ["4194304", "", "-1", "many", "1.5", "²"])
async def test_a_body_declared_within_bounds_or_not_understandably_is_read(declared):
    headers = [("content-length", declared)] if declared.isascii() else [("content-length", "x")]
    sent = await send(reads, headers=headers)

    assert sent[0]["status"] == 204


@pytest.mark.anyio
async def test_a_body_that_lies_about_its_length_is_cut_off():
    half = b"x" * (BODY_BYTES_MAX // 2)

    assert (await send(reads, chunks=[half, half]))[0]["status"] == 204
    sent = await send(reads, chunks=[half, half, b"x"], headers=[("content-length", "5")])

    assert sent[0]["status"] == 413
    assert (b"content-type", b"application/problem+json") in sent[0]["headers"]


@pytest.mark.anyio
async def test_a_failure_is_answered_with_the_request_id():
    async def fails(*_):
        raise KeyError("secret")

    sent = await send(fails, headers=[("x-request-id", "mine")])

    assert sent[0]["status"] == 500
    assert (b"x-request-id", b"mine") in sent[0]["headers"]
    assert b"secret" not in sent[1]["body"]


@pytest.mark.anyio
async def test_a_failure_in_the_middle_of_an_answer_cuts_it_off():
    async def fails(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise KeyError("secret")

    with pytest.raises(KeyError):
        await send(fails)


@pytest.mark.anyio
@pytest.mark.parametrize("error", [ClientDisconnect, asyncio.CancelledError])
async def test_a_caller_who_left_is_counted_as_that(error):
    async def app(*_):
        raise error

    metrics = Metrics()
    if error is ClientDisconnect:
        assert await send(app, metrics=metrics) == []
    else:
        with pytest.raises(asyncio.CancelledError):
            await send(app, metrics=metrics)

    labels = {"method": "POST", "route": "unmatched", "status": "499"}
    assert metrics.registry.get_sample_value("closeloop_requests_total", labels) == 1


@pytest.mark.anyio
async def test_what_is_no_http_passes_untouched():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    await RequestMiddleware(app, metrics=Metrics())({"type": "lifespan"}, None, None)

    assert seen == ["lifespan"]


def test_requests_are_counted_by_method_route_and_status_and_by_nothing_a_caller_can_invent(running, caller):
    def counted(method, route, status):
        labels = {"method": method, "route": route, "status": status}
        return caller.state.metrics.registry.get_sample_value("closeloop_requests_total", labels) or 0

    rows = [
        ("GET", "/v1/feedback/{feedback_id}", "404"),
        ("GET", "/v1/queue", "200"),
        ("other", "unmatched", "404"),
    ]
    before = [counted(*row) for row in rows]

    for place in range(3):
        caller.get(f"/v1/feedback/00000000-0000-0000-0000-00000000000{place}")
        caller.get("/v1/queue")
        caller(f"METHOD{place}", f"/path{place}")

    assert [counted(*row) for row in rows] == [number + 3 for number in before]
    shown = running.get("/metrics")
    assert shown.headers["content-type"].startswith("text/plain")
    assert 'closeloop_request_seconds_count{method="GET",route="/v1/queue"}' in shown.text
    assert "METHOD" not in shown.text
    assert "/path" not in shown.text
