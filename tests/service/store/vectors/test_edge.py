import asyncio
import os
import shutil
import signal
import subprocess
import sys
from uuid import UUID

import numpy as np
import pytest
import qdrant_edge

from service.store.errors import IndexUnavailableError
from service.store.vectors import edge as edge_module
from service.store.vectors.edge import EdgeIndex
from service.store.vectors.protocol import Point, VectorFilter

pytestmark = pytest.mark.anyio

DIMENSIONS = 16
TENANT = UUID(int=1)

WRITER = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
import numpy as np
from service.store.vectors import EdgeIndex, Point

async def write():
    index = EdgeIndex(Path(sys.argv[1]), space="s", dimensions=16)
    for batch in range(10_000):
        await index.upsert([
            Point(id=UUID(int=batch * 100 + n), vector=np.ones(16, dtype=np.float32) + n,
                  payload={"tenant": str(UUID(int=1)), "language": "de"})
            for n in range(100)
        ])
        print(batch, flush=True)

asyncio.run(write())
"""


def points(first: int, count: int) -> list[Point]:
    vectors = np.random.default_rng(first).normal(size=(count, DIMENSIONS)).astype(np.float32)
    return [
        Point(id=UUID(int=first + n), vector=vectors[n], payload={"tenant": str(TENANT)})
        for n in range(count)
    ]


def open_edge(folder) -> EdgeIndex:
    return EdgeIndex(folder, space="s", dimensions=DIMENSIONS)


@pytest.fixture
async def index(index_folder):
    opened = open_edge(index_folder)
    yield opened
    await opened.close()


class FailingShard:
    """Raises on every call; stands where the engine's shard stands."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __getattr__(self, _name: str):
        def fail(*_arguments):
            raise self._error

        return fail


class PanicException(BaseException):
    """What a panic in the engine's Rust code arrives as."""


@pytest.mark.parametrize(
    "error", [Exception("no space left"), OSError(28, "no space left"), PanicException("x")]
)
async def test_an_error_of_the_engine_is_an_index_that_is_unavailable(index, monkeypatch, error):
    with monkeypatch.context() as patch:
        patch.setattr(index, "_shard", FailingShard(error))
        for call in (
            lambda: index.upsert(points(0, 1)),
            lambda: index.delete([UUID(int=1)]),
            lambda: index.query(np.ones(DIMENSIONS), VectorFilter(tenant=TENANT), limit=1),
            index.scroll_ids,
            index.count,
            index.ping,
        ):
            with pytest.raises(IndexUnavailableError, match="vector index failed") as raised:
                await call()
            assert raised.value.__cause__ is error


async def test_a_mistake_of_our_own_is_not_called_unavailable(index, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(index, "_shard", FailingShard(TypeError("ours")))
        with pytest.raises(TypeError, match="ours"):
            await index.ping()


async def test_a_shard_of_another_length_is_refused_with_both_lengths(index_folder, index):
    await index.close()
    with pytest.raises(IndexUnavailableError, match=r"cannot be opened.*12.*16.*reindex"):
        EdgeIndex(index_folder, space="s", dimensions=12)
    assert await open_edge_and_count(index_folder) == 0


async def test_a_damaged_shard_says_how_to_rebuild_it(index_folder, index):
    await index.close()
    [shard] = index_folder.iterdir()
    (shard / "edge_config.json").write_text("{")
    with pytest.raises(IndexUnavailableError, match="closeloop reindex"):
        open_edge(index_folder)


async def test_a_folder_that_cannot_be_made_is_an_index_that_is_unavailable(index_folder):
    (index_folder / "file").touch()
    with pytest.raises(IndexUnavailableError):
        open_edge(index_folder / "file")


async def test_a_second_process_is_told_that_another_holds_the_shard(index_folder, index, pytestconfig):
    second = subprocess.run(  # noqa: ASYNC221, S603  nothing else runs on this loop
        [sys.executable, "-c", WRITER, str(index_folder)],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "IndexUnavailableError: expected to be the only one to open the vector index" in second.stderr
    assert "CLOSELOOP_QDRANT_URL" in second.stderr


@pytest.mark.parametrize("acknowledged", [1, 7, 40])
async def test_a_writer_killed_mid_way_loses_no_acknowledged_point(index_folder, acknowledged, pytestconfig):
    with subprocess.Popen(  # noqa: ASYNC220, S603  nothing else runs on this loop
        [sys.executable, "-c", WRITER, str(index_folder)],
        cwd=pytestconfig.rootpath,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        for _ in range(acknowledged):
            last = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split()
    last = int(rest[-1]) if rest else last
    index = open_edge(index_folder)
    ids = await index.scroll_ids(limit=1_000_000)
    assert set(ids) >= {UUID(int=n) for n in range((last + 1) * 100)}
    german = VectorFilter(tenant=TENANT, language=("de",))
    assert len(await index.query(np.ones(DIMENSIONS), german, limit=len(ids) + 1)) == len(ids)
    await index.upsert(points(0, 1))
    await index.close()


async def test_a_power_cut_that_leaves_only_the_synced_log_loses_no_acknowledged_point(index_folder):
    # The files of the shard as they were before the writes, beside the log as it is after them: what a disk
    # may hold when nothing but the log was forced to it.
    index = open_edge(index_folder / "live")
    await index.upsert(points(0, 10))
    await index.close()
    shutil.copytree(index_folder / "live", index_folder / "cut")
    index = open_edge(index_folder / "live")
    await index.upsert(points(100, 200))
    await index.upsert(points(0, 1))
    await index.delete([UUID(int=5)])
    [live] = (index_folder / "live").iterdir()
    [cut] = (index_folder / "cut").iterdir()
    shutil.rmtree(cut / "wal")
    shutil.copytree(live / "wal", cut / "wal")
    await index.close()

    after = open_edge(index_folder / "cut")
    ids = set(await after.scroll_ids())
    assert ids == {UUID(int=n) for n in (*range(10), *range(100, 300))} - {UUID(int=5)}
    await after.close()


async def test_every_write_syncs_the_log_before_it_returns(index, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    await index.upsert(points(0, 1))
    assert synced
    synced.clear()
    await index.delete([UUID(int=0)])
    assert synced


async def test_the_log_is_emptied_now_and_then(index, monkeypatch):
    flushes = []

    class Counting:
        def __init__(self, shard):
            self._shard = shard

        def __getattr__(self, name):
            if name == "flush":
                flushes.append(name)
            return getattr(self._shard, name)

    monkeypatch.setattr(edge_module, "_FLUSH_EVERY", 100)
    monkeypatch.setattr(index, "_shard", Counting(index._shard))
    await index.upsert(points(0, 99))
    assert flushes == []
    await index.upsert(points(99, 1))
    assert flushes == ["flush"]
    await index.upsert(points(100, 99))
    assert flushes == ["flush"]


async def test_readers_and_writers_at_the_same_time_do_not_disturb_each_other(index):
    async def read() -> int:
        hits = await index.query(np.ones(DIMENSIONS), VectorFilter(tenant=TENANT), limit=2000)
        return len(hits)

    async def write(start: int) -> None:
        await index.upsert(points(start, 150))

    *counts, _, _ = await asyncio.gather(*[read() for _ in range(20)], write(0), write(1000))
    assert all(count <= 300 for count in counts)
    assert await read() == 300


async def test_a_point_deleted_while_a_page_is_read_is_left_out(index, monkeypatch):
    await index.upsert(points(0, 5))
    find = index._page

    def find_then_lose(*arguments):
        page = find(*arguments)
        index._delete([page[0][1]])
        return page

    monkeypatch.setattr(index, "_page", find_then_lose)
    assert len(await index.query(np.ones(DIMENSIONS), VectorFilter(tenant=TENANT), limit=5)) == 4


async def test_a_cancelled_write_leaves_an_index_that_works(index):
    task = asyncio.create_task(index.upsert(points(0, 5000)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await index.upsert(points(10_000, 1))
    assert UUID(int=10_000) in await index.scroll_ids(limit=10_000)


async def test_another_space_is_another_shard(index_folder, index):
    await index.upsert(points(0, 3))
    other = EdgeIndex(index_folder, space="S", dimensions=DIMENSIONS)
    assert await other.count() == 0
    await other.close()


async def open_edge_and_count(folder) -> int:
    index = open_edge(folder)
    count = await index.count()
    await index.close()
    return count


async def test_a_point_that_is_not_named_by_a_uuid_is_not_ours(index):
    foreign = qdrant_edge.Point(7, [1.0] * DIMENSIONS, {"tenant": str(TENANT)})
    index._shard.update(qdrant_edge.UpdateOperation.upsert_points([foreign]))
    with pytest.raises(IndexUnavailableError, match="expected points named by UUIDs"):
        await index.query(np.ones(DIMENSIONS), VectorFilter(tenant=TENANT), limit=1)
