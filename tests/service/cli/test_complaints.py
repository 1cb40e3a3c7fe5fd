"""`closeloop complaints`: shown well, and every act of the API from a terminal."""

import json
import threading

import pytest

from service.complaints.refits import queued
from service.complaints.refitting import run_refit

TEXTS = {
    "crash": "the app crashes at checkout error after the update",
    "twice": "charged twice for the same invoice",
}


@pytest.fixture
def jobs(running, hashing_encoder):
    """Run refits that are asked for, in a thread of the test."""
    ended = threading.Event()

    def run():
        while not ended.wait(0.05):
            with running.database.read() as session:
                asked = queued(session)
            for refit_id in asked:
                run_refit(running.database, refit_id, space=hashing_encoder.space)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    ended.set()
    thread.join()


@pytest.fixture
def found(closeloop, jobs, tmp_path):
    """A tenant with two complaints of five texts each; ids by matter."""
    rows = [
        {"text": f"{text} number{place}", "author": {"external_id": f"{matter}{place}"}}
        for matter, text in TEXTS.items()
        for place in range(5)
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert closeloop("import", "in.jsonl").exit_code == 0
    told = closeloop("complaints", "refit")
    assert "2 complaints among 10 texts that need fixing, 0 texts open" in told.stdout
    listed = json.loads(closeloop("complaints", "list", "--json").stdout)["items"]
    return {"crash" if "crash" in row["title"] else "twice": row["id"] for row in listed}


def texts_of(closeloop, complaint):
    answer = json.loads(closeloop("queue", "--complaint-id", complaint, "--json").stdout)
    return [row["feedback"]["id"] for row in answer["items"]]


def test_before_a_refit_it_says_how_to_get_complaints(closeloop):
    assert "complaints refit` looks for them" in closeloop("complaints", "list").stdout


def test_an_id_that_fits_none_or_several_is_told(closeloop, found):
    assert "no complaint begins with 'zz'" in closeloop.refused("complaints", "show", "zz")
    assert "2 complaints begin with ''" in closeloop.refused("complaints", "show", "")


def test_what_cannot_be_done_is_told_in_one_line(closeloop, found):
    crash = found["crash"]
    assert "expected a title, --owner or --notes" in closeloop.refused("complaints", "rename", crash)
    assert "got the same" in closeloop.refused("complaints", "merge", crash, crash)
    assert "its language first" in closeloop.refused(
        "complaints", "close", crash, "--note", "x", "--message", "no language"
    )
    assert "no complaint" in closeloop.refused("complaints", "show", "0" * 20)


def test_the_list_and_one_complaint_are_shown(closeloop, found):
    listed = closeloop("complaints", "list").stdout
    assert "Customers" in listed
    assert found["crash"][:8] in listed

    shown = closeloop("complaints", "show", found["crash"][:6]).stdout
    assert "5 texts of 5 customers" in shown
    assert "Texts that cover it" in shown
    assert "born: 5 texts" in shown
    document = json.loads(closeloop("complaints", "show", found["crash"], "--json").stdout)
    assert document["size"] == 5


def test_every_act_is_done_and_told(closeloop, found):
    crash, twice = found["crash"], found["twice"]
    named = closeloop("complaints", "rename", crash, "Crashes", "--owner", "aino").stdout
    assert "Crashes" in named
    assert "owner: aino" in closeloop("complaints", "list").stdout
    assert "in no complaint" in closeloop("complaints", "move", texts_of(closeloop, crash)[0]).stdout
    two = texts_of(closeloop, crash)[:2]
    split = json.loads(closeloop("complaints", "split", crash, *two, "--title", "Half", "--json").stdout)
    assert (split["title"], split["size"]) == ("Half", 2)
    moved = closeloop("complaints", "move", texts_of(closeloop, twice)[0], "--to", split["id"]).stdout
    assert "Half" in moved
    merged = closeloop("complaints", "merge", split["id"], crash).stdout
    assert "5 texts now" in merged
    closed = closeloop("complaints", "close", crash, "--note", "done", "--message", "en=Put right.").stdout
    assert "closed 5 cases; 5 notices wait to be sent" in closed
    assert "dissolved" in closeloop("complaints", "dissolve", twice).stdout
    assert "closed" in closeloop("complaints", "list", "--status", "closed").stdout


def test_not_waiting_returns_at_once(closeloop):
    assert "is queued" in closeloop("complaints", "refit", "--no-wait").stdout
