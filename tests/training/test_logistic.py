import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from models.calibration import softmax
from training.logistic import Layer, fit_basis, fit_layer

ROWS, WIDTH = 240, 12


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(WIDTH, WIDTH))
    features = (rng.normal(size=(ROWS, WIDTH)) @ mixing + 3).astype(np.float32)
    slope = features @ rng.normal(size=WIDTH)
    truth = np.digitize(slope, np.quantile(slope, [0.3, 0.6, 0.85]))
    noisy = np.where(rng.random(ROWS) < 0.2, rng.integers(0, 4, ROWS), truth)
    return fit_basis(features).project(features), noisy, rng.uniform(0.2, 3, ROWS)


@pytest.mark.parametrize("c", [0.003, 0.1, 1.0])
def test_softmax_reaches_the_optimum_of_scikit_learn(data, c):
    rows, truth, weights = data
    oracle = LogisticRegression(C=c, max_iter=5000, tol=1e-8).fit(rows, truth, sample_weight=weights)
    layer = fit_layer("softmax", rows, np.eye(4)[truth], weights, c=c)
    np.testing.assert_allclose(softmax(layer.logits(rows)), oracle.predict_proba(rows), atol=5e-3)


@pytest.mark.parametrize("kind", ["sigmoid", "sequential"])
def test_binary_kinds_reach_the_optimum_of_scikit_learn_column_by_column(data, kind):
    rows, truth, weights = data
    targets = (truth[:, None] > np.arange(3)) * 1.0
    layer = fit_layer(kind, rows, targets, weights, c=0.1)
    for column in range(3):
        oracle = LogisticRegression(C=0.1, max_iter=5000, tol=1e-8)
        oracle.fit(rows, targets[:, column], sample_weight=weights)
        found = expit(layer.logits(rows)[:, column])
        np.testing.assert_allclose(found, oracle.predict_proba(rows)[:, 1], atol=5e-3)


def test_each_target_can_have_its_own_weights(data):
    rows, truth, weights = data
    targets = (truth[:, None] > np.arange(3)) * 1.0
    both = np.stack([weights, np.ones(ROWS), weights[::-1]], axis=1)
    layer = fit_layer("sigmoid", rows, targets, both, c=0.1)
    oracle = LogisticRegression(C=0.1, max_iter=5000, tol=1e-8)
    oracle.fit(rows, targets[:, 2], sample_weight=weights[::-1])
    np.testing.assert_allclose(expit(layer.logits(rows)[:, 2]), oracle.predict_proba(rows)[:, 1], atol=5e-3)


def test_rows_without_weight_change_nothing(data):
    rows, truth, _ = data
    weights = (np.arange(ROWS) % 2).astype(np.float64)
    odd = weights > 0
    with_them = fit_layer("softmax", rows, np.eye(4)[truth], weights, c=0.1)
    without = fit_layer("softmax", rows[odd], np.eye(4)[truth[odd]], weights[odd], c=0.1)
    np.testing.assert_allclose(softmax(with_them.logits(rows)), softmax(without.logits(rows)), atol=5e-3)


def test_unprojected_layer_says_of_features_what_the_layer_says_of_coordinates():
    rng = np.random.default_rng(2)
    features = rng.normal(3, 2, size=(50, WIDTH)).astype(np.float32)
    basis = fit_basis(features)
    layer = Layer(
        weight=rng.normal(size=(3, WIDTH)).astype(np.float32), bias=rng.normal(size=3).astype(np.float32)
    )
    expected = layer.logits(basis.project(features))
    np.testing.assert_allclose(basis.unproject(layer).logits(features), expected, atol=1e-3)


def test_a_constant_feature_does_no_harm():
    features = np.ones((30, 3), dtype=np.float32)
    features[:, 0] = np.arange(30)
    rows = fit_basis(features).project(features)
    assert np.isfinite(rows).all()
    layer = fit_layer("softmax", rows, np.eye(2)[np.arange(30) // 15], np.ones(30), c=1.0)
    assert (layer.logits(rows).argmax(axis=1) == np.arange(30) // 15).mean() > 0.9
