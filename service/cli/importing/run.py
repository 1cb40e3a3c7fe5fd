"""One import from its first row to its last."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader

from service.cli.importing.batches import batches
from service.cli.importing.items import Item, Rejection
from service.cli.importing.reading import Reading
from service.cli.importing.rejections import RejectionsFile
from service.cli.importing.sender import Sender, Stored
from service.cli.importing.tally import Tally


@dataclass(slots=True, kw_only=True)
class Import:
    """Reads, sends and counts.

    Attributes:
        source: The file.
        reading: How to read it.
        rejections: Where rejected rows go.
        sender: What stores the others; `None` only checks them.
        moved: Is told the position in the file, in bytes, and the counts so far.
        tally: What became of the rows.
    """

    source: BufferedReader
    reading: Reading
    rejections: RejectionsFile
    sender: Sender | None
    moved: Callable[[int, Tally], None]
    tally: Tally = field(default_factory=Tally)

    def run(self) -> Tally:
        """Work through the file; rows that cannot be used are kept aside.

        Raises:
            CliError: The file as a whole cannot be used, or the service refuses or stays away.
        """
        for batch in batches(self._items()):
            if self.sender is not None:
                for outcome in self.sender.send(batch):
                    self._count(outcome)
            self.moved(self._position(), self.tally)
        return self.tally

    def _items(self) -> Iterator[Item]:
        for result in self.reading.results(self.source):
            self.tally.rows += 1
            if isinstance(result, Rejection):
                self._count(result)
            else:
                yield result

    def _count(self, outcome: Stored | Rejection) -> None:
        if isinstance(outcome, Rejection):
            self.rejections.add(outcome)
        self.tally.add(outcome)

    def _position(self) -> int:
        # A pipe has no position, and a file that was read to its end may be closed by now.
        return self.source.tell() if not self.source.closed and self.source.seekable() else 0


def size_of(source: BufferedReader) -> int | None:
    """Return the length of a file in bytes; `None` of a pipe."""
    try:
        return os.fstat(source.fileno()).st_size if source.seekable() else None
    except OSError:  # a buffer in memory is no file
        return None
