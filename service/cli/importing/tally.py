"""What became of the rows of a file."""

from dataclasses import asdict, dataclass
from typing import Any

from service.cli.importing.items import Rejection
from service.cli.importing.sender import Stored


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts.

    Attributes:
        rows: Read so far.
        created: Stored by this run.
        known: Stored before.
        rejected: Not stored.
    """

    rows: int = 0
    created: int = 0
    known: int = 0
    rejected: int = 0

    def add(self, outcome: Stored | Rejection) -> None:
        """Count what became of one row."""
        if isinstance(outcome, Rejection):
            self.rejected += 1
        elif outcome.created:
            self.created += 1
        else:
            self.known += 1

    def document(self, *, seconds: float) -> dict[str, Any]:
        """Return the counts for `--json`."""
        return {**asdict(self), "seconds": round(seconds, 1)}

    def sentence(self, *, seconds: float) -> str:
        """Return the counts in words.

        >>> Tally(rows=3, created=2, rejected=1).sentence(seconds=2.0)
        '3 rows: 2 stored, 0 there already, 1 rejected (2.0 s, 1 new texts a second)'
        """
        rate = f", {self.created / seconds:.0f} new texts a second" if self.created and seconds > 0 else ""
        return (
            f"{self.rows:,} rows: {self.created:,} stored, {self.known:,} there already, "
            f"{self.rejected:,} rejected ({seconds:.1f} s{rate})"
        )
