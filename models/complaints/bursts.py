"""Whether a complaint comes more often than its own past lets expect, honest about small numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from models.complaints.tails import count_tail

WINDOWS = (1, 7)
"""Days that are tested together: a day for what explodes, a week for what swells."""

BASELINE_DAYS = 84
"""Twelve weeks of past, each weekday as often."""

_PRIOR_TEXTS = 0.5
"""Texts assumed before any were seen (Jeffreys' prior of a rate): a new complaint's past is not nothing."""

_PRIOR_DAYS = 28
"""How many days of a tenant's own traffic its weekday pattern needs before it counts half."""

_WEEK = 7

_FEWEST_CALM_DAYS = 14
"""With less past than that an episode is measured against itself rather than against nothing."""

_FEWEST_SUMS = 4
"""Of fewer values no variance is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """The most surprising of the windows that end on a day.

    Attributes:
        day: Last day of the window.
        window: Its days.
        observed: Texts in it.
        expected: Texts that the past lets expect.
        p_value: Chance of so many or more, were the past to go on, 0..1; for this one test.
        growth: Observed over expected.
    """

    day: date
    window: int
    observed: int
    expected: float
    p_value: float

    @property
    def growth(self) -> float:
        """How many times more than expected."""
        return self.observed / self.expected


def daily_counts(days: Iterable[date], *, until: date, length: int) -> list[int]:
    """Count texts per day.

    Args:
        days: Day of each text; those outside are left out.
        until: Last day.
        length: Days, `until` included.

    Returns:
        Oldest first.

    >>> daily_counts([date(2026, 1, 2), date(2026, 1, 3)], until=date(2026, 1, 3), length=3)
    [0, 1, 1]
    """
    counts = [0] * length
    for day in days:
        place = length - 1 - (until - day).days
        if 0 <= place < length:
            counts[place] += 1
    return counts


def weekday_shares(traffic: Sequence[int], *, until: date) -> tuple[float, ...]:
    """Return how busy each weekday is, Monday first; 1 is the average day.

    Args:
        traffic: All texts of the tenant per day, oldest first: one complaint has too few to tell.
        until: Day of the last count.
    """
    sums, days = [0.0] * _WEEK, [0] * _WEEK
    for back, count in enumerate(reversed(traffic)):
        weekday = (until - timedelta(days=back)).weekday()
        sums[weekday] += count
        days[weekday] += 1
    mean = sum(sums) / max(1, len(traffic))
    if mean <= 0:
        return (1.0,) * _WEEK
    prior = _PRIOR_DAYS / _WEEK
    shares = [
        (total + prior * mean) / ((count + prior) * mean) for total, count in zip(sums, days, strict=True)
    ]
    average = sum(shares) / _WEEK
    return tuple(share / average for share in shares)


def burst(
    counts: Sequence[int],
    *,
    until: date,
    weekdays: Sequence[float] = (1.0,) * _WEEK,
    least_dispersion: float = 1.0,
    episode: tuple[date, date] | None = None,
) -> Burst:
    """Test the windows that end on the last day against what was before them.

    The expected number is the rate of the past, with each day weighed by its weekday. Its variance is
    the past's own overdispersion times what is not known of the rate after so short a past:
    ``mean * dispersion * (1 + window / past)``; the tail is the exact one of a Poisson or negative
    binomial law.

    Source: Noufaily et al., "An improved algorithm for outbreak detection in multiple surveillance systems",
    Statistics in Medicine 32(7), 2013 (the quasi-Poisson baseline); the predictive tail is ours.

    Args:
        counts: Texts per day, oldest first; days before the first text count as 0. At least 8.
        until: Day of the last count.
        weekdays: From `weekday_shares`.
        least_dispersion: From `shared_dispersion`: a complaint of few texts cannot tell its own.
        episode: First and last day of the latest alert, left out of the past: a burst must not become the
            yardstick of itself or of its return.

    Raises:
        ValueError: There are fewer than 8 days.
    """
    if len(counts) <= _WEEK:
        raise ValueError(f"expected at least {_WEEK + 1} days, got {len(counts)}")
    exposure = [weekdays[(until - timedelta(days=back)).weekday()] for back in range(len(counts))][::-1]
    calm = _calm_days(len(counts), until, episode)
    tests = [_tested(counts, exposure, until, window, calm, least_dispersion) for window in WINDOWS]
    return min(tests, key=lambda test: (test.p_value, test.window))


def shared_dispersion(
    series: Iterable[Sequence[int]], *, until: date, weekdays: Sequence[float] = (1.0,) * _WEEK
) -> float:
    """Return the variance over mean of counts that a tenant's complaints have in common, 1 or more.

    One complaint with a text a month cannot tell whether its texts come in flocks; a hundred of them can.

    Args:
        series: Texts per day of each complaint, oldest first, all of them up to the same day.
        until: Day of the last counts.
        weekdays: From `weekday_shares`.
    """
    deviations = {1: [0.0, 0.0], _WEEK: [0.0, 0.0]}
    for counts in series:
        past = counts[-BASELINE_DAYS:]
        weights = [weekdays[(until - timedelta(days=back)).weekday()] for back in range(len(past))][::-1]
        rate = sum(past) / sum(weights) if past else 0.0
        for step, sums in deviations.items():
            chi, freedom = _pearson(past, weights, rate, step)
            sums[0] += chi
            sums[1] += freedom
    return max([1.0, *(chi / freedom for chi, freedom in deviations.values() if freedom)])


def _calm_days(length: int, until: date, episode: tuple[date, date] | None) -> list[int]:
    """Return the places of days that were not part of the episode; of all days when too few are left."""
    places = list(range(length))
    if episode is None:
        return places
    first, last = (length - 1 - (until - day).days for day in episode)
    calm = [place for place in places if not first <= place <= last]
    return calm if len(calm) >= _FEWEST_CALM_DAYS else places


def _tested(
    counts: Sequence[int],
    exposure: Sequence[float],
    until: date,
    window: int,
    calm: Sequence[int],
    least_dispersion: float,
) -> Burst:
    days = [day for day in calm if day < len(counts) - window][-BASELINE_DAYS:] or [0]
    past, weights = [counts[day] for day in days], [exposure[day] for day in days]
    ahead = sum(exposure[len(counts) - window :])
    rate = (sum(past) + _PRIOR_TEXTS) / sum(weights)
    mean = rate * ahead
    dispersion = max(least_dispersion, _dispersion(past, weights, rate))
    observed = sum(counts[len(counts) - window :])
    return Burst(
        day=until,
        window=window,
        observed=observed,
        expected=mean,
        p_value=count_tail(observed, mean, dispersion * (1 + ahead / sum(weights))),
    )


def _dispersion(past: Sequence[int], weights: Sequence[float], rate: float) -> float:
    """Pearson's variance over mean, by weeks and by days, the larger; never below 1."""
    found = [_pearson(past, weights, rate, step) for step in (1, _WEEK)]
    return max([1.0, *(chi / freedom for chi, freedom in found if freedom)])


def _pearson(past: Sequence[int], weights: Sequence[float], rate: float, step: int) -> tuple[float, float]:
    """Return Pearson's sum of squares over sums of `step` days, and its degrees of freedom."""
    starts = range(len(past) % step, len(past), step)
    if len(starts) < _FEWEST_SUMS or rate <= 0:
        return 0.0, 0.0
    pairs = [(sum(past[place : place + step]), rate * sum(weights[place : place + step])) for place in starts]
    return sum((count - mean) ** 2 / mean for count, mean in pairs), len(pairs) - 1.0
