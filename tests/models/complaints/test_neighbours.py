import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.complaints import neighbours
from models.complaints.exact import GRID, on_grid
from models.complaints.neighbours import nearest_by_language


def grid(seed: int, count: int) -> np.ndarray:
    return on_grid(np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32)) / np.float32(GRID)


def by_hand(vectors, languages, count, floor, *, same):
    found = []
    for row, vector in enumerate(vectors):
        near = [
            (-float(vector @ other), languages[column], column)
            for column, other in enumerate(vectors)
            if column != row and (languages[row] == languages[column]) == same and vector @ other >= floor
        ]
        found += [(row, column) for _, _, column in sorted(near)[:count]]
    return sorted(found)


@given(seed=st.integers(0, 1000), count=st.integers(1, 40), wanted=st.integers(1, 6))
@settings(max_examples=50, deadline=None)
def test_they_are_those_that_comparing_every_pair_finds(seed, count, wanted):
    vectors = grid(seed, count)
    vectors[count // 2 :] = vectors[: count - count // 2]  # copies, so that there are ties
    languages = [("en", "fi", "de")[number % 3] for number in range(count)]
    own, other = nearest_by_language(vectors, languages, count=wanted, floor=0.1)
    assert sorted(zip(own.rows, own.columns, strict=True)) == by_hand(
        vectors, languages, wanted, 0.1, same=True
    )
    assert sorted(zip(other.rows, other.columns, strict=True)) == by_hand(
        vectors, languages, wanted, 0.1, same=False
    )


def test_blocks_of_any_size_find_the_same(monkeypatch):
    vectors, languages = grid(1, 60), ["en", "fi"] * 30
    whole = nearest_by_language(vectors, languages, count=5, floor=-1.0)
    monkeypatch.setattr(neighbours, "_BLOCK_CELLS", 61)
    pieces = nearest_by_language(vectors, languages, count=5, floor=-1.0)
    for one, other in zip(whole, pieces, strict=True):
        assert np.array_equal(one.rows, other.rows)
        assert np.array_equal(one.columns, other.columns)


def test_of_no_texts_there_are_no_neighbours():
    own, other = nearest_by_language(grid(0, 0), [], count=5, floor=0.0)
    assert not len(own.rows)
    assert not len(other.rows)
