from hypothesis import given
from hypothesis import strategies as st

from service.cli.importing.batches import BYTES_MAX, CHARS_MAX, ITEMS_MAX, batches
from service.cli.importing.items import Item


def test_nothing_makes_no_batch():
    assert list(batches([])) == []


@given(st.lists(st.tuples(st.integers(1, 20_000), st.integers(1, 400_000)), max_size=300))
def test_batches_keep_order_lose_nothing_and_stay_within_every_limit(sizes):
    items = [Item(line=i, content={}, chars=chars, size=size) for i, (chars, size) in enumerate(sizes)]
    cut = list(batches(items))
    assert [item for batch in cut for item in batch] == items
    for batch in cut:
        assert 1 <= len(batch) <= ITEMS_MAX
        assert sum(item.chars for item in batch) <= CHARS_MAX
        assert sum(item.size for item in batch) <= BYTES_MAX
