"""The priority of a loop to close: a sum of named terms, each with its reason.

``value = max(base + waiting, floor)``, 0..100, where `base` sums every term but the waiting time.
Pure functions of one text's own signals: other texts, batches and clocks do not come in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log
from typing import Final

SEVERITY: Final[Mapping[str, float]] = {"low": 0.0, "medium": 0.4, "high": 0.85, "critical": 1.0}
"""How much of the urgency weight each label earns. Not evenly spaced: from `medium` (within days) to
`high` (today) a lead's plan changes most."""

SERVICE_LEVEL_SECONDS: Final[Mapping[str, float]] = {
    "critical": 3_600.0,
    "high": 8 * 3_600.0,
    "medium": 3 * 86_400.0,
    "low": 14 * 86_400.0,
}
"""Time to a first answer by urgency, in seconds; follows the urgency guideline's own words."""

UNKNOWN_SERVICE_LEVEL_SECONDS: Final = SERVICE_LEVEL_SECONDS["medium"]

FLOOR_SHARE: Final = 0.7
"""A text that is critical beyond doubt ranks at this share of 100 at least, whoever wrote it."""

ACCOUNT_TYPE_VALUE: Final[Mapping[str, float]] = {
    "enterprise": 1.0,
    "business": 0.6,
    "small": 0.3,
    "free": 0.0,
}

DECLARED_AS: Final[Mapping[str, str]] = {"urgent": "high", "deadline": "high", "legal": "critical"}
"""How urgent a text is that declares this, in the words of the urgency guideline: who demands an answer
now is to get it the same working day, a lawsuit or legal deadline announced is critical. A date by which
counts as `high`: how far off it is nobody has read."""

REVENUE_CAP: Final = 100_000.0
"""Revenue a year beyond which more revenue raises nothing, in the account's own currency."""

COMPLAINT_STEPS: Final = (3, 5, 8, 12, 20, 30, 50)
"""Sizes at which a recurring complaint begins to weigh more. Steps, because each moves the cases of all its
texts: up to fifty of them, seven times in a complaint's life, instead of all of them with every text."""

COMPLAINT_SIZE_CAP: Final = COMPLAINT_STEPS[-1]
"""Texts in a recurring complaint beyond which more texts raise nothing."""

COMPLAINT_GROWTH_CAP: Final = 8.0
"""Times more than its past lets expect beyond which a complaint's growth raises nothing."""

NON_FEEDBACK_REASON: Final = "perhaps no feedback at all"
"""Said beside the urgency of a text that the model takes for gibberish, code or an advertisement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each term can contribute; a tenant's own. They sum to 100."""

    urgency: float = 40.0
    declared_urgency: float = 10.0
    sentiment: float = 8.0
    account_value: float = 12.0
    complaint: float = 10.0
    churn: float = 5.0
    waiting: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What is known about one text; `None` is "unknown", which contributes nothing.

    Attributes:
        urgency: Probability of each urgency label; a person's label has probability 1.
        sentiment: Probability of each sentiment label.
        declared_urgency: What the customer said themselves, in a field of its own.
        declares: What the text itself declares, out of `DECLARED_AS`; empty when it declares nothing.
        account_type: One of `ACCOUNT_TYPE_VALUE`, or a tenant's own word, which then counts as unknown.
        revenue: A year's revenue of the account, in its own currency, at least 0.
        complaint_size: Texts in the recurring complaint it belongs to.
        complaint_growth: How many times more of them come than before, while an alert says that this is no
            chance; else `None`.
        churn: Probability that the writer announces leaving, 0..1.
        non_feedback: Whether the model takes the text for no feedback. The urgency counts all the same,
            since an emergency in odd words must not be lost; its reason says so.
    """

    urgency: Mapping[str, float] | None = None
    sentiment: Mapping[str, float] | None = None
    declared_urgency: str | None = None
    declares: Sequence[str] | None = None
    account_type: str | None = None
    revenue: float | None = None
    complaint_size: int | None = None
    complaint_growth: float | None = None
    churn: float | None = None
    non_feedback: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One summand.

    Attributes:
        value: 0..1, or `None` when its input is unknown.
        weight: What a value of 1 contributes.
        contribution: ``value * weight``, 0 when unknown.
        reason: Why, in words a lead understands.
    """

    name: str
    value: float | None
    weight: float
    contribution: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """The part of a priority that does not move with the clock.

    Attributes:
        terms: Every term but `waiting` and `floor`.
        base: Their sum, 0..100.
        floor: The least the priority can be, 0..100.
        service_level_seconds: After how long the waiting term is full.
    """

    terms: tuple[Term, ...]
    base: float
    floor: float
    service_level_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Priority:
    """A priority and the terms it is the sum of.

    Attributes:
        value: 0..100.
        floor: The least it can be, whatever the other terms say.
    """

    value: float
    terms: tuple[Term, ...]
    floor: float

    def without(self, term: Term) -> float:
        """Return what the value would be without one of its terms."""
        rest = sum(other.contribution for other in self.terms if other not in (term, self.terms[-1]))
        return rest if term is self.terms[-1] else max(rest, self.floor)


def resting_priority(signals: Signals, weights: Weights) -> Resting:
    """Sum everything that is known about a text, the waiting time left out.

    Args:
        signals: What is known.
        weights: The tenant's weights.

    Returns:
        The terms, their sum and the floor; monotone in each signal.

    >>> resting_priority(Signals(urgency={"critical": 1.0}), Weights()).floor
    70.0
    """
    terms = (
        _urgency(signals.urgency, weights.urgency, non_feedback=bool(signals.non_feedback)),
        _declared(signals.declared_urgency, signals.declares or (), weights.declared_urgency),
        _sentiment(signals.sentiment, weights.sentiment),
        _account(signals.account_type, signals.revenue, weights.account_value),
        _complaint(signals.complaint_size, signals.complaint_growth, weights.complaint),
        _term("churn", signals.churn, weights.churn, _percent("announces leaving", signals.churn)),
    )
    return Resting(
        terms=terms,
        base=sum(term.contribution for term in terms),
        floor=100.0 * FLOOR_SHARE * (signals.urgency or {}).get("critical", 0.0),
        service_level_seconds=_service_level_seconds(signals.urgency),
    )


def priority_at(resting: Resting, weights: Weights, *, waited_seconds: float) -> Priority:
    """Add the waiting time, and the lift to the floor where the sum stays below it.

    Args:
        resting: The part that does not move.
        weights: The tenant's weights.
        waited_seconds: Since the case was opened; negative counts as 0.

    Returns:
        ``max(base + waiting, floor)``; the terms' contributions sum to the value.
    """
    share = min(1.0, max(0.0, waited_seconds / resting.service_level_seconds))
    hours = resting.service_level_seconds / 3_600
    waiting = _term("waiting", share, weights.waiting, f"{share:.0%} of {hours:g} h to a first answer passed")
    total = resting.base + waiting.contribution
    lift = max(0.0, resting.floor - total)
    floor = Term(
        name="severity_floor",
        value=lift / 100.0,
        weight=100.0,
        contribution=lift,
        reason=f"a text this likely critical ranks at {resting.floor:.1f} at least"
        if lift
        else "the other terms already rank it where its severity asks for",
    )
    return Priority(
        # Not the sum of both, whose rounding would part those who share a floor.
        value=max(total, resting.floor),
        terms=(*resting.terms, waiting, floor),
        floor=resting.floor,
    )


def complaint_step(size: int) -> int:
    """Return the size at which a complaint of so many texts weighs, below 3 its own.

    >>> [complaint_step(size) for size in (1, 3, 4, 49, 1_000)]
    [1, 3, 3, 30, 50]
    """
    return max([min(size, COMPLAINT_STEPS[0]), *(step for step in COMPLAINT_STEPS if step <= size)])


def growth_share(growth: float | None) -> float:
    """Return how much a complaint's growth fills the term, 0..1: each doubling a third, in steps of a tenth.

    >>> growth_share(None), growth_share(1.0), growth_share(2.0), growth_share(8.0)
    (0.0, 0.0, 0.3, 1.0)
    """
    if growth is None or growth <= 1.0:
        return 0.0
    return floor(10 * min(1.0, log(growth) / log(COMPLAINT_GROWTH_CAP))) / 10


def _term(name: str, value: float | None, weight: float, reason: str) -> Term:
    contribution = 0.0 if value is None else value * weight
    return Term(name=name, value=value, weight=weight, contribution=contribution, reason=reason)


def _percent(what: str, probability: float | None) -> str:
    return f"{what}: unknown" if probability is None else f"{what}: {probability:.0%}"


def _urgency(probabilities: Mapping[str, float] | None, weight: float, *, non_feedback: bool) -> Term:
    if probabilities is None:
        return _term("urgency", None, weight, "no model has judged the urgency")
    value = min(1.0, sum(SEVERITY[label] * share for label, share in probabilities.items()))
    named = [(label, probabilities.get(label, 0.0)) for label in ("critical", "high", "medium", "low")]
    reason = ", ".join(f"{label} {share:.0%}" for label, share in named if share >= 0.01)  # noqa: PLR2004
    if non_feedback:
        reason += f"; {NON_FEEDBACK_REASON}"
    return _term("urgency", value, weight, reason)


def _declared(label: str | None, declares: Sequence[str], weight: float) -> Term:
    """Take the stronger of what the customer says and what the text says; the reason tells whose it is."""
    said = []
    if label is not None:
        said.append((SEVERITY[label], f"the customer says {label}"))
    if declares:
        strongest = max(SEVERITY[DECLARED_AS[name]] for name in declares)
        said.append((strongest, f"the text says: {', '.join(declares)}"))
    if not said:
        return _term("declared_urgency", None, weight, "the customer did not say how urgent it is")
    value = max(severity for severity, _ in said)
    reason = "; ".join(words for severity, words in said if severity == value)
    return _term("declared_urgency", value, weight, reason)


def _sentiment(probabilities: Mapping[str, float] | None, weight: float) -> Term:
    if probabilities is None:
        return _term("sentiment", None, weight, "no model has judged the sentiment")
    negative = probabilities.get("negative", 0.0)
    return _term("sentiment", negative, weight, f"negative {negative:.0%}")


def _account(account_type: str | None, revenue: float | None, weight: float) -> Term:
    by_type = ACCOUNT_TYPE_VALUE.get(account_type or "")
    by_revenue = None if revenue is None else min(1.0, max(0.0, revenue) / REVENUE_CAP)
    known = [value for value in (by_type, by_revenue) if value is not None]
    if not known:
        return _term("account_value", None, weight, "the account's type and revenue are unknown")
    words = [] if account_type is None else [account_type]
    if revenue is not None:
        words.append(f"revenue {revenue:,.0f}" + (" (capped)" if revenue > REVENUE_CAP else ""))
    return _term("account_value", max(known), weight, ", ".join(words))


def _complaint(size: int | None, growth: float | None, weight: float) -> Term:
    """Join size and growth so that either can fill the term: ``1 - (1 - size) * (1 - growth)``."""
    if size is None:
        return _term("complaint", None, weight, "belongs to no recurring complaint")
    by_size = complaint_step(size) / COMPLAINT_SIZE_CAP
    by_growth = growth_share(growth)
    reason = f"one of {size} with this problem"
    if growth is not None and by_growth > 0:
        reason += f", {growth:.1f} times as many as before"
    return _term("complaint", 1.0 - (1.0 - by_size) * (1.0 - by_growth), weight, reason)


def _service_level_seconds(probabilities: Mapping[str, float] | None) -> float:
    """Return the service level of the median urgency, in seconds.

    Not of the most probable one: moving probability from `medium` to `critical` can make `low` the most
    probable label, and a more severe text would then be given more time. The median of an ordered scale
    never falls when probability moves up.
    """
    if not probabilities:
        return UNKNOWN_SERVICE_LEVEL_SECONDS
    half = sum(probabilities.values()) / 2
    at_least = 0.0
    for label in ("critical", "high", "medium"):
        at_least += probabilities.get(label, 0.0)
        if at_least >= half:
            return SERVICE_LEVEL_SECONDS[label]
    return SERVICE_LEVEL_SECONDS["low"]
