"""One way to print a benchmark's table and to keep it, dated, in docs/benchmarks.md."""

import os
import platform
import re
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def machine() -> str:
    """Describe the machine: processor, cores, system, Python."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = re.search(r"model name\s*:\s*(.+)", info.read_text())
        cpu = named.group(1) if named else cpu
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Write a Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def publish(title: str, command: str, body: str, *, write: bool) -> None:
    """Print a benchmark's result; with `write`, put it in place of its section in docs/benchmarks.md."""
    text = f"## {title}\n\n`{command}`, {datetime.now(UTC):%Y-%m-%d}, {machine()}.\n\n{body}\n"
    print(text)  # noqa: T201  (a benchmark's output is its purpose)
    if write:
        page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Benchmarks\n"
        section = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
        page = (
            section.sub(lambda _: text + "\n", page) if section.search(page) else f"{page.rstrip()}\n\n{text}"
        )
        PAGE.write_text(page.rstrip() + "\n", encoding="utf-8")
