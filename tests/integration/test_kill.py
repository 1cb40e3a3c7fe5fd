"""2,000 texts from four clients while the service is killed five times: nothing is lost, nothing is twice."""

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from models.artefact import read_manifest
from models.weights import default_cache, prepare_encoder
from service.settings import default_model
from service.store.database import Database
from service.store.records import Case, Feedback, OutboxEntry
from service.store.vectors import EdgeIndex

TEXTS = 2_000
BATCH = 64
CLIENTS = 4
KILLS = 5

pytestmark = [pytest.mark.weights, pytest.mark.slow]


class Service:
    """The real service as a process that can be killed and started again on the same data."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self._log = (folder / "service.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        code = "from service.cli import app; app()"
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            [sys.executable, "-c", code, "serve", "--host", "127.0.0.1", "--port", str(self.port)],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "CLOSELOOP_AUTH": "off", "CLOSELOOP_DATA_DIR": str(self.folder / "var")},
            stdout=self._log,
            stderr=self._log,
        )
        self._wait_until(lambda: httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200)

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=60)
        self._log.close()

    def wait_until_indexed(self) -> None:
        self._wait_until(lambda: httpx.get(f"{self.url}/v1/reindex", timeout=30).json()["pending"] == 0)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        for _ in range(1_200):
            try:
                if condition():
                    return
            except httpx.HTTPError:
                pass
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "service.log").read_text()[-2_000:]
            time.sleep(0.1)
        pytest.fail("the service did not get there")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(tmp_path)
    running.start()
    yield running
    running.stop()


def texts() -> list[str]:
    """Real texts where the evaluation data is at hand, else made-up ones of the same length."""
    data = os.environ.get("CLOSELOOP_DATA")
    if not data:
        return [
            f"Order {i} has not arrived, please tell me where it is and when it comes." for i in range(TEXTS)
        ]
    with gzip.open(Path(data) / "umsab" / "train.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line)["text"] for line, _ in zip(lines, range(8 * TEXTS), strict=False)]
    return rows[:: len(rows) // TEXTS][:TEXTS]


def post_all(service: Service, given: list[str], first: int, acknowledged: dict[str, str]) -> None:
    """Post every fourth batch; send a batch again until it is acknowledged, as a support tool would."""
    for start in range(first * BATCH, len(given), CLIENTS * BATCH):
        items = [
            {"text": text, "external_id": f"t{start + i}"}
            for i, text in enumerate(given[start : start + BATCH])
        ]
        while True:
            try:
                answer = httpx.post(
                    f"{service.url}/v1/feedback",
                    json={"items": items},
                    headers={"X-Deadline-Ms": "60000"},
                    timeout=90,
                )
            except httpx.HTTPError:
                time.sleep(0.2)
                continue
            if answer.status_code in {200, 201}:
                break
            time.sleep(0.5)
        for item, row in zip(items, answer.json()["items"], strict=True):
            acknowledged[item["external_id"]] = row["id"]


def test_what_was_acknowledged_survives_five_kills_once(service: Service) -> None:
    assert read_manifest(default_model()).name
    given = texts()
    acknowledged: dict[str, str] = {}
    clients = [
        threading.Thread(target=post_all, args=(service, given, first, acknowledged), daemon=True)
        for first in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    for kill in range(1, KILLS + 1):
        while len(acknowledged) < kill * TEXTS // (KILLS + 2):
            time.sleep(0.02)
        service.kill()
        service.start()
    for client in clients:
        client.join(timeout=600)
        assert not client.is_alive()
    service.wait_until_indexed()
    service.stop()

    assert len(acknowledged) == len(given)
    database = Database(f"sqlite+pysqlite:///{service.folder / 'var' / 'closeloop.db'}")
    with database.read() as session:
        stored = {row.external_id: (str(row.id), row.text, row.space) for row in session.query(Feedback)}
        assert session.query(Feedback).count() == len(given)
        assert session.query(Case).count() == len(given)
        assert session.query(OutboxEntry).count() == 0
    database.close()
    assert {key: row[0] for key, row in stored.items()} == acknowledged
    assert [stored[f"t{i}"][1] for i in range(len(given))] == given
    space = next(iter(stored.values()))[2]
    assert indexed(service.folder / "var" / "vectors", space) == set(acknowledged.values())


def indexed(folder: Path, space: str) -> set[str]:
    """Return the ids in the index, looked at from outside."""
    import asyncio  # noqa: PLC0415

    async def read() -> set[str]:
        index = EdgeIndex(folder, space=space, dimensions=384)
        found: set[str] = set()
        after = None
        while page := await index.scroll_ids(after=after):
            found |= {str(point) for point in page}
            after = page[-1]
        await index.close()
        return found

    return asyncio.run(read())


def test_the_encoder_is_ready_before_the_service_needs_it() -> None:
    """Converting is done once, ahead of the tests that start services."""
    assert prepare_encoder("bundled", default_cache(), report=lambda _: None).is_dir()
