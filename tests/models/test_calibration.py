import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit
from scipy.special import softmax as scipy_softmax

from models.calibration import Calibration, sequential, sigmoid, softmax

LOGITS = arrays(
    np.float64, st.tuples(st.integers(1, 5), st.integers(2, 6)), elements=st.floats(-500, 500, width=32)
)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_temperature_that_is_not_positive_and_finite_is_refused(temperature):
    with pytest.raises(ValueError, match="temperatures must be positive"):
        Calibration(temperature=(temperature,))


def test_shift_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="shifts must be finite"):
        Calibration(shift=(0.0, float("nan")))


def test_default_calibration_changes_nothing():
    logits = np.array([[1.0, -2.0]])
    assert Calibration().apply(logits).tolist() == logits.tolist()


def test_each_logit_gets_its_own_temperature_and_shift():
    calibration = Calibration(temperature=(1.0, 2.0), shift=(0.0, 1.0))
    assert calibration.apply(np.array([[4.0, 4.0]])).tolist() == [[4.0, 3.0]]


@settings(deadline=None)
@given(LOGITS)
def test_softmax_equals_scipy(logits):
    np.testing.assert_allclose(softmax(logits), scipy_softmax(logits, axis=1), atol=1e-12)


@settings(deadline=None)
@given(LOGITS)
def test_sigmoid_equals_scipy(logits):
    np.testing.assert_allclose(sigmoid(logits), expit(logits), atol=1e-12)


@settings(deadline=None)
@given(LOGITS)
def test_sequential_probabilities_sum_to_one_and_none_is_negative(logits):
    probabilities = sequential(logits)
    assert probabilities.shape == (len(logits), logits.shape[1] + 1)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)


def test_sequential_probabilities_are_products_of_steps_taken_and_the_one_refused():
    step = expit(np.array([2.0, 0.5, -1.0]))
    expected = [1 - step[0], step[0] * (1 - step[1]), step[0] * step[1] * (1 - step[2]), step.prod()]
    np.testing.assert_allclose(sequential(np.array([[2.0, 0.5, -1.0]]))[0], expected, atol=1e-12)


@settings(deadline=None)
@given(LOGITS, st.floats(1.0, 20.0))
def test_higher_temperature_never_raises_the_top_probability(logits, temperature):
    cold = softmax(logits).max(axis=1)
    warm = softmax(Calibration(temperature=(temperature,)).apply(logits)).max(axis=1)
    assert (warm <= cold + 1e-12).all()


@settings(deadline=None)
@given(LOGITS, st.floats(0.05, 20.0))
def test_temperature_alone_never_changes_the_best_label(logits, temperature):
    rows = np.arange(len(logits))
    best = softmax(Calibration(temperature=(temperature,)).apply(logits)).argmax(axis=1)
    np.testing.assert_allclose(logits[rows, best], logits.max(axis=1), atol=1e-9)
