"""One labelled text, whatever it came from."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from training.errors import DataError

Role = Literal["train", "validation", "benchmark"]
"""What a row is for.

`train`: the network learns from it; `validation`: never trained on, serves to choose, to calibrate and
to report; `benchmark`: only reported on, a public test split.
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
        weight: How much it counts in training, against 1 for a written text.
        topics: Every topic that applies, the main one first.
        signals: Those of `models.labels.SIGNALS` that are present, if anybody looked for them.
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
    signals: tuple[str, ...] | None = None

    @property
    def topic(self) -> str | None:
        """The main topic."""
        return self.topics[0] if self.topics else None


def share_of_name(name: str) -> float:
    """Return a number that stands for a name, evenly spread over 0..1: what lies below a share is in it.

    >>> share_of_name("texts/fi-0001") == share_of_name("texts/fi-0001")
    True
    """
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def text_key(text: str) -> str:
    """Return the name under which labels of a text are kept apart from it: 16 hexadecimal digits.

    >>> text_key("hello")
    '2cf24dba5fb0a30e'
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


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
        return [Example(**row | {name: _tuple(row[name]) for name in ("topics", "signals")}) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"expected prepared examples at {path}, got {error}") from error


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
