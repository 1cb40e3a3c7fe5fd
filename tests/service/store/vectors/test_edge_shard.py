from uuid import UUID

import pytest
import qdrant_edge

from service.store.vectors import edge_shard
from service.store.vectors.edge_shard import open_shard
from service.store.vectors.points import KEYWORD_FIELDS, NUMBER_FIELDS


def test_a_shard_made_by_another_process_meanwhile_is_kept_and_the_draft_removed(index_folder):
    path = index_folder / "shard"
    first = open_shard(path, 4)
    first.update(qdrant_edge.UpdateOperation.upsert_points([qdrant_edge.Point(UUID(int=1), [1.0] * 4, {})]))
    first.close()
    edge_shard._create(path, 4)
    assert list(index_folder.iterdir()) == [path]
    again = open_shard(path, 4)
    assert again.count(qdrant_edge.CountRequest()) == 1
    again.close()


def test_a_draft_that_cannot_take_its_place_is_an_error(index_folder, monkeypatch):
    def refuse(_self, _target):
        raise PermissionError("read only")

    monkeypatch.setattr(edge_shard.Path, "rename", refuse)
    with pytest.raises(PermissionError):
        edge_shard._create(index_folder / "shard", 4)
    assert list(index_folder.iterdir()) == []


def test_every_filter_field_is_indexed_once_and_one_added_later_too(index_folder):
    path = index_folder / "shard"
    shard = open_shard(path, 4)
    shard.update(qdrant_edge.UpdateOperation.delete_field_index("channel"))
    shard.close()
    shard = open_shard(path, 4)
    schema = shard.info().payload_schema
    assert schema.keys() == {*KEYWORD_FIELDS, *NUMBER_FIELDS}
    assert schema["tenant"].params.is_tenant
    shard.close()


def test_no_graph_is_built_and_one_segment_stays_one(index_folder):
    shard = open_shard(index_folder / "shard", 4)
    points = [qdrant_edge.Point(UUID(int=n), [1.0, n, 0.0, 0.0], {}) for n in range(500)]
    for _ in range(3):
        shard.update(qdrant_edge.UpdateOperation.upsert_points(points))
    assert (shard.info().segments_count, shard.info().points_count) == (1, 500)
    assert shard.info().indexed_vectors_count == 0
    shard.close()
