"""How bad a complaint is: a sum of named terms, as the priority of a case is."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log1p
from typing import Final, Literal

SeverityLevel = Literal["low", "medium", "high", "critical"]

WEIGHTS: Final = {"urgency": 0.5, "customers": 0.25, "revenue": 0.25}
_URGENCY: Final = {"low": 0.0, "medium": 0.3, "high": 0.7, "critical": 1.0}
_LEVELS: Final[tuple[tuple[float, SeverityLevel], ...]] = (
    (0.65, "critical"),
    (0.45, "high"),
    (0.25, "medium"),
)

_MANY_CUSTOMERS = 100
_MUCH_REVENUE = 1_000_000.0
_SEVERE_SHARE = 0.25
"""The urgency term is that of the most urgent quarter: ten mild texts do not hush up three critical ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """How bad a complaint is.

    Attributes:
        level: In words.
        value: 0..1, the sum of `terms`.
        terms: What each of urgency, customers and revenue adds.
    """

    level: SeverityLevel
    value: float
    terms: Mapping[str, float]


def severity(urgencies: Mapping[str, int], *, customers: int, revenue: float) -> Severity:
    """Weigh urgency, customers and revenue; the last two in steps of multiples, so that none drowns the rest.

    Args:
        urgencies: How many texts have each urgency.
        customers: Distinct customers.
        revenue: A year's revenue of those customers, 0 or more.

    >>> severity({"critical": 3, "low": 5}, customers=4, revenue=20_000).level
    'critical'
    """
    parts = {
        "urgency": _urgency(urgencies),
        "customers": min(1.0, log1p(max(0, customers)) / log1p(_MANY_CUSTOMERS)),
        "revenue": min(1.0, log1p(max(0.0, revenue)) / log1p(_MUCH_REVENUE)),
    }
    terms = {name: round(WEIGHTS[name] * part, 4) for name, part in parts.items()}
    value = round(sum(terms.values()), 4)
    level: SeverityLevel = next((name for least, name in _LEVELS if value >= least), "low")
    return Severity(level=level, value=value, terms=terms)


def _urgency(urgencies: Mapping[str, int]) -> float:
    total = sum(urgencies.values())
    if not total:
        return 0.0
    left = wanted = max(1.0, _SEVERE_SHARE * total)
    found = 0.0
    for name in sorted(urgencies, key=lambda label: -_URGENCY.get(label, 0.0)):
        taken = min(left, float(urgencies[name]))
        found += taken * _URGENCY.get(name, 0.0)
        left -= taken
    return found / wanted
