"""One labelled text, whatever it came from."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from training.errors import DataError

Role = Literal["folds", "extra", "validation", "report", "benchmark"]
"""What a row is for.

`folds`: takes part in the grouped folds, once held out; `extra`: always among the training rows;
`validation`: never trained on, helps to choose and to calibrate; `report`: only reported on;
`benchmark`: only reported on, a public test split.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A text and what is known about it; a label that nobody gave is `None`.

    Attributes:
        id: Unique within a run.
        lang: Language code.
        source: Name in the catalogue.
        group: Rows of one group never fall on two sides of a split.
        role: What the row is for.
        weight: How much it counts in training, against 1 for a row of the folds.
        topics: Every topic that applies, the main one first.
    """

    id: str
    text: str
    lang: str
    source: str
    group: str
    role: Role
    weight: float = 1.0
    sentiment: str | None = None
    urgency: str | None = None
    topics: tuple[str, ...] | None = None

    @property
    def topic(self) -> str | None:
        """The main topic."""
        return self.topics[0] if self.topics else None


def write_examples(path: Path, examples: Iterable[Example]) -> None:
    """Write examples as JSON Lines."""
    lines = (json.dumps(asdict(example), ensure_ascii=False) + "\n" for example in examples)
    path.write_text("".join(lines), encoding="utf-8")


def read_examples(path: Path) -> list[Example]:
    """Read examples from JSON Lines.

    Raises:
        DataError: The file is missing or holds something else.
    """
    try:
        # Not splitlines: a text may hold a character that it takes for the end of a line.
        lines = path.read_text(encoding="utf-8").split("\n")
        rows = [json.loads(line) for line in lines if line]
        return [
            Example(**{**row, "topics": tuple(row["topics"]) if row["topics"] is not None else None})
            for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"expected prepared examples at {path}, got {error}") from error
