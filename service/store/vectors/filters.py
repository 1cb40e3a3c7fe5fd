"""A `VectorFilter` as the few kinds of condition that both engines know."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.store.vectors.points import METADATA, TENANT, finite, metadata_term
from service.store.vectors.protocol import VectorFilter

_CHOICES = (
    "language",
    "sentiment",
    "topic",
    "urgency",
    "kind",
    "account_type",
    "account",
    "channel",
    "status",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """The field holds at least one of the values."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """The field is a number, at least `at_least` and below `below`; `None` leaves an end open."""

    field: str
    at_least: float | None
    below: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What must all hold of a point."""

    one_of: tuple[OneOf, ...]
    within: tuple[Within, ...]
    exclude: tuple[UUID, ...]


def conditions_of(where: VectorFilter) -> Conditions:
    """Translate a filter; an engine's own classes are made from the result.

    Raises:
        ValueError: A time has no time zone, `revenue_min` is not finite, or a metadata value is neither
            text nor a finite number.
    """
    one_of = [OneOf(field=TENANT, values=(str(where.tenant),))]
    for field in _CHOICES:
        values: tuple[str, ...] = getattr(where, field)
        if values:
            one_of.append(OneOf(field=field, values=values))
    if where.complaint_id is not None:
        one_of.append(OneOf(field="complaint_id", values=(where.complaint_id,)))
    for key, value in (where.metadata or {}).items():
        one_of.append(OneOf(field=METADATA, values=(metadata_term(key, value),)))
    within = (
        Within(field="revenue", at_least=_revenue(where.revenue_min), below=None),
        Within(
            field="occurred_at", at_least=_seconds(where.occurred_from), below=_seconds(where.occurred_to)
        ),
        Within(field="received_at", at_least=None, below=_seconds(where.received_until)),
    )
    return Conditions(
        one_of=tuple(one_of),
        within=tuple(bounds for bounds in within if bounds.at_least is not None or bounds.below is not None),
        exclude=where.exclude,
    )


def _revenue(least: float | None) -> float | None:
    # JSON writes NaN and infinity as null, and a server reads that as "no bound".
    return None if least is None else finite("revenue_min", least)


def _seconds(moment: datetime | None) -> float | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError(f"expected a time with a time zone, got {moment.isoformat()}")
    return moment.timestamp()
