import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from models.complaints.exact import GRID, on_grid


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_products_of_vectors_on_the_grid_have_one_value_in_any_order_of_summing(seed):
    rng = np.random.default_rng(seed)
    rows = on_grid(rng.normal(size=(20, 384)).astype(np.float32)) / np.float32(GRID)
    whole = (rows.astype(np.float64) @ rows.T.astype(np.float64)).astype(np.float32)
    mixed = rng.permutation(384)
    assert np.array_equal(rows @ rows.T, whole)
    assert np.array_equal(rows[:, mixed] @ rows[:, mixed].T, whole)


def test_products_are_the_same_with_any_number_of_threads():
    rows = on_grid(np.random.default_rng(0).normal(size=(500, 384)).astype(np.float32)) / np.float32(GRID)
    with threadpool_limits(1):
        alone = rows @ rows.T
    with threadpool_limits(2):
        together = rows @ rows.T
    assert np.array_equal(alone, together)


def test_length_is_kept_to_a_tenth_of_a_percent_and_nothing_stays_nothing():
    rows = on_grid(np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32)) / np.float32(GRID)
    assert abs(float(np.linalg.norm(rows[0])) - 1) < 1e-3
    assert rows[1].tolist() == [0.0, 0.0]
