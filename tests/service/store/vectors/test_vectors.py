import subprocess
import sys

import pytest

from service.store import vectors
from service.store.vectors import EdgeIndex, open_index
from service.store.vectors.server import QdrantServerIndex

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("url", [None, ""])
async def test_without_an_address_the_index_is_in_process(index_folder, url):
    index = open_index(folder=index_folder, url=url, space="s", dimensions=4)
    assert isinstance(index, EdgeIndex)
    await index.close()


async def test_with_an_address_the_index_is_on_the_server_and_no_folder_is_made(index_folder):
    index = open_index(folder=index_folder / "no", url="http://qdrant.test:6333", space="s", dimensions=4)
    assert isinstance(index, QdrantServerIndex)
    assert not (index_folder / "no").exists()
    await index.close()


def test_the_index_in_process_does_not_import_the_servers_client(index_folder, pytestconfig):
    code = """
import asyncio, sys
from pathlib import Path
from service.store.vectors import open_index
asyncio.run(open_index(folder=Path(sys.argv[1]), space="s", dimensions=4).close())
print(sorted({"qdrant_client", "grpc"} & set(sys.modules)))
"""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, str(index_folder)],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_every_promised_name_is_there():
    assert all(hasattr(vectors, name) for name in vectors.__all__)
