from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.batches import batches_of, rows_of_epoch
from training.datasets.example import Example

SOURCES = {"texts": 40, "umsab/train/sentiment": 100, "gold": 7}


def example(number, source):
    return Example(
        id=f"{source}/{number}", text=str(number), lang="en", source="s", group=str(number), role="train"
    )


EXAMPLES = [example(number, source) for source, count in SOURCES.items() for number in range(count)]
LIMITS = {"umsab/train/sentiment": 30}


def source_of(place):
    return EXAMPLES[place].id.rpartition("/")[0]


def test_no_rows_make_no_epoch_and_no_batches():
    assert rows_of_epoch([], LIMITS, seed=0, epoch=0) == []
    assert batches_of([], [], size=4, seed=0) == []


def test_a_limit_above_the_rows_there_are_takes_all():
    found = rows_of_epoch(EXAMPLES, {"gold": 100, "elsewhere": 1}, seed=0, epoch=0)
    assert sorted(found) == list(range(len(EXAMPLES)))


def test_without_limits_an_epoch_reads_every_row_once():
    assert sorted(rows_of_epoch(EXAMPLES, {}, seed=0, epoch=3)) == list(range(len(EXAMPLES)))


@given(st.integers(0, 100), st.integers(0, 20))
def test_a_limited_source_gives_so_many_rows_and_the_others_all_of_theirs(seed, epoch):
    found = rows_of_epoch(EXAMPLES, LIMITS, seed=seed, epoch=epoch)
    assert Counter(map(source_of, found)) == SOURCES | LIMITS
    assert len(set(found)) == len(found)


def test_every_epoch_draws_other_rows_until_all_have_been_read():
    epochs = [set(rows_of_epoch(EXAMPLES, LIMITS, seed=0, epoch=epoch)) for epoch in range(20)]
    assert epochs[0] != epochs[1]
    assert set.union(*epochs) == set(range(len(EXAMPLES)))


def test_an_epoch_depends_on_its_number_and_the_seed_alone():
    first = rows_of_epoch(EXAMPLES, LIMITS, seed=1, epoch=4)
    assert rows_of_epoch(EXAMPLES, LIMITS, seed=1, epoch=4) == first
    assert rows_of_epoch(EXAMPLES, LIMITS, seed=2, epoch=4) != first
    assert rows_of_epoch(EXAMPLES, LIMITS, seed=1, epoch=5) != first


def test_sources_are_mixed_within_an_epoch():
    found = [source_of(place) for place in rows_of_epoch(EXAMPLES, {}, seed=0, epoch=0)]
    assert set(found[:30]) >= {"texts", "umsab/train/sentiment"}


@given(st.integers(1, 400), st.integers(1, 9), st.integers(0, 50))
def test_every_row_is_in_one_batch_and_no_batch_is_too_large(count, size, seed):
    rng = np.random.default_rng(seed)
    places, lengths = rng.permutation(count).tolist(), rng.integers(1, 200, count).tolist()
    batches = batches_of(places, lengths, size=size, seed=seed)
    assert sorted(place for batch in batches for place in batch) == list(range(count))
    assert {len(batch) for batch in batches[:-1]} <= set(range(1, size + 1))
    assert len(batches) == -(-count // size)


def test_rows_of_a_batch_are_of_like_length():
    rng = np.random.default_rng(0)
    lengths = rng.integers(4, 160, 1600).tolist()
    batches = batches_of(rng.permutation(1600).tolist(), lengths, size=32, seed=0)
    padded = sum(len(batch) * max(lengths[place] for place in batch) for batch in batches)
    assert padded / sum(lengths) < 1.05


def test_batches_come_in_random_order_that_depends_on_the_seed_alone():
    places, lengths = list(range(200)), list(range(200))
    one, again, other = (batches_of(places, lengths, size=8, seed=seed) for seed in (1, 1, 2))
    assert one == again != other
    assert [batch[0] for batch in one] != sorted(batch[0] for batch in one)


@pytest.mark.parametrize("seed", range(3))
def test_another_seed_changes_the_order_of_batches_not_what_is_in_them(seed):
    places, lengths = list(range(90)), [place % 7 for place in range(90)]
    found = batches_of(places, lengths, size=8, seed=seed)
    assert sorted(found) == sorted(batches_of(places, lengths, size=8, seed=99))
