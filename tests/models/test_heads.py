import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from models.calibration import Calibration
from models.heads import Heads, LinearHead
from models.labels import NON_FEEDBACK, SENTIMENTS, SIGNALS, TOPICS, URGENCIES
from models.predictions import LanguageGuess

WIDTH = 6
ENGLISH = LanguageGuess(code="en", confidence=0.9)


def head(kind="softmax", labels=SENTIMENTS, seed=0, width=WIDTH, **changes):
    rng = np.random.default_rng(seed)
    rows = len(labels) - (kind == "sequential")
    values = {
        "weight": rng.normal(size=(rows, width)).astype(np.float32),
        "bias": rng.normal(size=rows).astype(np.float32),
    } | changes
    return LinearHead(kind=kind, labels=labels, **values)


def signals(*present):
    """A head that says these signals, whatever the text."""
    bias = np.array([5.0 if label in present else -5.0 for label in SIGNALS], dtype=np.float32)
    return head("sigmoid", SIGNALS, weight=np.zeros((len(SIGNALS), WIDTH), np.float32), bias=bias)


def heads(**changes):
    return Heads(
        **{
            "sentiment": head(),
            "urgency": head("sequential", URGENCIES, seed=1),
            "topics": head("sigmoid", TOPICS, seed=2),
            "signals": signals(),
        }
        | changes
    )


def features(rows, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, WIDTH)).astype(np.float32)


@pytest.mark.parametrize("rows", [2, 4])
def test_weights_that_do_not_match_the_labels_are_refused(rows):
    with pytest.raises(ValueError, match="softmax head of 3 labels needs 3 rows"):
        head(weight=np.zeros((rows, WIDTH), dtype=np.float32))


def test_sequential_head_with_a_logit_a_label_is_refused():
    with pytest.raises(ValueError, match="sequential head of 4 labels needs 3 rows"):
        head("sequential", URGENCIES, bias=np.zeros(4, dtype=np.float32))


@pytest.mark.parametrize("name", ["weight", "bias"])
def test_weights_that_are_not_finite_are_refused(name):
    good = getattr(head(), name).copy()
    good.flat[0] = np.nan
    with pytest.raises(ValueError, match="must be finite"):
        head(**{name: good})


def test_calibration_of_another_number_of_labels_is_refused():
    with pytest.raises(ValueError, match="temperature needs 1 or 3 values, got 2"):
        head(calibration=Calibration(temperature=(1.0, 2.0)))


def test_thresholds_of_another_number_of_labels_are_refused():
    with pytest.raises(ValueError, match="expected 15 thresholds, got 2"):
        head("sigmoid", TOPICS, thresholds=(0.5, 0.5))


def test_acting_on_less_than_what_is_worth_suggesting_is_refused():
    with pytest.raises(ValueError, match=r"expected apply_from to be at least suggest_from, 0\.6, got 0\.5"):
        head(suggest_from=0.6, apply_from=0.5)


def test_signals_of_a_kind_that_excludes_each_other_are_refused():
    with pytest.raises(ValueError, match="signals head must be of kind sigmoid, got softmax"):
        heads(signals=head("softmax", SIGNALS))


def test_heads_of_different_widths_are_refused():
    with pytest.raises(ValueError, match="one width, got \\[5, 6\\]"):
        heads(sentiment=head(width=5))


def test_topics_of_a_kind_that_excludes_each_other_are_refused():
    with pytest.raises(ValueError, match="topics head must be of kind sigmoid, got softmax"):
        heads(topics=head("softmax", TOPICS))


def test_features_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"expected features of shape \(1, 6\), got \(1, 7\)"):
        heads().predict(np.zeros((1, 7), dtype=np.float32), [ENGLISH])


def test_fewer_languages_than_features_are_refused():
    with pytest.raises(ValueError, match=r"expected features of shape \(1, 6\), got \(2, 6\)"):
        heads().predict(features(2), [ENGLISH])


def test_no_texts_give_no_predictions():
    assert heads().predict(features(0), []) == []


def test_softmax_probabilities_equal_scikit_learn():
    rows, truth = features(90), np.arange(90) % 3
    model = LogisticRegression().fit(rows, truth)
    ours = head(weight=model.coef_.astype(np.float32), bias=model.intercept_.astype(np.float32))
    np.testing.assert_allclose(ours.probabilities(rows), model.predict_proba(rows), atol=1e-5)


def test_sigmoid_probabilities_equal_scikit_learn_label_by_label():
    rows = features(60)
    models = [LogisticRegression().fit(rows, np.arange(60) % (2 + k) == 0) for k in range(len(TOPICS))]
    ours = head(
        "sigmoid",
        TOPICS,
        weight=np.concatenate([model.coef_ for model in models]).astype(np.float32),
        bias=np.concatenate([model.intercept_ for model in models]).astype(np.float32),
    )
    expected = np.stack([model.predict_proba(rows)[:, 1] for model in models], axis=1)
    np.testing.assert_allclose(ours.probabilities(rows), expected, atol=1e-5)


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 8))
def test_probabilities_of_exclusive_labels_sum_to_one(seed, count):
    for prediction in heads().predict(features(count, seed), [ENGLISH] * count):
        assert sum(prediction.sentiment.probabilities.values()) == pytest.approx(1, abs=1e-9)
        assert sum(prediction.urgency.probabilities.values()) == pytest.approx(1, abs=1e-9)
        assert all(0 <= value <= 1 for value in prediction.topics.probabilities.values())


@settings(deadline=None)
@given(st.permutations(range(8)))
def test_a_score_does_not_depend_on_order_or_neighbours(order):
    rows, all_heads = features(8), heads()
    together = all_heads.predict(rows, [ENGLISH] * 8)
    shuffled = all_heads.predict(rows[list(order)], [ENGLISH] * 8)
    for place, row in enumerate(order):
        alone = all_heads.predict(rows[row : row + 1], [ENGLISH])[0]
        for other in (shuffled[place], alone):
            assert other.urgency.label == together[row].urgency.label
            assert other.urgency.probabilities == pytest.approx(together[row].urgency.probabilities, abs=1e-5)


def test_label_is_the_most_probable_one_and_confidence_its_probability():
    prediction = heads().predict(features(1), [ENGLISH])[0].sentiment
    assert prediction.label == max(prediction.probabilities, key=prediction.probabilities.__getitem__)
    assert prediction.confidence == prediction.probabilities[prediction.label]


@pytest.mark.parametrize(
    ("suggest_from", "apply_from", "decision"),
    [
        (0.41, 0.9, "abstain"),
        (0.4, 0.41, "suggest"),
        (0.4, 0.4, "apply"),
        (0.0, 0.0, "apply"),
        (1.0, 1.0, "abstain"),
    ],
)
def test_a_confidence_is_good_for_what_its_threshold_says_and_the_label_stays(
    suggest_from, apply_from, decision
):
    row = np.array([0.4, 0.35, 0.25])
    chosen = head(suggest_from=suggest_from, apply_from=apply_from).choose(row)

    assert (chosen.label, chosen.decision, chosen.abstained) == ("negative", decision, decision == "abstain")
    topics = head("sigmoid", TOPICS, suggest_from=suggest_from, apply_from=apply_from)
    assert topics.choose_topics(np.array([0.4, *[0.1] * 14])).decision == decision


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_more_confidence_is_never_good_for_less(one, other, low, high):
    made = head(suggest_from=min(low, high), apply_from=max(low, high))
    order = ("abstain", "suggest", "apply")
    decided = [order.index(made.decide(value, answers=True)) for value in sorted((one, other))]

    assert decided == sorted(decided)
    assert made.decide(one, answers=False) == "abstain"


def test_what_is_no_feedback_abstains_in_every_head_whatever_its_confidence_and_keeps_its_labels():
    rows = features(5)
    sure = heads().predict(rows, [ENGLISH] * 5)
    doubtful = heads(signals=signals(NON_FEEDBACK, "urgent")).predict(rows, [ENGLISH] * 5)

    for before, after in zip(sure, doubtful, strict=True):
        assert (before.sentiment.decision, before.urgency.decision, before.topics.decision) == ("apply",) * 3
        assert (after.sentiment.decision, after.urgency.decision, after.topics.decision) == ("abstain",) * 3
        assert after.urgency.probabilities == before.urgency.probabilities
        assert (after.sentiment.label, after.topics.applied) == (
            before.sentiment.label,
            before.topics.applied,
        )
        assert after.signals.present == ("urgent", NON_FEEDBACK)
        assert set(after.signals.probabilities) == set(SIGNALS)


def test_a_signal_that_is_no_doubt_takes_nothing_away():
    found = heads(signals=signals("churn_risk", "legal")).predict(features(1), [ENGLISH])[0]

    assert found.signals.present == ("churn_risk", "legal")
    assert found.signals.probabilities["churn_risk"] == pytest.approx(1 / (1 + np.exp(-5)))
    assert not found.urgency.abstained


def test_signals_are_present_from_their_own_thresholds():
    strict = head("sigmoid", SIGNALS, thresholds=(0.9, 0.1, 0.5, 0.5, 0.5))
    assert strict.applied(np.array([0.89, 0.1, 0.5, 0.49, 0.51])) == ("urgent", "deadline", NON_FEEDBACK)


def test_topics_above_their_own_thresholds_apply_best_first():
    row = np.zeros(15)
    row[[0, 3, 4]] = 0.5, 0.9, 0.6
    found = head("sigmoid", TOPICS, thresholds=(0.5, *(0.7,) * 14)).choose_topics(row)
    assert found.applied == ("product_quality", "billing_payment")
    assert found.best == "product_quality"


def test_best_topic_is_given_when_none_applies():
    found = head("sigmoid", TOPICS).choose_topics(np.linspace(0.3, 0.1, 15))
    assert (found.applied, found.best) == ((), "billing_payment")


def test_kind_follows_from_best_topic_and_sentiment():
    prediction = heads(
        sentiment=head(weight=np.zeros((3, WIDTH), np.float32), bias=np.array([5, 0, 0], np.float32)),
        topics=head(
            "sigmoid",
            TOPICS,
            weight=np.zeros((15, WIDTH), np.float32),
            bias=-np.arange(15.0, dtype=np.float32),
        ),
    ).predict(features(1), [ENGLISH])[0]
    assert (prediction.topics.best, prediction.sentiment.label) == ("billing_payment", "negative")
    assert prediction.kind == "complaint"
    assert prediction.language == ENGLISH


@pytest.mark.parametrize("read", ["choose", "applied", "choose_topics"])
@pytest.mark.parametrize("count", [0, 2, 4])
def test_another_number_of_probabilities_than_labels_is_refused(read, count):
    with pytest.raises(ValueError, match=r"zip\(\)|empty sequence"):
        getattr(head("sigmoid"), read)(np.full(count, 0.5))
