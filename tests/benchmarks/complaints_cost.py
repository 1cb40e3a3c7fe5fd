"""Seconds and memory of a refit at 5,000, 20,000 and 100,000 texts; needs CLOSELOOP_DATA.

Real texts of four sets mixed, and beyond them copies whose vectors are moved a little. Each size runs in a
process of its own: twice, the second time from the complaints of the first, with a tenth of the texts new.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from tests.benchmarks.report import publish, table

SIZES = (5_000, 20_000, 100_000)
NOISE = 0.02


def measure(size: int, vectors: Path) -> None:
    """Print the seconds and the memory of one size."""
    from models.complaints.refit import Earlier, refit  # noqa: PLC0415 (what it brings is part of the memory)
    from models.complaints.texts import ComplaintText  # noqa: PLC0415
    from tests.benchmarks.complaints import SPACE, load_parts  # noqa: PLC0415

    parts = load_parts(Path(os.environ["CLOSELOOP_DATA"]), vectors).values()
    rows = [row for part in parts for row in part.rows]
    table_ = np.concatenate([part.vectors for part in parts])
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(rows))[:size]
    chosen = np.concatenate([chosen, rng.integers(0, len(rows), max(0, size - len(chosen)))])
    found = table_[chosen]
    moved = found[len(rows) :] + rng.normal(size=found[len(rows) :].shape).astype(np.float32) * NOISE
    found[len(rows) :] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    texts = [
        ComplaintText(
            id=f"{place}",
            text=rows[row]["text"],
            language=rows[row]["lang"],
            customer=None,
            occurred_on=date(2026, 1, 1),
        )
        for place, row in enumerate(chosen.tolist())
    ]
    del table_, parts, rows
    first = size - size // 10
    started = time.perf_counter()
    before = refit(texts[:first], found[:first], space=SPACE)
    fresh = time.perf_counter() - started
    members = {text: name for text, name in before.members.items() if name}
    started = time.perf_counter()
    after = refit(texts, found, space=SPACE, earlier=Earlier(members=members))
    again = time.perf_counter() - started
    kept = np.mean([after.members[text] == name for text, name in members.items()])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cells = [
        f"{size:,}",
        f"{fresh:.0f}",
        f"{again:.0f}",
        f"{peak:,.0f}",
        f"{len(after.complaints):,}",
        f"{sum(name is None for name in after.members.values()) / size:.1%}",
        f"{kept:.1%}",
        f"{len(after.map.to_bytes()) / 1e6:.0f}",
    ]
    print(json.dumps(cells))  # noqa: T201  (read by the parent)


def main() -> None:
    """Run every size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep the result in docs/benchmarks.md")
    parser.add_argument(
        "--vectors", type=Path, default=Path("var/benchmark-vectors"), help="kept between runs"
    )
    parser.add_argument("--size", type=int, default=None, help="only this one, in this process")
    given = parser.parse_args()
    if "CLOSELOOP_DATA" not in os.environ:
        parser.error("expected the evaluation data's folder in CLOSELOOP_DATA, it is not set")
    if given.size:
        measure(given.size, given.vectors)
        return
    rows = []
    for size in SIZES:
        command = [sys.executable, __file__, "--size", str(size), "--vectors", str(given.vectors)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    head = ["texts", "first refit of 9/10, s", "refit with 1/10 new, s", "peak memory, MB"]
    head += ["complaints", "unclustered", "members kept", "map, MB"]
    publish(
        "Complaints: cost",
        "python tests/benchmarks/complaints_cost.py --write",
        table(head, rows),
        write=given.write,
    )


if __name__ == "__main__":
    main()
