"""Reading binary numbers from a file, one after the other, never past its end."""

import mmap
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from models.errors import WeightsError

_T = TypeVar("_T")


class ByteCursor:
    """A place in a mapped file that moves forward.

    Args:
        data: The bytes.
        path: The file they come from, for messages.
    """

    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self._data = data
        self.path = path
        self.position = 0

    @property
    def end(self) -> int:
        """Size of the file in bytes."""
        return len(self._data)

    def take(self, size: int) -> bytes:
        """Read `size` bytes.

        Raises:
            WeightsError: The file ends before.
        """
        if size < 0 or self.position + size > self.end:
            raise WeightsError(
                f"{self.path} is cut short or damaged: expected {size} bytes at {self.position}, "
                f"found the end at {self.end}."
            )
        taken = self._data[self.position : self.position + size]
        self.position += size
        return taken

    def integers(self, form: str) -> tuple[int, ...]:
        """Read little-endian integers in a form of the `struct` module.

        Raises:
            WeightsError: The file ends before.
        """
        form = f"<{form}"
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def decoded(self, read: Callable[[], _T]) -> _T:
        """Call `read`, which interprets bytes.

        Raises:
            WeightsError: The bytes are no text.
        """
        try:
            return read()
        except (ValueError, OverflowError) as error:
            raise WeightsError(f"{self.path} is damaged: expected text in it, found: {error}.") from error
