"""Rows of a CSV file; a broken quote costs one line, not the rest of the file."""

import csv
from collections import deque
from collections.abc import Iterator
from typing import Final

from service.cli.errors import CliError
from service.cli.importing.rows import Malformed, Row, bad_byte

DELIMITERS: Final = ",;\t|"


def read_csv(lines: Iterator[str], *, delimiter: str | None) -> tuple[list[str], Iterator[Row | Malformed]]:
    """Read a header and the records below it.

    Args:
        lines: Of the file, line ends included.
        delimiter: Between cells; the most frequent of ``,;|`` and tab in the first line when `None`.

    Returns:
        The header's cells, and the records: their values are strings, an empty cell is left out.

    Raises:
        CliError: There is no header, or one that cannot be read.
    """
    source = _Lines(lines)
    first = next(source, None)
    if first is None or not first.strip():
        raise CliError("expected a header with the names of the columns in the first line, got none")
    source.put_back(0)
    try:
        reader = csv.reader(source, delimiter=delimiter or _delimiter_of(first), strict=True)
        header = [cell.strip() for cell in next(reader)]
    except (csv.Error, TypeError, StopIteration) as error:
        raise CliError(f"the first line is not a CSV header: {error}") from error
    if bad_byte(first):
        raise CliError(f"the header cannot be read: {bad_byte(first)}")
    return header, _records(reader, source, header)


class _Lines(Iterator[str]):
    """Lines with their numbers; those of the record in hand can be put back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = enumerate(lines, start=1)
        self._again: deque[tuple[int, str]] = deque()
        self._taken: list[tuple[int, str]] = []

    def __next__(self) -> str:
        numbered = self._again.popleft() if self._again else next(self._lines)
        self._taken.append(numbered)
        return numbered[1]

    def begin(self) -> None:
        """Forget the lines of the last record."""
        self._taken = []

    def put_back(self, keep: int) -> None:
        """Give the lines after the first `keep` of this record to the next one."""
        self._again.extendleft(reversed(self._taken[keep:]))
        del self._taken[keep:]

    @property
    def number(self) -> int:
        """Where the record in hand begins."""
        return self._taken[0][0]

    @property
    def text(self) -> str:
        """The record in hand as it stands in the file."""
        return "".join(line for _, line in self._taken).rstrip("\r\n")


def _records(reader: Iterator[list[str]], source: _Lines, header: list[str]) -> Iterator[Row | Malformed]:
    while True:
        source.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if len(header) > 1:
                # The fault is nearly always an open quote in the first line: read on in the second. With
                # a single column the lines inside a broken record would look like records of their own.
                source.put_back(1)
            yield Malformed(line=source.number, raw=source.text, reason=f"not CSV: {error}")
            continue
        if not cells:
            continue
        reason = bad_byte(source.text)
        if reason is None and len(cells) != len(header):
            reason = f"expected {len(header)} cells, as the header has, got {len(cells)}"
        if reason is not None:
            yield Malformed(line=source.number, raw=source.text, reason=reason)
            continue
        values = {name: cell for name, cell in zip(header, cells, strict=True) if cell.strip()}
        yield Row(line=source.number, raw=source.text, values=values)


def _delimiter_of(line: str) -> str:
    # The first of several equally frequent ones, so a comma when there is none at all.
    return max(DELIMITERS, key=line.count)
