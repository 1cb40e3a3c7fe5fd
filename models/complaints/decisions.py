"""What people decided about complaints: constraints of every later refit."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What people said; it wins over the method for ever.

    How a person's act becomes constraints:

    - a text moved to a complaint: `pinned[text] = complaint`; taken out of any: `pinned[text] = None`
    - a merged into b: `merged[a] = b` (chains are followed, so b may be merged on)
    - texts split off a into a new complaint b: each `pinned[text] = b`, and `apart` holds (a, b)
    - a dissolved: `dissolved` holds a; its members go on as a group that is not shown, so that new texts
      of the same matter do not found it anew

    Attributes:
        pinned: Complaint of a text by a person's word; `None` keeps it out of all.
        merged: Where a complaint went.
        apart: Pairs that are never one complaint.
        dissolved: Complaints that are none.
    """

    pinned: Mapping[str, str | None] = field(default_factory=dict)
    merged: Mapping[str, str] = field(default_factory=dict)
    apart: frozenset[frozenset[str]] = frozenset()
    dissolved: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for start in self.merged:
            self.survivor(start)
        if any(len(pair) != 2 for pair in self.apart):  # noqa: PLR2004
            raise ValueError("expected pairs of two complaints in `apart`")

    def survivor(self, complaint: str) -> str:
        """Return the complaint that this one was merged into, or itself.

        Raises:
            ValueError: Merges run in a circle.

        >>> Decisions(merged={"a": "b", "b": "c"}).survivor("a")
        'c'
        """
        seen = {complaint}
        while complaint in self.merged:
            complaint = self.merged[complaint]
            if complaint in seen:
                raise ValueError(f"expected merges that end, {complaint} leads back to itself")
            seen.add(complaint)
        return complaint

    def forbids(self, one: str, other: str) -> bool:
        """Tell whether people said that these two are not the same."""
        pair = {self.survivor(one), self.survivor(other)}
        return any({self.survivor(name) for name in kept} == pair for kept in self.apart if len(pair) > 1)
