import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.folds import dense_groups, grouped_folds

GROUPS = st.lists(st.sampled_from("abcdefghijklmnop"), min_size=1, max_size=80)


@settings(deadline=None)
@given(GROUPS, st.integers(2, 5), st.integers(0, 3))
def test_a_group_is_never_split_and_folds_are_even(groups, folds, seed):
    found = grouped_folds(groups, ["x"] * len(groups), folds=folds, seed=seed)
    fold_of = {}
    for group, fold in zip(groups, found.tolist(), strict=True):
        assert fold_of.setdefault(group, fold) == fold
    sizes = np.bincount(list(fold_of.values()), minlength=folds)
    assert sizes.max() - sizes.min() <= 1


@settings(deadline=None)
@given(st.permutations([f"g{i}" for i in range(30)]))
def test_folds_do_not_depend_on_the_order_of_rows(groups):
    found = grouped_folds(groups, ["x"] * 30, folds=3, seed=1)
    straight = grouped_folds(sorted(groups), ["x"] * 30, folds=3, seed=1)
    expected = dict(zip(sorted(groups), straight.tolist(), strict=True))
    assert dict(zip(groups, found.tolist(), strict=True)) == expected


def test_strata_are_spread_over_the_folds():
    groups = [f"g{i}" for i in range(40)]
    strata = ["rare" if i < 10 else "common" for i in range(40)]
    found = grouped_folds(groups, strata, folds=5, seed=0)
    assert np.bincount(found[:10]).tolist() == [2] * 5


def test_another_seed_deals_otherwise():
    groups = [f"g{i}" for i in range(40)]
    first, second = (grouped_folds(groups, ["x"] * 40, folds=5, seed=seed) for seed in (0, 1))
    assert first.tolist() != second.tolist()


@settings(deadline=None)
@given(GROUPS)
def test_dense_groups_have_no_gaps(groups):
    numbers = dense_groups(groups)
    assert sorted(set(numbers.tolist())) == list(range(len(set(groups))))
