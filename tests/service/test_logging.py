"""What is logged, and above all what is not: a customer's words."""

import io
import json
import logging
import sys
from dataclasses import replace

import pytest
import structlog
from sqlalchemy import text

from models.encoder.hashing import HashingEncoder
from service.errors import ConflictError
from service.logging import configure
from service.store.vectors import EdgeIndex

WORDS = ("Korhonen", "Aino", "korhonen@example.org", "Hämeentie", "salaisuus", "Nokia-Tampere", "rakkaudella")
TEXT = "Aino Korhonen, Hämeentie 5: salaisuus, the app crashes at checkout"
ITEM = {
    "text": TEXT,
    "external_id": "ticket-Korhonen",
    "author": {"name": "Aino Korhonen", "email": "korhonen@example.org", "external_id": "Korhonen-1"},
    "account_external_id": "Nokia-Tampere",
    "metadata": {"signed": "rakkaudella Aino"},
}


class Log:
    """What was logged, read line by line."""

    def __init__(self):
        self.stream = io.StringIO()
        self.configure("json")

    def configure(self, form):
        configure(form)
        logging.getLogger().handlers[0].setStream(self.stream)

    def text(self):
        seen = self.stream.getvalue()
        self.stream.truncate(0)
        self.stream.seek(0)
        return seen

    def __call__(self):
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def logged():
    """Log as the service does."""
    root = logging.getLogger()
    before = root.handlers, root.level
    yield Log()
    root.handlers, level = before
    root.setLevel(level)
    logging.getLogger("uvicorn.access").disabled = False
    structlog.reset_defaults()


class FailingEncoder(HashingEncoder):
    """Cannot read one word, and says so with the whole text."""

    def encode(self, texts):
        for given in texts:
            if "unreadable" in given:
                raise ValueError(f"cannot read {given}")
        return super().encode(texts)


class LoudIndex:
    """The engine in process, which can be told to fail with all it knows."""

    def __init__(self, engine):
        self.engine = engine
        self.loud = False

    def __getattr__(self, name):
        method = getattr(self.engine, name)

        async def call(*args, **kwargs):
            if self.loud and name not in {"close", "ping"}:
                raise ValueError(f"{name}: {args} {kwargs} {TEXT}")
            return await method(*args, **kwargs)

        return call


@pytest.fixture
def index(memory_folder, hashing_encoder):
    space, dimensions = hashing_encoder.space, hashing_encoder.dimensions
    return LoudIndex(EdgeIndex(memory_folder, space=space, dimensions=dimensions))


@pytest.fixture
def app(logged, serve, parts, index):
    return serve(replace(parts, index=index, encoder=FailingEncoder()))


def tell_the_whole_story(app, index):
    """Send a customer's words everywhere they can go, also where they break things; return the statuses."""
    stored = app.post("/v1/feedback?wait=indexed", json={"items": [ITEM, {"text": " "}]}).json()["items"][0]
    path, case = f"/v1/feedback/{stored['id']}", f"/v1/cases/{stored['case_id']}"
    update = {**ITEM, "text": TEXT + " again", "update": True}
    send = [
        ("POST", "/v1/feedback", {"json": {"items": [ITEM]}, "headers": {"Idempotency-Key": "Korhonen"}}),
        ("POST", "/v1/feedback", {"json": {"items": [{**ITEM, "text": "Korhonen"}]}}),
        ("POST", "/v1/feedback", {"json": {"items": [update]}}),
        ("POST", "/v1/feedback", {"json": {"items": [{"text": TEXT * 400, "Aino": 1}]}}),
        ("POST", "/v1/feedback", {"json": {"items": [{"text": TEXT + " unreadable"}]}}),
        ("POST", "/v1/feedback", {"content": TEXT.encode("latin-1")}),
        ("POST", "/v1/score", {"json": {"items": [{"text": TEXT}]}}),
        ("POST", "/v1/score", {"json": {"items": [{"text": TEXT + " unreadable"}]}}),
        ("PUT", "/v1/accounts/Nokia-Tampere", {"json": {"name": "Korhonen", "stage": "rakkaudella"}}),
        ("GET", "/v1/accounts/Nokia-Tampere/Korhonen", {}),
        ("GET", "/v1/feedback", {"params": {"account": "Nokia-Tampere", "salaisuus": "Aino"}}),
        ("GET", "/v1/Korhonen", {"params": {"q": TEXT}, "headers": {"Authorization": "Bearer Korhonen"}}),
        ("GET", path, {"headers": {"Authorization": "Bearer cl_Korhonen_Aino"}}),
        ("GET", path, {"headers": {"User-Agent": "Korhonen", "Cookie": "name=Aino"}}),
        ("PATCH", path + "/labels", {"json": {"urgency": "critical", "reason": "Korhonen said salaisuus"}}),
        ("PATCH", case, {"json": {"note": "called Korhonen", "assignee": "Aino", "version": 1}}),
        ("POST", "/v1/search", {"json": {"query": TEXT, "filter": {"metadata": {"signed": "Aino"}}}}),
    ]
    statuses = [app.request(method, to, **given).status_code for method, to, given in send]
    index.loud = True
    statuses.append(app.post("/v1/search", json={"query": TEXT}).status_code)
    statuses.append(app.post("/v1/feedback", json={"items": [{"text": TEXT}]}).status_code)
    index.loud = False
    database = app.app.state.closeloop.database
    with database.write() as session:
        session.execute(text("DROP TABLE label_events"))
    statuses.append(
        app.patch(path + "/labels", json={"urgency": "low", "reason": "Korhonen, salaisuus"}).status_code
    )
    return statuses


def test_no_line_of_a_whole_story_with_its_errors_holds_a_customers_words(app, index, logged):
    statuses = tell_the_whole_story(app, index)

    assert {200, 201, 401, 404, 409, 422, 500} - {409} <= set(statuses)
    lines = logged()
    everything = json.dumps(lines, ensure_ascii=False)
    assert not [word for word in WORDS if word in everything]
    events = [line["event"] for line in lines]
    assert events.count("request") == len(statuses) + 1
    assert {"scoring_failed", "request_failed"} <= set(events)


def test_an_unexpected_failure_is_answered_without_an_inside_view_and_logged_with_a_traceback(
    app, index, logged, refusal
):
    index.loud = True
    answer = app.post("/v1/search", json={"query": TEXT}, headers={"X-Request-Id": "my-request"})

    problem = refusal(answer, 500)
    assert not [word for word in WORDS if word in answer.text]
    assert "ValueError" not in answer.text
    assert problem["title"] == "Internal error"
    failed = next(line for line in logged() if line["event"] == "request_failed")
    assert failed["request_id"] == answer.headers["x-request-id"] == "my-request"
    assert failed["level"] == "error"
    assert "service/search.py" in failed["exception"]
    assert failed["exception"].endswith("builtins.ValueError")


def test_each_request_is_one_line(app, logged):
    logged()
    app.get("/v1/feedback/0198c6b0-1f0e-7c1c-9d52-1f2d3c4b5a69", headers={"X-Request-Id": "a-b"})
    app.request("BREW", "/v1/coffee")

    lines = [line for line in logged() if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/v1/feedback/{feedback_id}", 404),
        ("other", "unmatched", 404),
    ]
    assert lines[0]["request_id"] == "a-b"
    assert lines[0]["milliseconds"] > 0
    assert lines[0]["timestamp"].endswith("Z")


def broken_by(words):
    try:
        {}[words]
    except KeyError as error:
        raise ConflictError("expected version 2, got 1") from error


def test_messages_of_own_errors_are_logged_and_those_of_others_are_not(logged):
    try:
        broken_by(WORDS[0])
    except ConflictError:
        structlog.get_logger().exception("it_broke")
        logging.getLogger("another.package").exception("it broke")

    own, foreign = logged()
    assert own["exception"].splitlines()[-1] == "service.errors.ConflictError: expected version 2, got 1"
    assert "builtins.KeyError\nfrom which came:" in own["exception"]
    assert foreign["exception"] == own["exception"]
    assert WORDS[0] not in str([own, foreign])


def test_an_error_without_a_traceback_and_a_line_without_an_error_are_logged(logged):
    log = structlog.get_logger()
    log.error("it_broke", exc_info=ValueError(WORDS[0]))
    log.info("it_works", exc_info=False)
    log.error("nothing_there", exc_info=True)  # noqa: LOG014  a slip of the pen must not break the log

    broke, works, nothing = logged()
    assert broke["exception"] == "builtins.ValueError"
    assert "exception" not in works
    assert "exception" not in nothing


def test_a_console_shows_the_same_without_words(logged):
    logged.configure("console")
    try:
        broken_by(WORDS[0])
    except ConflictError:
        structlog.get_logger().exception("it_broke")

    shown = logged.text()
    assert "it_broke" in shown
    assert "builtins.KeyError" in shown
    assert WORDS[0] not in shown


@pytest.mark.parametrize(("terminal", "is_json"), [(True, False), (False, True)])
def test_the_form_follows_the_terminal(logged, monkeypatch, terminal, is_json):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    logged.configure("auto")
    structlog.get_logger().info("hello")

    assert logged.text().startswith("{") == is_json
