"""The vector port: the one seam between Closeloop and Qdrant, in process or on a server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from models.arrays import Floats1d

PayloadValue = str | int | float | list[str] | dict[str, str | int | float]

FACETS = ("topic", "sentiment", "urgency", "language", "account_type")
"""Payload fields whose values a search counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One text as the index keeps it.

    Attributes:
        id: The feedback's id.
        vector: L2-normalised. *Shape:* ``(dimensions,)``, float32, finite.
        payload: Filterable fields: `tenant` (always) and any of `language`, `sentiment`, `topic` (a list),
            `urgency`, `kind`, `account_type`, `account`, `channel`, `status`, `complaint_id`, `revenue`
            (a number), `occurred_at` and `received_at` (POSIX seconds) and `metadata` (a dict).
            What is not known is left out, never null.
    """

    id: UUID
    vector: Floats1d
    payload: Mapping[str, PayloadValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A found point: cosine `score` -1..1 and the payload fields named in `FACETS`."""

    id: UUID
    score: float
    payload: Mapping[str, PayloadValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorFilter:
    """Which texts to look among; fields are joined by AND, values within one by OR.

    `tenant` has no default: no query exists without one. An empty tuple means "any".

    Attributes:
        revenue_min: Least revenue of the account, in the account's own currency.
        occurred_from: Inclusive.
        occurred_to: Exclusive.
        received_until: Exclusive; what came later is not found, so that the pages of a walk do not shift.
        metadata: Key and the exact value it must have.
        exclude: Ids that must not be found.
    """

    tenant: UUID
    language: tuple[str, ...] = ()
    sentiment: tuple[str, ...] = ()
    topic: tuple[str, ...] = ()
    urgency: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    account_type: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    complaint_id: str | None = None
    revenue_min: float | None = None
    occurred_from: datetime | None = None
    occurred_to: datetime | None = None
    received_until: datetime | None = None
    metadata: Mapping[str, str | int | float] | None = None
    exclude: tuple[UUID, ...] = ()


class VectorIndex(Protocol):
    """An index of the texts in one vector space. The database is the record; this can be rebuilt.

    Every method raises `service.store.errors.IndexUnavailableError` when the engine cannot answer.
    """

    async def upsert(self, points: Sequence[Point]) -> None:
        """Write points durably: when this returns they survive a killed process.

        An id that is there already is replaced; of one given twice the last counts. When one point is
        refused, none of them is written.

        Raises:
            ValueError: A vector has the wrong length, is not finite or is all zeros, or a payload has no
                tenant, a key that no filter knows, or a value of the wrong type.
        """
        ...

    async def delete(self, ids: Sequence[UUID]) -> None:
        """Remove points durably; unknown ids are passed over."""
        ...

    async def query(
        self,
        vector: Floats1d,
        where: VectorFilter,
        *,
        limit: int,
        offset: int = 0,
        score_threshold: float | None = None,
    ) -> list[Hit]:
        """Return the most similar points that match, best first, ties by id; exact whatever the filter.

        Args:
            vector: *Shape:* ``(dimensions,)``.
            where: Which points may be found.
            limit: At most this many, at least 1.
            offset: How many of the best to pass over.
            score_threshold: Least cosine similarity, inclusive.

        Raises:
            ValueError: The vector has the wrong length, is not finite or is all zeros; a time of `where`
                has no time zone; a number is out of its range.
        """
        ...

    async def count_similar(
        self, vector: Floats1d, where: VectorFilter, *, score_threshold: float, at_most: int
    ) -> int:
        """Count the points that match and are at least this similar, up to `at_most`.

        Cheaper than `query`: it reads no payloads and need not put equals in order.

        Raises:
            ValueError: As for `query`.
        """
        ...

    async def scroll_ids(self, *, after: UUID | None = None, limit: int = 1000) -> list[UUID]:
        """Return ids of all tenants in ascending order, for reconciliation with the database."""
        ...

    async def count(self) -> int:
        """Return the number of points of all tenants."""
        ...

    async def ping(self) -> None:
        """Return when the engine answers."""
        ...

    async def close(self) -> None:
        """Flush and release; the index is not used afterwards."""
        ...
