import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss

from models.calibration import Calibration
from training.metrics import expected_calibration_error
from training.tuning import (
    accuracy_threshold,
    best_f1_threshold,
    calibrated,
    coverage_threshold,
    domain_shares,
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
@given(st.integers(0, 500), st.integers(1, 120), st.floats(0.01, 1.0))
def test_coverage_threshold_is_reached_by_the_share_asked_for(seed, count, coverage):
    confidence = np.random.default_rng(seed).random(count).round(2)
    threshold = coverage_threshold(confidence, coverage=coverage)
    assert (confidence >= threshold).mean() >= coverage - 1e-9
    assert threshold in confidence


@pytest.mark.parametrize(("coverage", "expected"), [(0.75, 0.6), (0.5, 0.9), (0.25, 0.95)])
def test_coverage_threshold_is_the_highest_that_the_share_reaches(coverage, expected):
    assert coverage_threshold(np.array([0.3, 0.6, 0.9, 0.95]), coverage=coverage) == expected


def test_coverage_of_everything_is_the_lowest_confidence():
    assert coverage_threshold(np.array([0.9, 0.4, 0.6]), coverage=1.0) == 0.4


@pytest.mark.parametrize("confidence", [np.full(50, 0.7), np.repeat([0.9, 0.7, 0.5], 30)])
def test_rows_that_are_equally_sure_are_covered_together(confidence):
    threshold = coverage_threshold(confidence, coverage=0.5)
    assert threshold == 0.7


def best_by_hand(confidence, correct, target):
    """Every threshold tried, lowest first."""
    for threshold in sorted(set(confidence.tolist())):
        answered = confidence >= threshold
        if answered.sum() >= 20 and correct[answered].mean() >= target:
            return threshold
    return 1.0


@settings(deadline=None)
@given(st.integers(0, 500), st.integers(1, 150), st.floats(0.3, 1.0), st.sampled_from([1, 2, 6]))
def test_accuracy_threshold_is_the_lowest_that_reaches_its_target_ties_and_all(seed, count, target, digits):
    rng = np.random.default_rng(seed)
    confidence = rng.random(count).round(digits)
    correct = rng.random(count) < confidence
    found = accuracy_threshold(confidence, correct, target=target)
    assert found == best_by_hand(confidence, correct, target)


def test_equally_sure_rows_are_not_parted_by_their_order():
    confidence = np.repeat([0.9, 0.8], 40)
    # The first half of the less sure rows alone would still reach the target.
    correct = np.concatenate([np.ones(60, dtype=bool), np.zeros(20, dtype=bool)])
    assert accuracy_threshold(confidence, correct, target=0.9) == 0.9


@pytest.mark.parametrize("count", [1, 19])
def test_too_few_rows_show_no_accuracy(count):
    assert accuracy_threshold(np.full(count, 0.99), np.ones(count, dtype=bool), target=0.5) == 1.0


def test_a_target_that_is_never_reached_lets_nothing_be_acted_on():
    assert accuracy_threshold(np.linspace(0, 0.99, 60), np.zeros(60, dtype=bool), target=0.5) == 1.0


def test_a_head_that_always_reaches_its_target_may_be_acted_on_from_its_lowest_confidence():
    assert accuracy_threshold(np.linspace(0.3, 1, 60), np.ones(60, dtype=bool), target=0.9) == 0.3


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60))
def test_each_source_counts_as_a_whole_and_rows_one_on_average(sources):
    shares = domain_shares(sources)
    assert shares.mean() == pytest.approx(1)
    totals = {name: sum(s for s, of in zip(shares, sources, strict=True) if of == name) for name in sources}
    assert list(totals.values()) == pytest.approx([len(sources) / len(totals)] * len(totals))
    assert all(
        len({round(s, 9) for s, of in zip(shares, sources, strict=True) if of == n}) == 1 for n in totals
    )


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
