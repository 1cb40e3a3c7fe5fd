"""New texts join the complaint they belong to, within the transaction that stores them."""

from collections.abc import Collection, Sequence
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from models.complaints import needs_fixing
from models.predictions import vector_from_stored
from service.complaints.maps import Maps
from service.complaints.membership import Moves, complaints_by_id
from service.store.records import Complaint, ComplaintPin, Feedback


class Placing:
    """One transaction's worth of texts of one tenant; needs the tenant's lock.

    The number of statements does not grow with the number of texts.
    """

    def __init__(self, session: Session, tenant: UUID, maps: Maps, *, space: str) -> None:
        self._session = session
        self._tenant = tenant
        found = maps.of(session, tenant)
        # Vectors of two spaces never meet: until a refit in this one, new texts stay open.
        self._map = found if found is not None and found.space == space else None
        self._moves = Moves(session, tenant)

    def place(self, texts: Sequence[Feedback], *, known: Collection[UUID] = ()) -> None:
        """Place texts that the models have just read.

        What needs no fixing stays open, and so does what is like nothing on the map. A text that a person
        placed stays where it is.

        Args:
            texts: With their vectors and what holds for them.
            known: Ids of those that were stored before, with their complaints loaded.
        """
        pinned = self._pinned(known)
        for text in texts:
            if text.id not in known:
                set_committed_value(text, "complaint", None)
        free = [text for text in texts if text.id not in pinned]
        wanted = self._wanted([text for text in free if needs_fixing(text.kind, text.sentiment)])
        complaints = self._lasting(set(wanted.values()))
        for text in free:
            complaint = complaints.get(wanted.get(text.id, ""))
            if complaint is not text.complaint:  # one row of a complaint is one object in a session
                self._moves.move(text, complaint, left=text.complaint)

    def settle(self) -> list[UUID]:
        """Write what happened to complaints; return the texts whose cases are to follow. After a flush."""
        return self._moves.settle()

    def _lasting(self, names: Collection[str]) -> dict[str, Complaint]:
        """Return the complaints by the names that the map has for them.

        One may have gone on in another that the map does not know yet.
        """
        found = complaints_by_id(self._session, self._tenant, names)
        lasting = dict(found)
        while gone := {row.merged_into for row in lasting.values() if row.merged_into is not None}:
            into = complaints_by_id(self._session, self._tenant, gone)
            lasting = {
                name: row if row.merged_into is None else into[row.merged_into]
                for name, row in lasting.items()
                if row.merged_into is None or row.merged_into in into
            }
        return {name: row for name, row in lasting.items() if row.dissolved_at is None}

    def _pinned(self, known: Collection[UUID]) -> set[UUID]:
        if not known:
            return set()
        query = select(ComplaintPin.feedback_id).where(
            ComplaintPin.tenant_id == self._tenant, ComplaintPin.feedback_id.in_(known)
        )
        return set(self._session.scalars(query))

    def _wanted(self, texts: Sequence[Feedback]) -> dict[UUID, str]:
        if self._map is None or not texts:
            return {}
        # In the precision that is stored: whoever places it again comes to the same.
        vectors = np.stack([vector_from_stored(text.vector) for text in texts])
        assigned = self._map.assign(vectors, [text.language for text in texts])
        return {
            text.id: found.complaint
            for text, found in zip(texts, assigned, strict=True)
            if found.complaint is not None
        }
