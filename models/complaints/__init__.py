"""Recurring complaints: found across languages, stable for life, rising ones noticed first.

What the serving process needs is exported here and rests on numpy alone. A refit runs in a process of
its own and is imported from where it stands, because it brings BERTopic with it:
`from models.complaints.refit import Earlier, Refit, refit`.

- a text comes:   `ComplaintMap.from_bytes(stored).assign(vectors, languages)`
- a refit:        `refit(texts, vectors, space=…, earlier=…, decisions=…)` → members, names, map, events
- a day passes:   `rests(last_seen, …)` and `burst(counts, …)` → lineage events, alerts
"""

from models.complaints.complaint_map import Assignment, ComplaintMap
from models.complaints.decisions import Decisions
from models.complaints.language_means import LanguageMeans
from models.complaints.lineage import LineageEvent, lineage, rests
from models.complaints.names import ComplaintName
from models.complaints.needs_fixing import needs_fixing
from models.complaints.settings import RefitSettings
from models.complaints.texts import ComplaintText, canonical_order

__all__ = [
    "Assignment",
    "ComplaintMap",
    "ComplaintName",
    "ComplaintText",
    "Decisions",
    "LanguageMeans",
    "LineageEvent",
    "RefitSettings",
    "canonical_order",
    "lineage",
    "needs_fixing",
    "rests",
]
