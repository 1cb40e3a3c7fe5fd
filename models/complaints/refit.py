"""A refit: all texts of a tenant in, complaints with their names, their lineage and their map out.

Runs in a process of its own: importing this module brings BERTopic with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import Floats2d, Ints1d
from models.complaints.clusterer import ComplaintClusterer, Earlier
from models.complaints.complaint_map import ComplaintMap
from models.complaints.decisions import Decisions
from models.complaints.language_means import LanguageMeans, shipped_means
from models.complaints.lineage import LineageEvent, lineage
from models.complaints.map_learning import learn_map
from models.complaints.names import ComplaintName
from models.complaints.naming import name_complaint
from models.complaints.settings import RefitSettings
from models.complaints.texts import ComplaintText, canonical_order
from models.complaints.topic_model import TopicModel, fit_topics

__all__ = ["Earlier", "Family", "Refit", "RefitComplaint", "refit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefitComplaint:
    """One complaint after a refit.

    Attributes:
        id: For life; of a new one, a hash of its founders.
        texts: Ids of its members, sorted.
        cohesion: Mean cosine of its members to their centre, centred by language, -1..1.
        name: Titles, keywords, representative texts.
    """

    id: str
    texts: tuple[str, ...]
    cohesion: float
    name: ComplaintName


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Complaints that are near each other: one step of BERTopic's hierarchy.

    Attributes:
        complaints: Ids, sorted.
        distance: At which they are joined; small is near.
    """

    complaints: tuple[str, ...]
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refit:
    """What a refit found.

    Attributes:
        complaints: Those to show, by id.
        members: Complaint of every text; `None` for open ones. Members of dissolved complaints are here
            under their id, so that the next refit knows them, and in no `complaints`.
        map: For texts that come from now on.
        events: What happened since the last refit; of complaints to show only.
        families: The hierarchy, nearest first.
    """

    complaints: tuple[RefitComplaint, ...]
    members: Mapping[str, str | None]
    map: ComplaintMap
    events: tuple[LineageEvent, ...]
    families: tuple[Family, ...]


def refit(
    texts: Sequence[ComplaintText],
    vectors: Floats2d,
    *,
    space: str,
    earlier: Earlier | None = None,
    decisions: Decisions | None = None,
    settings: RefitSettings | None = None,
) -> Refit:
    """Find the complaints among texts; the same ones in whatever order the texts come.

    Args:
        texts: What needs fixing (`needs_fixing`), and every earlier member and pinned text.
        vectors: *Shape:* ``(len(texts), dimensions)``, float32, as stored.
        space: The vectors' space; kept in the map.
        earlier: Where the partition starts from; `None` the first time.
        decisions: What people said; wins.
        settings: How to cluster.

    Raises:
        ValueError: Numbers differ, an id occurs twice, a vector is not finite.
    """
    earlier, decisions = earlier or Earlier(), decisions or Decisions()
    order = canonical_order(texts, vectors)
    texts, vectors = [texts[row] for row in order], vectors[order]
    languages = [text.language for text in texts]
    means = LanguageMeans.of(vectors, languages, prior=shipped_means(space))
    centred = means.centre(vectors, languages)
    clusterer = ComplaintClusterer(
        texts, earlier=earlier, decisions=decisions, settings=settings or RefitSettings()
    )
    model = fit_topics(clusterer, [text.text for text in texts], languages, centred)
    names, labels = clusterer.complaints, clusterer.labels_
    members = {
        text.id: names[label] if label >= 0 else None
        for text, label in zip(texts, labels.tolist(), strict=True)
    }
    return Refit(
        complaints=_complaints(texts, centred, clusterer, model, decisions.dissolved),
        members=members,
        map=learn_map(
            centred,
            languages,
            labels,
            texts=[text.id for text in texts],
            complaints=names,
            hidden=decisions.dissolved & frozenset(names),
            means=means,
            space=space,
        ),
        events=_events(members, earlier, decisions),
        families=_families(model, names, decisions.dissolved),
    )


def _complaints(
    texts: Sequence[ComplaintText],
    vectors: Floats2d,
    clusterer: ComplaintClusterer,
    model: TopicModel,
    dissolved: frozenset[str],
) -> tuple[RefitComplaint, ...]:
    keywords: dict[int, dict[str, tuple[str, ...]]] = {}
    for (label, language), found in model.keywords.items():
        keywords.setdefault(label, {})[language] = found
    order = np.argsort(clusterer.labels_, kind="stable")
    rows_of = np.split(
        order, np.searchsorted(clusterer.labels_[order], np.arange(len(clusterer.complaints)))
    )[1:]
    return tuple(
        RefitComplaint(
            id=name,
            texts=tuple(sorted(texts[row].id for row in rows.tolist())),
            cohesion=_cohesion(vectors, rows),
            name=name_complaint(texts, vectors, rows, keywords.get(label, {})),
        )
        for label, (name, rows) in enumerate(zip(clusterer.complaints, rows_of, strict=True))
        if name not in dissolved
    )


def _cohesion(vectors: Floats2d, rows: Ints1d) -> float:
    centre = vectors[rows].astype(np.float64).mean(axis=0)
    length = float(np.sqrt((centre**2).sum()))
    return round(float((vectors[rows] @ centre).mean() / length), 6) if length else 0.0


def _events(
    members: Mapping[str, str | None], earlier: Earlier, decisions: Decisions
) -> tuple[LineageEvent, ...]:
    shown = {text: None if name in decisions.dissolved else name for text, name in members.items()}
    before = {text: name for text, name in earlier.members.items() if name not in decisions.dissolved}
    return lineage(before, shown, known=earlier.known)


def _families(model: TopicModel, names: Sequence[str], dissolved: frozenset[str]) -> tuple[Family, ...]:
    steps = [
        (tuple(sorted(names[label] for label in labels if names[label] not in dissolved)), distance)
        for labels, distance in model.families
    ]
    return tuple(
        Family(complaints=complaints, distance=round(distance, 6))
        for complaints, distance in steps
        if len(complaints) > 1
    )
