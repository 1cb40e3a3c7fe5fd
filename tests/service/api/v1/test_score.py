"""Scores: of each text, in order, and nothing is stored."""

import pytest

TEXTS = (
    "the app crashes at checkout",
    "lovely food and friendly people",
    "my card was stolen please block it",
)


def decision(confidence):
    """What the tiny heads' thresholds make of a confidence."""
    return "apply" if confidence >= 0.8 else "suggest" if confidence >= 0.4 else "abstain"


def score(caller, *texts, **given):
    answer = caller.post("/v1/score", {"items": [{"text": text} for text in texts], **given})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_reasons_are_not_available_yet_and_that_is_said(caller, refusal):
    problem = refusal(caller.post("/v1/score", {"items": [{"text": "a"}], "explain": True}), 422)

    assert problem["detail"] == "not available yet: explain; leave it out"


def test_one_text_that_does_not_fit_refuses_the_request_and_is_named(caller, refusal):
    problem = refusal(caller.post("/v1/score", {"items": [{"text": "a"}, {"text": " "}]}), 422)

    assert [row["pointer"] for row in problem["errors"]] == ["/items/1/text"]


def test_each_text_is_scored_in_order_by_a_named_model(caller):
    answer = score(caller, *TEXTS)

    assert answer["model"] == {
        "name": "tiny",
        "revision": "2026.1.1-test",
        "encoder": caller.state.model.encoder,
    }
    results = answer["results"]
    assert [row["topic"] for row in results] == ["bug_crash", "product_quality", "security_safety"]
    assert [row["kind"] for row in results] == ["complaint", "praise", "complaint"]
    assert [row["urgency"]["label"] for row in results][2] == "critical"
    for row in results:
        for field in ("sentiment", "urgency"):
            probabilities = row[field]["probabilities"]
            assert sum(probabilities.values()) == pytest.approx(1)
            assert row[field]["label"] == max(probabilities, key=probabilities.get)
            assert row[field]["confidence"] == max(probabilities.values())
            assert row[field]["decision"] == decision(row[field]["confidence"])
            assert row[field]["abstained"] == (row[field]["confidence"] < 0.4)
        assert row["topic_decision"] == decision(row["topics"][0]["probability"])
        assert row["declares"] == []
        for signal in ("churn_risk", "non_feedback"):
            assert not row[signal]["present"]
            assert row[signal]["probability"] < 0.5
        shares = [topic["probability"] for topic in row["topics"]]
        assert shares == sorted(shares, reverse=True)
        assert row["explanation"] is None


def test_a_text_that_is_no_feedback_has_labels_that_all_abstain(caller):
    row = score(caller, "qwrt zxcv 0x7f npm ERR stack")["results"][0]

    assert row["non_feedback"]["present"]
    assert [row["sentiment"]["decision"], row["urgency"]["decision"], row["topic_decision"]] == [
        "abstain"
    ] * 3
    assert row["sentiment"]["abstained"]
    assert row["sentiment"]["label"] in row["sentiment"]["probabilities"]


def test_what_the_writer_declares_comes_best_first_and_leaving_has_a_field_of_its_own(caller):
    both, leaving = score(
        caller,
        "by Friday noon at the latest or you will hear from our lawyer in court",
        "we are leaving you and go to your competitor",
    )["results"]

    assert {row["label"] for row in both["declares"]} == {"deadline", "legal"}
    probabilities = [row["probability"] for row in both["declares"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert not both["churn_risk"]["present"]
    assert leaving["churn_risk"]["present"]
    assert leaving["declares"] == []


def test_a_text_is_scored_alike_whatever_stands_beside_it(caller):
    alone = [score(caller, text)["results"][0] for text in TEXTS]

    for one, other in zip(alone, score(caller, *reversed(TEXTS))["results"][::-1], strict=True):
        for field in ("sentiment", "urgency"):
            assert one[field]["probabilities"] == pytest.approx(other[field]["probabilities"], abs=1e-5)
        assert one["topic"] == other["topic"]


def test_a_given_language_counts_as_certain(caller):
    items = [{"text": TEXTS[0], "language": "fi"}, {"text": TEXTS[0]}]
    one, other = caller.post("/v1/score", {"items": items}).json()["results"]

    assert one["language"] == {"code": "fi", "confidence": 1.0}
    assert other["language"]["code"] == "en"


def test_nothing_is_stored(caller):
    score(caller, *TEXTS)

    assert caller.get("/v1/feedback").json()["items"] == []
    assert caller.post("/v1/search", {"query": TEXTS[0]}).json()["items"] == []


def test_scored_texts_are_counted(caller):
    def counted(name):
        return caller.state.metrics.registry.get_sample_value(name) or 0

    before = counted("closeloop_texts_scored_total"), counted("closeloop_batch_texts_sum")
    score(caller, *TEXTS)

    assert counted("closeloop_texts_scored_total") == before[0] + 3
    assert counted("closeloop_batch_texts_sum") == before[1] + 3
