"""What became of complaints between two refits: born, grew, split, merged, dormant, returned."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Event = Literal["born", "grew", "split", "merged", "dormant", "returned"]
_ORDER: tuple[Event, ...] = ("born", "split", "merged", "returned", "grew", "dormant")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageEvent:
    """One thing that happened to complaints.

    Attributes:
        event: What.
        sources: Complaints it happened to.
        targets: Complaints that came of it; for `split` the one that goes on comes first.
        texts: Ids of the texts it moved (`split`, `merged`), or that came in (`born`, `grew`, `returned`);
            sorted. An earlier member that changed complaint is in exactly one `split` or `merged`.
    """

    event: Event
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    texts: tuple[str, ...] = ()


def lineage(
    before: Mapping[str, str],
    after: Mapping[str, str | None],
    *,
    known: frozenset[str] = frozenset(),
) -> tuple[LineageEvent, ...]:
    """Explain how one partition became the next.

    Args:
        before: Complaint of each text that was a member of one.
        after: Complaint of each text that there is now; `None` for open ones. Texts of `before` that are
            missing here were deleted.
        known: Complaints that existed ever; others are born.

    Returns:
        Events, in the order born, split, merged, grew, then by id.
    """
    known = known | frozenset(before.values())
    alive = frozenset(name for name in after.values() if name is not None)
    moved: dict[tuple[str, str | None], list[str]] = {}
    came: dict[str, list[str]] = {}
    for text, new in after.items():
        old = before.get(text)
        if old is None and new is not None:
            came.setdefault(new, []).append(text)
        elif old is not None and new != old:
            moved.setdefault((old, new), []).append(text)
    heirs = {new for _, new in moved}
    events = [_moved(old, new, texts, known=known, alive=alive) for (old, new), texts in moved.items()]
    events += [_event("born", (), (name,), came.get(name, [])) for name in alive - known - heirs]
    events += [
        _event("grew", (name,), (name,), texts)
        for name, texts in came.items()
        if name in known or name in heirs
    ]
    return _ordered(events)


def _moved(
    old: str, new: str | None, texts: list[str], *, known: frozenset[str], alive: frozenset[str]
) -> LineageEvent:
    """Texts went from one complaint to another, or to none (`new` is `None`)."""
    if new is not None and new in known and old not in alive:
        return _event("merged", (old, new), (new,), texts)
    goes_on = (old,) if old in alive else ()
    return _event("split", (old,), goes_on + (() if new is None else (new,)), texts)


def rests(
    last_seen: Mapping[str, date],
    *,
    dormant: frozenset[str],
    as_of: date,
    quiet_days: int = 60,
) -> tuple[LineageEvent, ...]:
    """Tell which complaints fell asleep and which came back.

    Args:
        last_seen: Day of the latest text of each complaint.
        dormant: Complaints that sleep already.
        as_of: Today.
        quiet_days: Days without a text after which a complaint sleeps.

    >>> [e.event for e in rests({"a": date(2026, 1, 1)}, dormant=frozenset(), as_of=date(2026, 6, 1))]
    ['dormant']
    """
    limit = as_of - timedelta(days=quiet_days)
    events = [
        _event("dormant", (name,), (name,), [])
        for name, day in last_seen.items()
        if day < limit and name not in dormant
    ]
    events += [
        _event("returned", (name,), (name,), [])
        for name, day in last_seen.items()
        if day >= limit and name in dormant
    ]
    return _ordered(events)


def _event(
    event: Event, sources: tuple[str, ...], targets: tuple[str, ...], texts: list[str]
) -> LineageEvent:
    return LineageEvent(event=event, sources=sources, targets=targets, texts=tuple(sorted(texts)))


def _ordered(events: list[LineageEvent]) -> tuple[LineageEvent, ...]:
    return tuple(sorted(events, key=lambda e: (_ORDER.index(e.event), e.sources, e.targets)))
