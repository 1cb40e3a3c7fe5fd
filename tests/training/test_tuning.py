import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss

from models.calibration import Calibration
from training.metrics import expected_calibration_error
from training.tuning import (
    abstention_threshold,
    best_f1_threshold,
    calibrated,
    fit_exclusive,
    fit_independent,
    recall_threshold,
)


def overconfident(kind, rows=3000, labels=4, factor=3.0, seed=0):
    """Logits that are `factor` times too large for the labels drawn from them."""
    rng = np.random.default_rng(seed)
    width = labels - (kind == "sequential")
    honest = rng.normal(size=(rows, width))
    probabilities = calibrated(kind, honest, Calibration())
    truth = (rng.random((rows, 1)) > probabilities.cumsum(axis=1)).sum(axis=1).clip(0, labels - 1)
    return honest * factor, truth


@pytest.mark.parametrize("kind", ["softmax", "sequential"])
def test_temperature_finds_the_factor_of_overconfidence(kind):
    logits, truth = overconfident(kind)
    found = fit_exclusive(kind, logits, truth, np.ones(len(truth)))
    assert found.temperature[0] == pytest.approx(3.0, rel=0.15)
    assert np.ptp(found.shift) < 0.3


@pytest.mark.parametrize("kind", ["softmax", "sequential"])
def test_calibration_lowers_log_loss_and_calibration_error(kind):
    logits, truth = overconfident(kind)
    before = calibrated(kind, logits, Calibration())
    after = calibrated(kind, logits, fit_exclusive(kind, logits, truth, np.ones(len(truth))))
    assert log_loss(truth, after, labels=range(4)) < log_loss(truth, before, labels=range(4))

    def error(probabilities):
        return expected_calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)

    assert error(after) < error(before) / 2


def test_shift_puts_back_label_frequencies():
    rng = np.random.default_rng(0)
    truth = (rng.random(4000) < 0.9).astype(int)
    found = fit_exclusive("softmax", np.zeros((4000, 2)), truth, np.ones(4000))
    assert calibrated("softmax", np.zeros((1, 2)), found)[0, 1] == pytest.approx(truth.mean(), abs=0.01)


def test_rows_count_by_their_weight():
    truth = np.array([0, 1] * 200)
    weights = np.where(truth == 1, 1.8, 0.2)
    found = fit_exclusive("softmax", np.zeros((400, 2)), truth, weights)
    assert calibrated("softmax", np.zeros((1, 2)), found)[0, 1] == pytest.approx(0.9, abs=0.01)


def test_independent_calibration_equals_platt_scaling():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(5000, 2)) * 4
    truth = (rng.random((5000, 2)) < 1 / (1 + np.exp(-scores / 2 + 1))) * 1.0
    ours = calibrated("sigmoid", scores, fit_independent(scores, truth, np.ones(5000)))
    for label in range(2):
        oracle = LogisticRegression(C=np.inf).fit(scores[:, [label]], truth[:, label])
        np.testing.assert_allclose(ours[:, label], oracle.predict_proba(scores[:, [label]])[:, 1], atol=0.01)


def test_label_that_never_occurs_is_calibrated_without_an_error():
    found = fit_independent(np.zeros((10, 1)), np.zeros((10, 1)), np.ones(10))
    assert 0 < calibrated("sigmoid", np.zeros((1, 1)), found)[0, 0] < 0.3


@settings(deadline=None)
@given(st.integers(0, 500), st.floats(0.3, 0.95))
def test_abstention_reaches_the_target_where_it_can_and_answers_two_fifths(seed, target):
    rng = np.random.default_rng(seed)
    confidence = rng.random(200)
    correct = rng.random(200) < confidence
    threshold = abstention_threshold(confidence, correct, np.ones(200), target=target)
    answered = confidence >= threshold
    # The threshold is rounded to what a person reads in the manifest.
    assert answered.mean() >= 0.4 - 0.05
    assert correct[answered].mean() >= target or answered.mean() <= 0.4 + 0.05


def test_a_head_that_always_reaches_the_target_never_abstains():
    assert abstention_threshold(np.array([0.3, 0.4]), np.ones(2, bool), np.ones(2), target=0.9) == 0.0


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 500))
def test_best_f1_threshold_is_not_beaten_by_another_of_the_grid(seed):
    rng = np.random.default_rng(seed)
    probabilities = rng.random(80)
    truth = (rng.random(80) < probabilities) * 1.0
    found = best_f1_threshold(probabilities, truth, np.ones(80))
    ours = f1_score(truth, probabilities >= found, zero_division=0)
    for other in np.arange(0.2, 0.71, 0.01).round(2):
        assert f1_score(truth, probabilities >= other, zero_division=0) <= ours + 1e-6


@settings(deadline=None)
@given(st.integers(0, 500), st.floats(0.1, 1.0))
def test_recall_threshold_reaches_its_recall_and_the_next_one_would_not(seed, recall):
    rng = np.random.default_rng(seed)
    probabilities, truth = rng.random(100), rng.random(100) < 0.3
    truth[0] = True
    threshold = recall_threshold(probabilities, truth, np.ones(100), recall=recall)
    assert (probabilities[truth] >= threshold).mean() >= recall or threshold == 0.0
    if 0 < threshold < 0.97:
        assert (probabilities[truth] >= threshold + 0.01 + 1e-9).mean() < recall


def test_nothing_to_find_flags_only_the_surest():
    assert recall_threshold(np.array([0.2]), np.array([False]), np.ones(1), recall=0.9) == 0.98
