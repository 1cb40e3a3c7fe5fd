"""Refits as the service runs them: a process of its own, killed and gone on, while the API answers."""

# ruff: noqa: S603  (this interpreter, with a module of ours)

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.complaints.refits import Asked, request_refit
from service.jobs import process
from service.jobs.durable import DurableJobs
from service.jobs.process import ProcessEndedError, StoppedError, meaning, run_process
from service.jobs.schedules import ask_for_due_refits, watch_all
from service.settings import Settings
from service.store.database import Database
from service.store.records import ComplaintRefit, new_id

PATIENCE = 120.0
pytestmark = pytest.mark.slow  # BERTopic is imported in several processes

TEXTS = ("the app crashes at checkout error", "charged twice for the same invoice")


@pytest.fixture
def served(memory_folder, parts, database_url, languages):
    """Start services on one database, one after the other, with the jobs that run for real."""
    running = []

    def start():
        settings = Settings(
            auth="off",
            data_dir=memory_folder,
            database_url=database_url,
            refit_schedule="off",
            refit_threads=1,
        )
        client = TestClient(create_app(settings, replace(parts, jobs=None)), raise_server_exceptions=False)
        client.__enter__()
        running.append(client)
        return client

    def stop(client):
        running.remove(client)
        client.__exit__(None, None, None)

    yield start, stop
    for client in running:
        stop(client)


def fill(client):
    rows = [
        {"text": f"{text} number{place}", "author": {"external_id": f"{text}{place}"}}
        for text in TEXTS
        for place in range(5)
    ]
    assert client.post("/v1/feedback", json={"items": rows}).status_code == 201


def until(client, refit_id, *states):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        told = client.get(f"/v1/complaints/refits/{refit_id}").json()
        if told["state"] in states:
            return told
        time.sleep(0.05)
    raise AssertionError(f"still {told}")


def child(refit_id):
    """Return the process that runs this refit."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for words in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # one that ended meanwhile
                told = words.read_bytes().split(b"\0")
                if str(refit_id).encode() in told and process.PROCESS.encode() in told:
                    return int(words.parent.name)
        time.sleep(0.02)
    raise AssertionError("no process runs it")


def test_the_process_of_a_refit_is_killed_and_begins_again_while_the_api_answers(served):
    start, _stop = served
    client = start()
    fill(client)
    asked = client.post("/v1/complaints/refit").json()
    assert client.post("/v1/complaints/refit").json()["id"] == asked["id"]
    os.kill(child(asked["id"]), signal.SIGKILL)

    slowest = 0.0
    while client.get(f"/v1/complaints/refits/{asked['id']}").json()["state"] in {"queued", "running"}:
        began = time.monotonic()
        assert client.get("/v1/queue").status_code == 200
        assert client.post("/v1/feedback", json={"items": [{"text": TEXTS[0]}]}).status_code == 201
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.2)
        assert time.monotonic() < began + PATIENCE

    done = until(client, asked["id"], "done", "failed")
    assert done["state"] == "done", done
    assert done["complaints"] == 2
    assert slowest < 5
    # What came meanwhile is counted where it is.
    for complaint in client.get("/v1/complaints").json()["items"]:
        members = client.get("/v1/feedback", params={"complaint_id": complaint["id"], "limit": 200}).json()
        assert complaint["size"] == len(members["items"])
    assert client.get("/readyz").json()["checks"]["jobs"]["ok"]


def test_a_refit_goes_on_at_the_next_start_after_the_service_ended_in_its_midst(served):
    start, stop = served
    client = start()
    fill(client)
    asked = client.post("/v1/complaints/refit").json()
    pid = child(asked["id"])
    stop(client)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)

    again = start()
    assert until(again, asked["id"], "done", "failed")["state"] == "done"
    assert again.get("/v1/complaints").json()["items"]


def test_a_refit_that_fails_each_time_is_given_up_with_its_reason(served, monkeypatch):
    monkeypatch.setattr(process, "PROCESS", "service.no_such_module")
    monkeypatch.setattr("service.jobs.durable.RETRY_SECONDS", 0.05)
    start, _stop = served
    client = start()
    asked = client.post("/v1/complaints/refit").json()

    told = until(client, asked["id"], "failed")
    assert told["error"] == "the process ended with code 1; its log says why"
    assert client.post("/v1/complaints/refit").json()["id"] != asked["id"]


def test_the_process_ends_when_whoever_started_it_is_gone(memory_folder, database_url):
    settings = Settings(data_dir=memory_folder, database_url=database_url)
    command = [sys.executable, "-m", process.PROCESS, str(new_id()), "space"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=process.environment(settings)) as started:
        started.stdin.close()
        assert started.wait(PATIENCE) != 0


def test_stopping_kills_the_process_and_is_no_failure(memory_folder, database_url):
    settings = Settings(data_dir=memory_folder, database_url=database_url)
    stopping = threading.Event()
    threading.Timer(0.5, stopping.set).start()
    with pytest.raises(StoppedError):
        run_process(settings, str(new_id()), "space", stopping)
    assert not issubclass(StoppedError, Exception)


def test_a_process_that_cannot_work_says_so(memory_folder):
    settings = Settings(data_dir=memory_folder, database_url="sqlite+pysqlite:////nowhere/at/all.db")
    with pytest.raises(ProcessEndedError, match="code 1"):
        run_process(settings, str(new_id()), "space", threading.Event())


@pytest.mark.parametrize(
    ("code", "words"), [(-9, "out of memory"), (-15, "signal 15"), (3, "people"), (1, "1")]
)
def test_an_exit_code_is_told_in_words(code, words):
    assert words in meaning(code)


@pytest.mark.parametrize("schedule", ["", "daily", "* * *", "61 * * * *", "0 3 * * * *"])
def test_a_schedule_that_is_none_is_refused(schedule):
    with pytest.raises(ValueError, match="cron"):
        Settings(refit_schedule=schedule or "never")


def test_schedules_ask_for_tenants_with_something_new_and_watch_everybody(client):
    fill(client)
    state = client.app.state.closeloop
    assert ask_for_due_refits(state.database) == 1
    assert ask_for_due_refits(state.database) == 1  # the same one: it still waits
    (refit,) = client.get("/v1/complaints/refits").json()["items"]
    assert (refit["reason"], refit["state"], refit["requested_by"]) == ("schedule", "queued", "schedule")
    watch_all(state.database)


def test_jobs_on_a_database_that_is_away_stay_alive_and_stop_at_once(memory_folder):
    settings = Settings(data_dir=memory_folder, database_url="postgresql://nobody@127.0.0.1:1/x")
    jobs = DurableJobs(settings, Database(settings.sqlalchemy_url()), space="space")
    jobs.start()
    time.sleep(0.3)
    assert jobs.is_alive
    began = time.monotonic()
    jobs.stop()
    assert time.monotonic() - began < 10


def test_a_refit_whose_job_ended_without_a_result_is_told_as_failed(client):
    state = client.app.state.closeloop
    with state.database.write() as session:
        refit = request_refit(session, state.default_tenant, Asked(by="t", reason="demand"))[0]
    jobs = DurableJobs(state.settings, state.database, space=state.model.space)
    jobs._handed_on = {refit.id}
    jobs._refit = lambda _refit_id: None
    jobs._is_over = lambda _refit_id: True
    jobs._hand_on()
    with state.database.read() as session:
        assert session.get_one(ComplaintRefit, refit.id).state == "failed"
