"""The maps by which new texts find their complaint, kept in memory a tenant."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.complaints import ComplaintMap
from service.complaints.decisions import decisions_of
from service.store.records import ComplaintMapRecord

KEPT: Final = 32
"""Tenants whose maps stay in memory: one of 100,000 texts takes 3 MB (docs/benchmarks.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    revision: int
    decisions: int
    stored: ComplaintMap
    decided: ComplaintMap


class Maps:
    """Each tenant's map as people's decisions make it; read anew when either has changed."""

    def __init__(self) -> None:
        self._kept: OrderedDict[UUID, _Kept] = OrderedDict()
        self._lock = Lock()

    def of(self, session: Session, tenant: UUID) -> ComplaintMap | None:
        """Return the tenant's map; `None` before its first refit.

        One small query, unless a refit or a person changed something since.
        """
        versions = select(ComplaintMapRecord.revision, ComplaintMapRecord.decisions).where(
            ComplaintMapRecord.tenant_id == tenant, ComplaintMapRecord.space.is_not(None)
        )
        row = session.execute(versions).one_or_none()
        if row is None:
            return None
        with self._lock:
            kept = self._kept.get(tenant)
            if kept is not None:
                self._kept.move_to_end(tenant)
        if kept is not None and (kept.revision, kept.decisions) == (row.revision, row.decisions):
            return kept.decided
        if kept is not None and kept.revision == row.revision:
            stored = kept.stored
        else:
            data = session.scalars(
                select(ComplaintMapRecord.stored).where(ComplaintMapRecord.tenant_id == tenant)
            ).one()
            stored = ComplaintMap.from_bytes(data or b"")
        fresh = _Kept(
            revision=row.revision,
            decisions=row.decisions,
            stored=stored,
            decided=stored.decided(decisions_of(session, tenant)),
        )
        with self._lock:
            self._kept[tenant] = fresh
            self._kept.move_to_end(tenant)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return fresh.decided
