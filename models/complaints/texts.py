"""What a refit knows of one text, and the order in which it looks at texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

from models.arrays import Floats2d


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintText:
    """One text that may be a member of a complaint.

    Attributes:
        id: The text's own id; unique among the texts of a refit.
        text: What the customer wrote.
        language: ISO 639 code, or `und`.
        customer: Who says it: an account or an author. `None` counts as a customer of its own.
        occurred_on: Day on which it was said, UTC.
    """

    id: str
    text: str
    language: str
    customer: str | None
    occurred_on: date

    @property
    def voice(self) -> str:
        """Whom this text counts for when customers are counted."""
        return f"text:{self.id}" if self.customer is None else f"customer:{self.customer}"


def canonical_order(texts: Sequence[ComplaintText], vectors: Floats2d) -> list[int]:
    """Return the rows in an order that does not depend on the order given.

    By a hash of what was written and of its vector in the precision that is stored, then by id: the
    same stored texts come in the same order on every machine, whatever ids they got there.

    Args:
        texts: Any number, with ids of their own.
        vectors: *Shape:* ``(len(texts), dimensions)``, float32.

    Returns:
        Row numbers, each once.

    Raises:
        ValueError: Numbers of texts and vectors differ, an id occurs twice, or a number is not finite.
    """
    if vectors.ndim != 2 or len(vectors) != len(texts):  # noqa: PLR2004
        raise ValueError(f"expected one vector a text, got {vectors.shape} for {len(texts)} texts")
    if len({text.id for text in texts}) != len(texts):
        raise ValueError("expected ids that occur once, some occur twice")
    if not bool((abs(vectors) <= 1e3).all()):  # noqa: PLR2004
        raise ValueError("expected finite vectors of about length 1")
    stored = vectors.astype("<f2")
    keys = [
        (
            blake2b(text.text.encode("utf-8", "surrogatepass") + row.tobytes(), digest_size=16).digest(),
            text.id,
        )
        for text, row in zip(texts, stored, strict=True)
    ]
    return sorted(range(len(texts)), key=keys.__getitem__)
