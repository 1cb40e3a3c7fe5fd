"""Measure exact search in process: ``python tests/benchmarks/search.py --sizes 10000 50000``.

Made-up vectors around 64 centres; every point belongs to one tenant, so "none" filters by nothing else.
Run it on an otherwise idle machine.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from models.arrays import Floats2d
from service.store.vectors import EdgeIndex, Point, VectorFilter

TENANT = UUID(int=1)
CENTRES = 64
BATCH = 256
LIMIT = 10

FILTERS = {
    "none": VectorFilter(tenant=TENANT),
    "small (1.6 %)": VectorFilter(tenant=TENANT, complaint_id="complaint-7"),
    "big (20 %)": VectorFilter(tenant=TENANT, status=("open",)),
    "metadata (10 %)": VectorFilter(tenant=TENANT, metadata={"plan": 3}),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 50_000], help="points in the index")
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument(
        "--queries", type=int, default=200, help="measured for each filter, after 10 to warm up"
    )
    parser.add_argument("--folder", type=Path, default=None, help="where the index is made and removed again")
    arguments = parser.parse_args()
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            asyncio.run(measure(Path(folder), size, arguments.dimensions, arguments.queries))


async def measure(folder: Path, size: int, dimensions: int, queries: int) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(CENTRES, dimensions))
    vectors = clustered(rng, centres, size)
    show(f"\n{size:,} points, {dimensions} dimensions")

    began = time.perf_counter()
    index = EdgeIndex(folder, space="benchmark", dimensions=dimensions)
    show(f"{'open a new index':<28}{time.perf_counter() - began:9.2f} s")

    began = time.perf_counter()
    for start in range(0, size, BATCH):
        await index.upsert([point(n, vectors[n]) for n in range(start, min(size, start + BATCH))])
    show(f"{f'write, {BATCH} at a time':<28}{size / (time.perf_counter() - began):9,.0f} points/s")

    questions = clustered(rng, centres, queries + 10)
    for name, where in FILTERS.items():
        await report(f"search, filter {name}", questions, lambda q, w=where: index.query(q, w, limit=LIMIT))
    await report("search, best 1,000", questions[:60], lambda q: index.query(q, FILTERS["none"], limit=1000))
    await report("write 1 point", questions, lambda q: index.upsert([point(1, q)]))
    await index.close()

    began = time.perf_counter()
    again = EdgeIndex(folder, space="benchmark", dimensions=dimensions)
    show(f"{'open it again':<28}{time.perf_counter() - began:9.2f} s, {await again.count():,} points")
    await again.close()


def clustered(rng: np.random.Generator, centres: Floats2d, count: int) -> Floats2d:
    vectors = centres[rng.integers(CENTRES, size=count)] + rng.normal(size=(count, centres.shape[1]))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def point(number: int, vector: Any) -> Point:
    payload = {
        "tenant": str(TENANT),
        "language": ("de", "en", "fi")[number % 3],
        "sentiment": ("negative", "neutral", "positive")[number % 3],
        "topic": ["bug_crash", "other"][: 1 + number % 2],
        "urgency": ("low", "medium", "high", "critical")[number % 4],
        "account": f"account-{number % 500}",
        "complaint_id": f"complaint-{number % 64}",
        "status": "open" if number % 5 == 0 else "closed",
        "revenue": float(number % 1000),
        "occurred_at": 1.7e9 + number,
        "received_at": 1.7e9 + number,
        "metadata": {"plan": number % 10},
    }
    return Point(id=UUID(int=number + 1), vector=vector, payload=payload)


async def report(name: str, questions: Sequence[Any], ask: Callable[[Any], Awaitable[Any]]) -> None:
    seconds = []
    for question in questions:
        began = time.perf_counter()
        await ask(question)
        seconds.append(time.perf_counter() - began)
    p50, p95, worst = np.percentile(seconds[10:], [50, 95, 100]) * 1000
    show(f"{name:<28} p50 {p50:7.2f}  p95 {p95:7.2f}  worst {worst:7.2f} ms")


def show(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
