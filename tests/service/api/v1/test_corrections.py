"""The export of corrections: what holds by a person's word, a line a text, oldest first."""

import json
from datetime import UTC, datetime, timedelta

import pytest

TEXTS = ("see you at the match tonight", 'die App stürzt ab\n"beim" Bezahlen 😀\u2028', "the train was late")
FIELDS = ("sentiment", "urgency", "topics")
SCOPES = ("score", "read", "write", "train", "admin")
PATH = "/v1/corrections/export"


@pytest.fixture
def caller(new_caller):
    return new_caller(*SCOPES)


@pytest.fixture
def ids(caller):
    return [row["id"] for row in caller.store(*TEXTS)]


@pytest.fixture
def label(caller):
    def label(feedback_id, **body):
        answer = caller.patch(f"/v1/feedback/{feedback_id}/labels", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return label


def export(caller, **given):
    answer = caller.get(PATH, **given)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/jsonl"
    assert answer.text == "" or answer.text.endswith("\n")
    return [json.loads(line) for line in answer.content.split(b"\n")[:-1]]


@pytest.mark.parametrize("since", ["yesterday", "2026-01-31", "2026-01-31T12:00:00", "", "9999999999"])
def test_a_since_that_is_no_time_is_refused(caller, refusal, since):
    problem = refusal(caller.get(PATH, since=since), 422)

    assert problem["errors"][0]["pointer"] == "since"


def test_an_unknown_parameter_is_refused(caller, refusal):
    refusal(caller.get(PATH, limit=5), 422)


def test_without_corrections_the_export_is_empty(caller, ids):
    assert export(caller) == []


def test_a_line_has_the_labels_that_hold_by_a_persons_word_and_no_others(caller, ids, label):
    before = caller.get(f"/v1/feedback/{ids[1]}").json()
    after = label(ids[1], urgency="high", topics=["bug_crash", "billing_payment"])

    assert export(caller) == [
        {
            "id": ids[1],
            "version": 1,
            "text": TEXTS[1],
            "language": before["language"],
            "urgency": "high",
            "topics": ["bug_crash", "billing_payment"],
            "by": f"{caller.tenant} key",
            "at": after["labels"][-1]["at"],
            "model_revision": "2026.1.1-test",
            "previous": {"urgency": before["urgency"], "topics": before["topics"]},
        }
    ]


def test_what_was_undone_is_not_there(caller, ids, label):
    label(ids[0], urgency="high", sentiment="negative")
    label(ids[1], urgency="high")
    label(ids[0], undo="urgency")
    label(ids[1], undo="urgency")

    line = export(caller)[0]
    assert (line["id"], line["sentiment"]) == (ids[0], "negative")
    assert "urgency" not in line
    assert set(line["previous"]) == {"sentiment"}
    assert len(export(caller)) == 1


def test_an_undo_that_brings_an_earlier_label_back_brings_it_into_the_line(caller, ids, label):
    model = caller.get(f"/v1/feedback/{ids[0]}").json()["urgency"]
    label(ids[0], urgency="critical")
    label(ids[0], urgency="high")
    assert (export(caller)[0]["urgency"], export(caller)[0]["previous"]) == ("high", {"urgency": "critical"})

    after = label(ids[0], undo="urgency")

    line = export(caller)[0]
    assert (line["urgency"], line["previous"]) == ("critical", {"urgency": model})
    assert line["at"] == after["labels"][-1]["at"]


@pytest.fixture
def update(caller):
    """Store a text under one key, or change it there; return its id."""

    def update(text, **given):
        return caller.store({"text": text, "external_id": "1", "update": True, **given})[0]["id"]

    return update


def test_a_label_is_told_with_the_words_it_was_given_on_not_with_those_that_came_later(caller, update, label):
    feedback_id = update("die App stürzt ab", language="de")
    label(feedback_id, urgency="high")
    before = export(caller)
    update("thank you, great service", language="en")
    update("thank you, great service again")

    assert export(caller) == before
    line = before[0]
    assert (line["version"], line["text"], line["language"]) == (1, "die App stürzt ab", "de")
    assert line["model_revision"] == "2026.1.1-test"


def test_labels_given_on_several_versions_are_a_line_each_oldest_first(caller, update, label):
    feedback_id = update("the train was late")
    label(feedback_id, urgency="high", topics=["bug_crash"])
    update("lovely food")
    label(feedback_id, sentiment="negative")
    update("see you at the match tonight")
    after = label(feedback_id, topics=["other"])

    lines = export(caller)
    told = [{key: line[key] for key in line.keys() & {"text", "version", *FIELDS}} for line in lines]
    assert told == [
        {"version": 1, "text": "the train was late", "urgency": "high"},
        {"version": 2, "text": "lovely food", "sentiment": "negative"},
        {"version": 3, "text": "see you at the match tonight", "topics": ["other"]},
    ]
    assert lines[2]["previous"] == {"topics": ["bug_crash"]}
    assert {(line["id"], line["at"]) for line in lines} == {(feedback_id, after["labels"][-1]["at"])}


def test_an_undo_on_a_new_version_brings_back_the_label_with_the_words_of_its_own(caller, update, label):
    feedback_id = update("the train was late")
    label(feedback_id, urgency="high")
    update("lovely food")
    label(feedback_id, urgency="low")
    assert [(line["text"], line["urgency"]) for line in export(caller)] == [("lovely food", "low")]

    label(feedback_id, undo="urgency")
    assert [(line["text"], line["urgency"]) for line in export(caller)] == [("the train was late", "high")]

    label(feedback_id, undo="urgency")
    assert export(caller) == []


def test_an_update_that_leaves_the_words_as_they_are_leaves_the_line(caller, update, label):
    feedback_id = update("the train was late")
    label(feedback_id, urgency="high")
    before = export(caller)
    update("the train was late", product="rail")

    assert export(caller) == before


def test_lines_are_in_order_of_their_latest_step_one_a_text(caller, ids, label):
    label(ids[0], urgency="low")
    label(ids[1], urgency="low")
    label(ids[2], urgency="low")
    label(ids[1], sentiment="neutral")

    lines = export(caller)
    assert [line["id"] for line in lines] == [ids[0], ids[2], ids[1]]
    times = [line["at"] for line in lines]
    assert times == sorted(times)


def test_since_leaves_out_what_is_older_and_takes_its_own_moment_in(caller, ids, label):
    for feedback_id in ids:
        label(feedback_id, urgency="low")
    times = [line["at"] for line in export(caller)]

    assert [line["at"] for line in export(caller, since=times[1])] == times[1:]
    later = datetime.fromisoformat(times[-1]) + timedelta(microseconds=1)
    assert export(caller, since=later.isoformat()) == []
    elsewhere = datetime.fromisoformat(times[1]).astimezone(UTC).isoformat().replace("+00:00", "-00:00")
    assert len(export(caller, since=elsewhere)) == 2


def test_the_export_is_the_tenants_own(new_caller, caller, ids, label):
    label(ids[0], urgency="low")

    assert export(new_caller(*SCOPES)) == []


def test_a_deleted_text_is_not_there(caller, ids, label):
    label(ids[0], urgency="low")
    assert caller("DELETE", f"/v1/feedback/{ids[0]}").status_code == 204

    assert export(caller) == []
