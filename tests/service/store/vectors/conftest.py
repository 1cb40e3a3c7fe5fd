import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def index_folder() -> Iterator[Path]:
    # A new shard syncs a hundred files: in memory, where there is such a place, that is ten times faster.
    memory = Path("/dev/shm")  # noqa: S108  made unpredictable below
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)
