"""Tables of one's own: JSON Lines, CSV, Parquet, exported corrections, data sets of a hub."""

import csv
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from models.labels import CHURN_RISK, DECLARED, SENTIMENTS, TOPICS, URGENCIES
from training.datasets.catalogue import DataFile
from training.datasets.example import Example, text_key
from training.errors import DataError
from training.experiment import Table

_SEPARATORS: Final = ";|"
"""Between labels, where a table keeps several in one cell."""
_BLANK: Final = (None, "")
_FLAGS: Final = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
"""How files write true and false; numbers with a point come from a column that has empty cells too."""


def read_table(table: Table) -> DataFile:
    """Read all rows of a table.

    Raises:
        DataError: It is missing, of an unknown form, or cannot be fetched.
    """
    rows = _hub_rows(table) if table.hub else _file_rows(table)
    content = table.path.read_bytes() if table.path else repr(rows).encode()
    return DataFile(
        source=table.name, split=table.split, sha256=hashlib.sha256(content).hexdigest(), rows=rows
    )


def table_examples(table: Table, file: DataFile) -> list[Example]:
    """Turn the rows of a table into examples; an empty cell says nothing about its head.

    Raises:
        DataError: A row has no text, or a label that is not of the closed sets.
    """
    columns = table.columns
    examples = []
    for number, row in enumerate(file.rows, start=1):
        where = f"{table.name}, row {number}"
        text = row.get(columns.text)
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{where}: expected a text in the column {columns.text!r}, got {text!r}")
        key = text_key(text)
        examples.append(
            Example(
                id=f"{table.name}/{table.split}/{number}",
                text=text,
                lang=str(row.get(columns.language) or "und"),
                source=table.name,
                group=f"{table.name}/{row.get(columns.group or '') or key}",
                role=table.role,
                weight=table.weight,
                sentiment=_label(where, row, columns.sentiment, SENTIMENTS),
                urgency=_label(where, row, columns.urgency, URGENCIES),
                topics=_topics(where, row, columns.topics),
                signals=_signals(where, row, table),
            )
        )
    return examples


def _label(where: str, row: Mapping[str, Any], column: str, allowed: Iterable[str]) -> str | None:
    value = row.get(column)
    if value is None or value == "":
        return None
    if value not in allowed:
        raise DataError(f"{where}: expected {column} to be one of {', '.join(allowed)}, got {value!r}")
    return str(value)


def _topics(where: str, row: Mapping[str, Any], column: str) -> tuple[str, ...] | None:
    return _several(where, row, column, TOPICS) or None


def _signals(where: str, row: Mapping[str, Any], table: Table) -> tuple[str, ...] | None:
    """Read signals; a row in which both cells are empty says nothing about them."""
    churn, declares = table.columns.churn_risk, table.columns.declares
    leaves = row.get(churn)
    if leaves in _BLANK and row.get(declares) in _BLANK:
        return None
    flag = False if leaves in _BLANK else _FLAGS.get(str(leaves).lower())
    if flag is None:
        raise DataError(f"{where}: expected {churn} to be true or false, got {leaves!r}")
    return (*((CHURN_RISK,) if flag else ()), *_several(where, row, declares, DECLARED))


def _several(where: str, row: Mapping[str, Any], column: str, allowed: Sequence[str]) -> tuple[str, ...]:
    """Read a cell that may hold several labels: a list, or text with separators."""
    value = row.get(column) or ()
    if isinstance(value, str):
        for separator in _SEPARATORS:
            value = value.replace(separator, "\n")
        value = [part.strip() for part in value.split("\n") if part.strip()]
    if not isinstance(value, list | tuple):
        raise DataError(f"{where}: expected {column} to be a list or text, got {value!r}")
    for label in value:
        if label not in allowed:
            raise DataError(f"{where}: expected {column} among {', '.join(allowed)}, got {label!r}")
    return tuple(dict.fromkeys(value))


def _file_rows(table: Table) -> list[dict[str, Any]]:
    path = table.path
    if path is None or path.suffix not in _READERS:
        raise DataError(f"expected a {', '.join(_READERS)} file for the table {table.name!r}, got {path}")
    if not path.is_file():
        raise DataError(f"expected the table {table.name!r} at {path}, found no file")
    try:
        return _READERS[path.suffix](path)
    except Exception as error:
        raise DataError(f"the table {table.name!r} at {path} cannot be read: {error}") from error


def _read_jsonl(path: Path) -> list[dict[str, Any]]:
    # Line by line: a library that types a file by its first rows refuses later ones with other keys, and
    # exported corrections have them. Not splitlines: texts may hold characters that it takes for line ends.
    lines = path.read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line.strip()]
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise TypeError(f"row {number} is no object")
    return rows


def _read_csv(path: Path) -> list[dict[str, Any]]:
    # As text throughout: a guess at types takes "N/A" for nothing and a text of digits for a number.
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file, strict=True))
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            raise ValueError(f"row {number} has another number of cells than the header")
    return rows


def _read_parquet(path: Path) -> list[dict[str, Any]]:
    from datasets import Dataset  # noqa: PLC0415 (pyarrow takes a second, and most runs have no tables)

    # A cache of its own: a shared one would answer for a file that has changed since.
    with tempfile.TemporaryDirectory() as cache:
        return list(Dataset.from_parquet(str(path), cache_dir=cache, keep_in_memory=True))


_READERS: Final[Mapping[str, Callable[[Path], list[dict[str, Any]]]]] = {
    ".jsonl": _read_jsonl,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}


def _hub_rows(table: Table) -> list[dict[str, Any]]:
    from datasets import load_dataset  # noqa: PLC0415 (see _read_parquet)

    try:
        return list(load_dataset(table.hub, table.configuration, split=table.split, revision=table.revision))
    except Exception as error:
        raise DataError(f"{table.hub} ({table.split}) cannot be fetched from the hub: {error}") from error
