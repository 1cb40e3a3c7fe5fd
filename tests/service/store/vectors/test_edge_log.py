from uuid import UUID

import numpy as np
import pytest
import qdrant_edge

from service.store.vectors import edge_log
from service.store.vectors.edge_log import EdgeLog
from service.store.vectors.edge_shard import open_shard

DIMENSIONS = 384


@pytest.fixture
def synced(monkeypatch) -> set[str]:
    """Names that were synced, and indeed: the real call is made too."""
    names: set[str] = set()
    sync = edge_log._sync

    def note(path):
        sync(path)
        names.add(path.name)

    monkeypatch.setattr(edge_log, "_sync", note)
    return names


def contents(folder) -> dict[str, int]:
    return {part.name: hash(part.read_bytes()) for part in folder.iterdir()}


def test_every_part_that_changed_is_synced_when_the_log_rolls_over_and_after_it_was_opened_again(
    index_folder, synced
):
    # A part holds 32 MB; this writes about 110 MB, flushes, and opens the shard again on the way.
    shard, folder = open_shard(index_folder / "shard", DIMENSIONS), index_folder / "shard" / "wal"
    log = EdgeLog(index_folder / "shard")
    log.sync()
    before, rolled = contents(folder), 0
    batch = [
        qdrant_edge.Point(UUID(int=n), vector, {"tenant": "x" * 20_000})
        for n, vector in enumerate(np.random.default_rng(0).normal(size=(256, DIMENSIONS)).tolist())
    ]
    for step in range(20):
        if step == 7:
            shard.close()
            shard, log = open_shard(index_folder / "shard", DIMENSIONS), EdgeLog(index_folder / "shard")
        if step == 14:
            shard.flush()
            before = contents(folder)  # it notes where replay begins; an older note would only replay more
        synced.clear()
        shard.update(qdrant_edge.UpdateOperation.upsert_points(batch))
        log.sync()
        after = contents(folder)
        changed = {name for name in after if after[name] != before.get(name)}
        assert changed
        assert changed <= synced
        rolled += any(name.startswith("closed-") for name in changed)
        before = after
    assert rolled
    shard.close()


def test_an_unchanged_list_of_parts_costs_one_sync(index_folder, synced):
    shard = open_shard(index_folder / "shard", DIMENSIONS)
    log = EdgeLog(index_folder / "shard")
    log.sync()
    synced.clear()
    log.sync()
    assert len(synced) == 1
    shard.close()


def test_a_part_that_is_renamed_while_the_log_is_synced_is_passed_over(index_folder, monkeypatch):
    shard = open_shard(index_folder / "shard", DIMENSIONS)
    parts = [*(index_folder / "shard" / "wal").iterdir(), index_folder / "open-99"]
    monkeypatch.setattr(edge_log.Path, "iterdir", lambda _self: iter(parts))
    EdgeLog(index_folder / "shard").sync()
    shard.close()
