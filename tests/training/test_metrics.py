import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, cohen_kappa_score, confusion_matrix, f1_score

from training.metrics import (
    accuracy,
    bootstrap_interval,
    brier,
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


def test_kappa_of_a_single_label_agreed_on_is_one():
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
