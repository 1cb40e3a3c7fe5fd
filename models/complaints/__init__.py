"""Recurring complaints: found across languages, stable for life, rising ones noticed first.

What the serving process needs is exported here and rests on numpy alone. A refit runs in a process of
its own and is imported from where it stands, because it brings BERTopic with it:
`from models.complaints.refit import Earlier, Refit, refit`.

- a text comes: `needs_fixing(kind, sentiment)`, then
  `ComplaintMap.from_bytes(stored).assign(vectors, languages)`
- a refit: `refit(texts, vectors, space=…, earlier=…, decisions=…)` gives members, names, map, events
- a day passes: `rests(last_seen, …)` gives dormant and returned; `daily_counts`, `weekday_shares`,
  `shared_dispersion`, `burst`, then `advance(alert, burst, …)` gives alerts, `severity(…)` how bad
"""

from models.complaints.alerts import Alert, AlertRules, advance, episode_of
from models.complaints.bursts import Burst, burst, daily_counts, shared_dispersion, weekday_shares
from models.complaints.complaint_map import Assignment, ComplaintMap
from models.complaints.decisions import Decisions
from models.complaints.language_means import LanguageMeans
from models.complaints.lineage import LineageEvent, lineage, rests
from models.complaints.names import ComplaintName
from models.complaints.needs_fixing import needs_fixing
from models.complaints.settings import RefitSettings
from models.complaints.severity import Severity, severity
from models.complaints.texts import ComplaintText, canonical_order

__all__ = [
    "Alert",
    "AlertRules",
    "Assignment",
    "Burst",
    "ComplaintMap",
    "ComplaintName",
    "ComplaintText",
    "Decisions",
    "LanguageMeans",
    "LineageEvent",
    "RefitSettings",
    "Severity",
    "advance",
    "burst",
    "canonical_order",
    "daily_counts",
    "episode_of",
    "lineage",
    "needs_fixing",
    "rests",
    "severity",
    "shared_dispersion",
    "weekday_shares",
]
