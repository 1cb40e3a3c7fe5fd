"""A refit: all texts of a tenant in, complaints with their names, their lineage and their map out.

Runs in a process of its own: importing this module brings BERTopic with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.arrays import Floats2d
from models.complaints.complaint_map import ComplaintMap
from models.complaints.decisions import Decisions
from models.complaints.lineage import LineageEvent
from models.complaints.names import ComplaintName
from models.complaints.settings import RefitSettings
from models.complaints.texts import ComplaintText


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What the last refit, the assignments since and people left behind.

    Attributes:
        members: Complaint of each text that is a member of one now.
        known: Every complaint id that was ever given, the dissolved and the merged too.
    """

    members: Mapping[str, str] = field(default_factory=dict)
    known: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefitComplaint:
    """One complaint after a refit.

    Attributes:
        id: For life; of a new one, a hash of its founders.
        texts: Ids of its members, sorted.
        cohesion: Mean cosine of a member to its nearest members, centred, -1..1.
        parent: Id of the family it belongs to in the hierarchy (`families`), or `None`.
        name: Titles, keywords, representative texts.
    """

    id: str
    texts: tuple[str, ...]
    cohesion: float
    name: ComplaintName


@dataclass(frozen=True, slots=True, kw_only=True)
class Refit:
    """What a refit found.

    Attributes:
        complaints: Those to show, by id.
        members: Complaint of every text; `None` for open ones.
        map: For texts that come from now on.
        events: What happened since the last refit.
    """

    complaints: tuple[RefitComplaint, ...]
    members: Mapping[str, str | None]
    map: ComplaintMap
    events: tuple[LineageEvent, ...]


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
    raise NotImplementedError
