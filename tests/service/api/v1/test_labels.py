"""A person's word over the model's: it wins, is remembered, can be taken back, and ranks at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

TEXT = "see you at the match tonight"


@pytest.fixture
def stored(caller):
    return caller.store(TEXT, "the app crashes at checkout")[0]


@pytest.fixture
def label(caller, stored):
    return lambda **body: caller.patch(f"/v1/feedback/{stored['id']}/labels", body)


@pytest.mark.parametrize(
    "body", [{}, {"reason": "why"}, {"urgency": None}, {"urgency": "low", "undo": "urgency"}]
)
def test_neither_labels_nor_undo_or_both_are_refused(label, refusal, body):
    refusal(label(**body), 422)


@pytest.mark.parametrize("field", ["sentiment", "urgency", "topics"])
def test_there_is_nothing_to_undo_where_the_models_label_holds(label, refusal, field):
    problem = refusal(label(undo=field), 409)

    assert problem["detail"] == f"expected a person's label of {field} to undo, the model's holds"


def test_a_persons_label_wins_and_the_models_stays_readable(caller, label, stored):
    answer = label(
        sentiment="negative", urgency="critical", topics=["security_safety", "bug_crash"], reason="call"
    )

    assert answer.status_code == 200
    after = answer.json()
    assert (after["sentiment"], after["urgency"]) == ("negative", "critical")
    assert (after["topic"], after["topics"]) == ("security_safety", ["security_safety", "bug_crash"])
    assert after["kind"] == "complaint"
    assert after["score"] == stored["score"]
    assert [(row["field"], row["value"], row["undo"]) for row in after["labels"]] == [
        ("sentiment", "negative", False),
        ("urgency", "critical", False),
        ("topics", ["security_safety", "bug_crash"], False),
    ]
    assert {row["by"] for row in after["labels"]} == {f"{caller.tenant} key"}
    assert {row["reason"] for row in after["labels"]} == {"call"}
    assert after["labels"][0]["previous"] == stored["score"]["sentiment"]["label"]
    assert caller.get(f"/v1/feedback/{stored['id']}").json() == after


def test_the_case_is_ranked_anew_at_once(caller, label, stored):
    def place():
        queue = caller.get("/v1/queue").json()["items"]
        return [item["case_id"] for item in queue].index(stored["case_id"])

    assert place() == 1
    label(urgency="critical")
    assert place() == 0
    case = caller.get(f"/v1/cases/{stored['case_id']}").json()
    assert case["priority"]["value"] >= 70
    urgency = next(term for term in case["priority"]["terms"] if term["name"] == "urgency")
    assert (urgency["value"], urgency["reason"]) == (1.0, "critical 100%")

    label(undo="urgency")
    assert place() == 1


def test_filters_of_lists_follow_at_once_and_those_of_searches_through_the_index(caller, label, stored):
    label(urgency="critical", topics=["security_safety"])

    for path in ("/v1/feedback", "/v1/queue"):
        assert len(caller.get(path, urgency="critical", topic="security_safety").json()["items"]) == 1
        others = caller.get(path, topic="other").json()["items"]
        assert stored["case_id"] not in {item["case_id"] for item in others}
    caller.settle()
    found = caller.post("/v1/search", {"query": TEXT, "filter": {"topic": ["security_safety"]}}).json()
    assert [hit["feedback"]["id"] for hit in found["items"]] == [stored["id"]]
    assert found["items"][0]["feedback"]["urgency"] == "critical"


def test_undo_goes_back_through_earlier_labels_to_the_models(label, refusal, stored):
    model = stored["score"]["urgency"]["label"]
    for value in ("critical", "high", "medium"):
        label(urgency=value)

    back = [label(undo="urgency").json()["urgency"] for _ in range(3)]

    assert back == ["high", "critical", model]
    refusal(label(undo="urgency"), 409)


def test_after_an_undo_new_labels_start_from_what_holds(label, stored):
    label(urgency="critical")
    label(urgency="high")
    label(undo="urgency")
    label(urgency="medium")

    assert [label(undo="urgency").json()["urgency"] for _ in range(2)] == [
        "critical",
        stored["score"]["urgency"]["label"],
    ]


def test_the_history_keeps_every_step_with_what_held_before(label, stored):
    label(topics=["bug_crash"])
    label(topics=["other"], reason="no")
    label(undo="topics", reason="yes")
    after = label(undo="topics").json()

    model = [row["label"] for row in stored["score"]["topics"]]
    assert [(row["value"], row["previous"], row["undo"], row["reason"]) for row in after["labels"]] == [
        (["bug_crash"], model, False, None),
        (["other"], ["bug_crash"], False, "no"),
        (["bug_crash"], ["other"], True, "yes"),
        (None, ["bug_crash"], True, None),
    ]
    assert (after["topic"], after["topics"]) == (stored["score"]["topic"], model)


def test_undo_of_one_field_leaves_the_others(label):
    label(sentiment="negative", urgency="critical")
    after = label(undo="sentiment").json()

    assert after["urgency"] == "critical"


def test_labels_that_race_are_all_remembered_and_undone_one_by_one(caller, label, stored):
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: label(urgency="critical"), range(6)))
        undone = list(pool.map(lambda _: label(undo="urgency"), range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.status_code for answer in undone) == [200] * 6 + [409] * 2
    read = caller.get(f"/v1/feedback/{stored['id']}").json()
    assert len(read["labels"]) == 12
    assert read["urgency"] == stored["score"]["urgency"]["label"]


def test_a_label_of_a_text_that_is_not_there_is_not_found(caller, refusal):
    refusal(caller.patch("/v1/feedback/0198c6b0-1f0e-7c1c-9d52-1f2d3c4b5a69/labels", {"urgency": "low"}), 404)


# What a label says of words that came later


@pytest.fixture
def changed(caller):
    """A text that a person judged and its sender changed after that."""
    feedback_id = caller.store({"text": TEXT, "external_id": "changed"})[0]["id"]
    body = {"urgency": "critical", "topics": ["security_safety"]}
    assert caller.patch(f"/v1/feedback/{feedback_id}/labels", body).status_code == 200
    caller.store({"text": "lovely food and friendly people", "external_id": "changed", "update": True})
    return feedback_id


def test_a_label_holds_on_over_other_words_and_says_which_it_was_given_on(caller, changed):
    read = caller.get(f"/v1/feedback/{changed}").json()

    assert (read["urgency"], read["topic"], read["version"]) == ("critical", "security_safety", 2)
    assert read["sentiment"] == read["score"]["sentiment"]["label"] == "positive"
    assert {row["version"] for row in read["labels"]} == {1}
    case = caller.get(f"/v1/cases/{read['case_id']}").json()
    urgency = next(term for term in case["priority"]["terms"] if term["name"] == "urgency")
    assert (urgency["value"], urgency["reason"]) == (1.0, "critical 100%")


def test_steps_on_several_versions_each_say_their_own(caller, changed):
    caller.patch(f"/v1/feedback/{changed}/labels", {"urgency": "low"})
    caller.store({"text": "thank you", "external_id": "changed", "update": True})
    read = caller.patch(f"/v1/feedback/{changed}/labels", {"undo": "urgency"}).json()

    assert [(row["field"], row["undo"], row["version"]) for row in read["labels"]] == [
        ("urgency", False, 1),
        ("topics", False, 1),
        ("urgency", False, 2),
        ("urgency", True, 3),
    ]
    assert read["urgency"] == "critical"


def test_an_undo_on_other_words_gives_what_the_model_says_of_them(caller, changed):
    read = caller.patch(f"/v1/feedback/{changed}/labels", {"undo": "urgency"}).json()

    assert read["urgency"] == read["score"]["urgency"]["label"] == "low"
