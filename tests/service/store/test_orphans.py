"""Points that no row stands behind leave the index with a reindex; all others stay."""

import asyncio
import time
from uuid import uuid4

import numpy as np

from service.store.vectors import Point


def test_a_reindex_removes_points_without_a_text_and_keeps_the_others(client):
    answer = client.post("/v1/feedback?wait=indexed", json={"items": [{"text": "the app crashes"}]})
    kept = answer.json()["items"][0]["id"]
    state = client.app.state.closeloop
    stray = Point(id=uuid4(), vector=np.ones(384, np.float32), payload={"tenant": str(state.default_tenant)})
    asyncio.run(state.index.upsert([stray]))
    assert asyncio.run(state.index.count()) == 2

    assert client.post("/v1/reindex", json={}).json() == {"queued": 1}
    while asyncio.run(state.index.count()) > 1:
        time.sleep(0.05)
    assert [str(point) for point in asyncio.run(state.index.scroll_ids())] == [kept]
