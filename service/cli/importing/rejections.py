"""The rows that were not stored, kept beside the file with their reasons."""

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import orjson

from service.cli.errors import CliError
from service.cli.importing.items import Rejection


class RejectionsFile:
    """A JSON Lines file of rejected rows: `line`, `reason`, and the row as `item` or `raw`.

    It holds what one run rejected: that of an earlier run is replaced, and goes when nothing is rejected.
    Each row is written at once, so a killed run leaves what it knew.

    Args:
        path: Where to write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            with suppress(FileNotFoundError):
                self.path.unlink()
        except OSError as error:
            raise CliError(f"cannot replace {self.path}: {error.strerror}") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, rejection: Rejection) -> None:
        """Write a rejected row.

        Raises:
            CliError: The file cannot be written.
        """
        what = "raw" if isinstance(rejection.content, str) else "item"
        row = {"line": rejection.line, "reason": rejection.reason, what: rejection.content}
        try:
            if self._file is None:
                self._file = self.path.open("wb")
            self._file.write(_as_line(row))
            self._file.flush()
        except OSError as error:
            raise CliError(f"cannot write {self.path}: {error.strerror}") from error
        self.count += 1


def _as_line(row: dict[str, object]) -> bytes:
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        # Bytes that are no characters: shown as escapes, for a person to find them.
        raw = str(row.get("raw", row.get("item"))).encode("utf-8", "surrogateescape")
        shown = {"line": row["line"], "reason": row["reason"], "raw": raw.decode("utf-8", "backslashreplace")}
        return orjson.dumps(shown, option=orjson.OPT_APPEND_NEWLINE)
