"""Where a new text belongs, told at once from what the last refit left behind: numpy alone."""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from zipfile import BadZipFile

import numpy as np

from models.arrays import Floats1d, Floats2d, Ints1d
from models.complaints.decisions import Decisions
from models.complaints.language_means import LanguageMeans

_FORM = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Which complaint a text joins.

    Attributes:
        complaint: Its id; `None` leaves the text open.
        nearest: The complaint that is nearest, joined or not; `None` when there is none at all.
        similarity: Cosine to it, after the language's mean is taken away, -1..1.
        threshold: Similarity from which a text joins it.
    """

    complaint: str | None
    nearest: str | None
    similarity: float
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintMap:
    """Prototypes of every complaint and the similarity from which a text joins it.

    Attributes:
        space: The vector space of the prototypes; texts of another one cannot be placed.
        complaints: Ids, in the order of the thresholds.
        prototypes: Means of parts of a complaint, some of each language; centred, of length 1.
            *Shape:* ``(prototypes, dimensions)``, float32.
        owners: Position in `complaints` of each prototype. *Shape:* ``(prototypes,)``.
        texts: Ids of the members that the prototypes are means of.
        text_prototypes: Position of the prototype that each of `texts` is in. *Shape:* ``(len(texts),)``.
        thresholds: *Shape:* ``(complaints,)``, float32, -1..1.
        hidden: Ids among `complaints` that people dissolved: what is nearest to them stays open.
        means: What is taken away from a vector before it is compared.
    """

    space: str
    complaints: tuple[str, ...]
    prototypes: Floats2d
    owners: Ints1d
    texts: tuple[str, ...]
    text_prototypes: Ints1d
    thresholds: Floats1d
    hidden: frozenset[str]
    means: LanguageMeans

    def __post_init__(self) -> None:
        for name, one, other in (
            ("an owner a prototype", len(self.owners), len(self.prototypes)),
            ("a threshold a complaint", len(self.thresholds), len(self.complaints)),
            ("a prototype a text", len(self.text_prototypes), len(self.texts)),
        ):
            if one != other:
                raise ValueError(f"expected {name}, got {one} for {other}")

    def assign(self, vectors: Floats2d, languages: Sequence[str]) -> list[Assignment]:
        """Place texts, each on its own.

        Args:
            vectors: *Shape:* ``(texts, dimensions)``, float32, of this map's space.
            languages: One code a text.

        Returns:
            One a text, in order.

        Raises:
            ValueError: Numbers of vectors and languages differ.
        """
        if len(vectors) != len(languages):
            raise ValueError(f"expected a language a vector, got {len(languages)} for {len(vectors)}")
        if not len(self.prototypes):
            return [Assignment(complaint=None, nearest=None, similarity=-1.0, threshold=1.0)] * len(vectors)
        similarities = self.means.centre(vectors, languages) @ self.prototypes.T
        best = similarities.argmax(axis=1)
        return [
            self._judged(int(self.owners[place]), float(row[place]))
            for row, place in zip(similarities, best.tolist(), strict=True)
        ]

    def _judged(self, owner: int, similarity: float) -> Assignment:
        name = self.complaints[owner]
        threshold = float(self.thresholds[owner])
        joins = similarity >= threshold and name not in self.hidden
        return Assignment(
            complaint=name if joins else None, nearest=name, similarity=similarity, threshold=threshold
        )

    def without(self, texts: Collection[str]) -> "ComplaintMap":
        """Return the map without what is left of some texts: they were erased.

        A prototype goes with any text that it is a mean of; the others of its complaint stand for it.

        Args:
            texts: Ids.
        """
        erased = set(texts)
        named = np.array([text in erased for text in self.texts], dtype=np.bool_)
        kept = np.setdiff1d(np.arange(len(self.owners)), self.text_prototypes[named])
        table = np.full(len(self.owners), -1, dtype=np.int64)
        table[kept] = np.arange(len(kept))
        left = np.flatnonzero(table[self.text_prototypes] >= 0)
        return replace(
            self,
            prototypes=self.prototypes[kept],
            owners=self.owners[kept],
            texts=tuple(self.texts[place] for place in left.tolist()),
            text_prototypes=table[self.text_prototypes[left]],
        )

    def decided(self, decisions: Decisions) -> "ComplaintMap":
        """Return the map as people's latest merges and dissolutions make it, until the next refit.

        A merged complaint's prototypes stand for the one it went into; what is nearest to a dissolved one
        stays open. A text that was moved is still in the mean it was in, one of many, until the next refit.

        Args:
            decisions: All there are.
        """
        places = {name: place for place, name in enumerate(self.complaints)}
        final = [places.get(decisions.survivor(name), place) for place, name in enumerate(self.complaints)]
        owners = np.array([final[owner] for owner in self.owners.tolist()], dtype=np.int64)
        hidden = self.hidden | (decisions.dissolved & frozenset(self.complaints))
        return replace(self, owners=owners, hidden=hidden)

    def to_bytes(self) -> bytes:
        """Return the map in a form that `from_bytes` reads back: arrays only, nothing that can run."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            form=np.int64(_FORM),
            space=np.array(self.space),
            complaints=np.array(self.complaints, dtype=np.str_),
            prototypes=self.prototypes.astype("<f4"),
            owners=self.owners.astype("<i4"),
            texts=np.array(self.texts, dtype=np.str_),
            text_prototypes=self.text_prototypes.astype("<i4"),
            thresholds=self.thresholds.astype("<f4"),
            hidden=np.array(sorted(self.hidden), dtype=np.str_),
            languages=np.array(self.means.languages, dtype=np.str_),
            means=self.means.means.astype("<f4"),
            overall=self.means.overall.astype("<f4"),
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "ComplaintMap":
        """Read a map back.

        Raises:
            ValueError: These bytes are no map, or of another form.
        """
        if not stored.startswith(b"PK\x03\x04"):  # what np.savez writes is a zip archive
            raise ValueError("expected a stored map of complaints, got other bytes")
        try:
            with np.load(io.BytesIO(stored), allow_pickle=False) as arrays:
                if int(arrays["form"]) != _FORM:
                    raise ValueError(f"expected a map of form {_FORM}, got {int(arrays['form'])}")
                return cls(
                    space=str(arrays["space"]),
                    complaints=tuple(arrays["complaints"].tolist()),
                    prototypes=arrays["prototypes"].astype(np.float32),
                    owners=arrays["owners"].astype(np.int64),
                    texts=tuple(arrays["texts"].tolist()),
                    text_prototypes=arrays["text_prototypes"].astype(np.int64),
                    thresholds=arrays["thresholds"].astype(np.float32),
                    hidden=frozenset(arrays["hidden"].tolist()),
                    means=LanguageMeans(
                        languages=tuple(arrays["languages"].tolist()),
                        means=arrays["means"].astype(np.float32),
                        overall=arrays["overall"].astype(np.float32),
                    ),
                )
        except (KeyError, OSError, EOFError, BadZipFile) as error:
            raise ValueError("expected a stored map of complaints, got other bytes") from error
