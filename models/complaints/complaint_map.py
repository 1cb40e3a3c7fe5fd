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
    """Examples of every complaint and the similarity from which a text joins it.

    Attributes:
        space: The vector space of the examples; texts of another one cannot be placed.
        complaints: Ids, in the order of the thresholds.
        exemplars: Members that stand for their complaint, some of each language; centred, of length 1.
            *Shape:* ``(exemplars, dimensions)``, float32.
        owners: Position in `complaints` of each exemplar. *Shape:* ``(exemplars,)``.
        texts: Id of the text that each exemplar is the vector of.
        thresholds: *Shape:* ``(complaints,)``, float32, -1..1.
        hidden: Ids among `complaints` that people dissolved: what is nearest to them stays open.
        means: What is taken away from a vector before it is compared.
    """

    space: str
    complaints: tuple[str, ...]
    exemplars: Floats2d
    owners: Ints1d
    texts: tuple[str, ...]
    thresholds: Floats1d
    hidden: frozenset[str]
    means: LanguageMeans

    def __post_init__(self) -> None:
        if not len(self.owners) == len(self.texts) == len(self.exemplars) or len(self.thresholds) != len(
            self.complaints
        ):
            raise ValueError(
                "expected an owner and a text an exemplar and a threshold a complaint, got "
                f"{len(self.owners)} and {len(self.texts)} for {len(self.exemplars)}, "
                f"and {len(self.thresholds)} for {len(self.complaints)}"
            )

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
        if not len(self.exemplars):
            return [Assignment(complaint=None, nearest=None, similarity=-1.0, threshold=1.0)] * len(vectors)
        similarities = self.means.centre(vectors, languages) @ self.exemplars.T
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
        """Return the map without the vectors of some texts: they were erased.

        Args:
            texts: Ids.
        """
        gone = set(texts)
        return self._only([place for place, text in enumerate(self.texts) if text not in gone], self.owners)

    def decided(self, decisions: Decisions) -> "ComplaintMap":
        """Return the map as people's latest decisions make it, until the next refit learns from them.

        A merged complaint's exemplars stand for the one it went into, a pinned text's for the complaint it
        was moved to (for none when that is not on the map yet), and what is nearest to a dissolved one
        stays open.

        Args:
            decisions: All there are.
        """
        places = {name: place for place, name in enumerate(self.complaints)}
        final = [places.get(decisions.survivor(name), -1) for name in self.complaints]
        owners = np.array([final[owner] for owner in self.owners.tolist()], dtype=np.int64)
        for place, text in enumerate(self.texts):
            if text in decisions.pinned:
                name = decisions.pinned[text]
                owners[place] = -1 if name is None else places.get(decisions.survivor(name), -1)
        hidden = self.hidden | (decisions.dissolved & frozenset(self.complaints))
        return replace(self._only(np.flatnonzero(owners >= 0).tolist(), owners), hidden=hidden)

    def _only(self, kept: list[int], owners: Ints1d) -> "ComplaintMap":
        return replace(
            self,
            exemplars=self.exemplars[kept],
            owners=owners[kept],
            texts=tuple(self.texts[place] for place in kept),
        )

    def to_bytes(self) -> bytes:
        """Return the map in a form that `from_bytes` reads back: arrays only, nothing that can run."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            form=np.int64(_FORM),
            space=np.array(self.space),
            complaints=np.array(self.complaints, dtype=np.str_),
            exemplars=self.exemplars.astype("<f4"),
            owners=self.owners.astype("<i4"),
            texts=np.array(self.texts, dtype=np.str_),
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
                    exemplars=arrays["exemplars"].astype(np.float32),
                    owners=arrays["owners"].astype(np.int64),
                    texts=tuple(arrays["texts"].tolist()),
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
