import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import brier_score_loss, cohen_kappa_score, confusion_matrix, f1_score

from training.metrics import (
    accuracy,
    bootstrap_interval,
    brier,
    calibration_error,
    calibration_p_value,
    cohen_kappa,
    confusion,
    expected_calibration_error,
    macro_f1,
    quadratic_kappa,
    resamples,
)

LABELS = 4
ROWS = st.integers(2, 60).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, LABELS - 1), min_size=n, max_size=n)] * 2)
)


def both(rows):
    return np.array(rows[0]), np.array(rows[1])


@settings(deadline=None)
@given(ROWS)
def test_confusion_equals_scikit_learn(rows):
    truth, said = both(rows)
    expected = confusion_matrix(truth, said, labels=range(LABELS))
    np.testing.assert_array_equal(confusion(truth, said, LABELS), expected)


@settings(deadline=None)
@given(ROWS)
def test_macro_f1_equals_scikit_learn(rows):
    truth, said = both(rows)
    expected = f1_score(truth, said, average="macro", zero_division=0)
    assert macro_f1(confusion(truth, said, LABELS)) == pytest.approx(expected)


@settings(deadline=None)
@given(ROWS.filter(lambda rows: len(set(rows[0]) | set(rows[1])) > 1))
def test_quadratic_kappa_equals_scikit_learn(rows):
    truth, said = both(rows)
    expected = cohen_kappa_score(truth, said, labels=range(LABELS), weights="quadratic")
    assert quadratic_kappa(confusion(truth, said, LABELS)) == pytest.approx(expected)


@settings(deadline=None)
@given(ROWS.filter(lambda rows: len(set(rows[0]) | set(rows[1])) > 1))
def test_kappa_equals_scikit_learn(rows):
    truth, said = both(rows)
    expected = cohen_kappa_score(truth, said, labels=range(LABELS))
    assert cohen_kappa(confusion(truth, said, LABELS)) == pytest.approx(expected)


def test_kappa_of_a_single_label_agreed_on_is_one():
    assert cohen_kappa(confusion(np.zeros(3, int), np.zeros(3, int), LABELS)) == 1.0
    assert quadratic_kappa(confusion(np.zeros(3, int), np.zeros(3, int), LABELS)) == 1.0


def test_figures_of_no_rows_are_zero():
    empty = np.zeros((LABELS, LABELS))
    assert (macro_f1(empty), accuracy(empty)) == (0.0, 0.0)


@settings(deadline=None)
@given(ROWS)
def test_accuracy_is_the_share_of_equal_labels(rows):
    truth, said = both(rows)
    assert accuracy(confusion(truth, said, LABELS)) == pytest.approx(np.mean(truth == said))


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(2, 40))
def test_brier_equals_scikit_learn(seed, count):
    rng = np.random.default_rng(seed)
    probabilities, truth = rng.dirichlet(np.ones(LABELS), size=count), rng.integers(0, LABELS, count)
    expected = brier_score_loss(truth, probabilities, labels=range(LABELS), scale_by_half=False)
    assert brier(probabilities, truth) == pytest.approx(expected)


def test_calibration_error_of_two_bins_is_their_weighted_gap():
    confidence = np.array([0.95, 0.95, 0.95, 0.55])
    correct = np.array([True, True, False, True])
    # 3/4 x |0.95 - 2/3| + 1/4 x |0.55 - 1|
    assert expected_calibration_error(confidence, correct) == pytest.approx(0.325)


def test_certain_and_right_has_no_calibration_error():
    assert expected_calibration_error(np.ones(3), np.ones(3, dtype=bool)) == 0.0


def simulated(seed, count, shift=0.0):
    """Confidence and what happened; `shift` is by how much less often it is right than it says."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.4, 0.98, count)
    return confidence, rng.random(count) < confidence - shift


@pytest.mark.parametrize("count", [30, 100, 400])
def test_squared_calibration_error_of_honest_confidence_is_zero_on_average(count):
    # Two bins hold a span of confidence each; the estimate before the root is what has no bias.
    def squared(seed):
        confidence, correct = simulated(seed, count)
        total = 0.0
        for places in np.array_split(np.argsort(confidence, kind="stable"), min(10, count // 2)):
            right = correct[places].mean()
            scatter = right * (1 - right) / (len(places) - 1)
            total += len(places) / count * ((confidence[places].mean() - right) ** 2 - scatter)
        found = calibration_error(confidence, correct)
        assert found == pytest.approx(np.sqrt(max(0.0, total)))
        return total

    found = np.array([squared(seed) for seed in range(600)])
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(len(found)) + 1e-4


def test_debiased_calibration_error_of_honest_confidence_is_below_the_plain_one():
    plain, debiased = np.transpose(
        [
            [measure(*simulated(seed, 60)) for measure in (expected_calibration_error, calibration_error)]
            for seed in range(200)
        ]
    )
    assert plain.mean() > 0.09
    assert np.median(debiased) < 0.05


@pytest.mark.parametrize("shift", [0.1, 0.2, 0.3])
def test_calibration_error_of_dishonest_confidence_is_by_how_much_it_lies(shift):
    found = np.mean([calibration_error(*simulated(seed, 2000, shift)) for seed in range(20)])
    assert found == pytest.approx(shift, abs=0.01)


@settings(deadline=None)
@given(st.integers(0, 500), st.integers(2, 80))
def test_calibration_error_does_not_depend_on_the_order_of_rows(seed, count):
    confidence, correct = simulated(seed, count)
    order = np.random.default_rng(seed).permutation(count)
    assert calibration_error(confidence[order], correct[order]) == pytest.approx(
        calibration_error(confidence, correct)
    )


@pytest.mark.parametrize("count", [0, 1])
def test_one_row_shows_no_calibration_error(count):
    assert calibration_error(np.full(count, 0.9), np.zeros(count, dtype=bool)) == 0.0


@pytest.mark.parametrize("count", [30, 300])
def test_honest_confidence_is_rejected_as_often_as_the_level_says(count):
    found = np.array([calibration_p_value(*simulated(seed, count)) for seed in range(400)])
    # Three standard deviations of a share of 0.05 among 400 are 0.033; of one of 0.5, 0.075.
    assert (found < 0.05).mean() == pytest.approx(0.05, abs=0.033)
    assert (found < 0.5).mean() == pytest.approx(0.5, abs=0.075)


def test_dishonest_confidence_is_rejected():
    found = np.array([calibration_p_value(*simulated(seed, 400, 0.15)) for seed in range(50)])
    assert (found < 0.01).mean() > 0.9


def test_p_value_is_that_of_spiegelhalters_z():
    confidence, correct = np.array([0.9, 0.8, 0.6, 0.7]), np.array([True, False, True, True])
    slope = 1 - 2 * confidence
    z = ((correct - confidence) * slope).sum() / np.sqrt((slope**2 * confidence * (1 - confidence)).sum())
    assert calibration_p_value(confidence, correct) == pytest.approx(2 * norm.sf(abs(z)))


@pytest.mark.parametrize("confidence", [0.0, 0.5, 1.0])
def test_confidence_that_leaves_nothing_to_test_is_not_rejected(confidence):
    assert calibration_p_value(np.full(5, confidence), np.ones(5, dtype=bool)) == 1.0


def test_interval_of_a_mean_is_that_of_the_normal_approximation():
    values = np.random.default_rng(1).normal(size=400)
    draws = resamples(np.arange(400), seed=0, count=4000)
    low, high = bootstrap_interval(lambda rows: float(values[rows].mean()), draws)
    half = 1.96 * values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.01)
    assert high == pytest.approx(values.mean() + half, abs=0.01)


def test_rows_of_one_group_are_drawn_together():
    groups = np.array([0, 1, 0, 2, 1])
    for rows in resamples(groups, seed=3, count=50):
        counts = np.bincount(rows, minlength=5)
        assert counts[0] == counts[2]
        assert counts[1] == counts[4]
        assert counts[0] + counts[1] + counts[3] == 3


def test_draws_depend_on_the_seed_alone():
    groups = np.arange(6)
    first, again, other = (resamples(groups, seed=seed, count=3) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
