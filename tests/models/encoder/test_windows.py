import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.encoder.windows import l2_normalise, merge_windows, token_budget_batches, window_spans

finite = st.floats(-1e3, 1e3, width=32).filter(lambda value: value == 0 or abs(value) > 1e-6)


@given(st.integers(0, 3000), st.integers(1, 600))
def test_spans_cover_everything_once_in_order_and_fit(length, room):
    spans = window_spans(length, room)

    assert [place for start, stop in spans for place in range(start, stop)] == list(range(length))
    assert all(stop - start <= room for start, stop in spans)
    assert len(spans) == max(1, -(-length // room))


@given(st.lists(st.integers(1, 600), max_size=60), st.integers(1, 2000))
def test_batches_hold_every_sequence_once_and_stay_within_the_budget(lengths, budget):
    batches = token_budget_batches(lengths, budget)

    assert sorted(place for batch in batches for place in batch.tolist()) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[place] for place in batch) <= budget


@given(st.lists(st.integers(1, 600), min_size=1, max_size=60))
def test_batches_go_from_long_to_short(lengths):
    order = [lengths[place] for batch in token_budget_batches(lengths, 1000) for place in batch]

    assert order == sorted(lengths, reverse=True)


def test_nothing_makes_no_batch():
    assert token_budget_batches([], 100) == []


@given(st.data(), st.integers(1, 5))
def test_merging_is_the_weighted_mean_of_each_owners_rows(data, count):
    owners = np.array([*range(count), *data.draw(st.lists(st.integers(0, count - 1), max_size=6))])
    rows = data.draw(arrays(np.float32, (len(owners), 3), elements=finite))
    weights = data.draw(arrays(np.float32, len(owners), elements=st.floats(1, 512, width=32)))

    merged = merge_windows(rows, owners, weights, count)

    for owner in range(count):
        mine = owners == owner
        expected = np.average(rows[mine].astype(np.float64), axis=0, weights=weights[mine])
        np.testing.assert_allclose(merged[owner], expected, rtol=1e-4, atol=1e-2)


def test_one_window_a_text_is_left_exactly_as_it_is():
    rows = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)

    np.testing.assert_array_equal(merge_windows(rows, np.arange(4), np.float32([3, 1, 7, 512]), 4), rows)


@given(arrays(np.float32, (4, 5), elements=finite))
def test_normalised_rows_have_length_one_or_are_zero(rows):
    lengths = np.linalg.norm(l2_normalise(rows), axis=1)

    for before, after in zip(np.linalg.norm(rows, axis=1), lengths, strict=True):
        assert after == pytest.approx(1 if before else 0, abs=1e-3)
