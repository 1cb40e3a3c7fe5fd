"""One alert an episode: raised once, quiet while it lasts, reopened when it returns."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from models.complaints.bursts import WINDOWS, Burst

Change = Literal["raised", "reopened", "closed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRules:
    """When an alert is raised and when it ends.

    Attributes:
        false_alarms_a_year: How many a tenant puts up with, over all its complaints. Shared out among all
            tests of a year (complaints, windows, days): Bonferroni, so never more than this in the mean.
        least_texts: Texts in the window below which nothing is alarming.
        calm_p_value: A day is calm when its burst is no more surprising than this.
        calm_days: Calm days after which an episode is over.
        return_days: Days after its end in which a burst is the same episode, reopened.
        longest_days: Days after which a new level is no episode any more.
    """

    false_alarms_a_year: float = 4.0
    least_texts: int = 3
    calm_p_value: float = 0.05
    calm_days: int = 7
    return_days: int = 28
    longest_days: int = 56

    def p_value(self, complaints: int) -> float:
        """Return the p-value below which one test raises an alert.

        Args:
            complaints: How many are watched.

        >>> f"{AlertRules().p_value(100):.1e}"
        '5.5e-05'
        """
        return self.false_alarms_a_year / (365 * len(WINDOWS) * max(1, complaints))


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One episode of a complaint.

    Attributes:
        since: First day of the first window that was alarming.
        seen: Last day that was not calm.
        until: Day it ended; `None` while it lasts.
        times: How often it was raised: 1, and one more each time it came back.
        observed: Texts, of the most surprising window so far.
        expected: Texts that were to be expected in it.
        p_value: Of that window.
    """

    since: date
    seen: date
    until: date | None
    times: int
    observed: int
    expected: float
    p_value: float


def episode_of(alert: Alert | None, *, day: date, rules: AlertRules) -> tuple[date, date] | None:
    """Return the days of the latest episode, for `burst`; `None` when there is none to be left out.

    One that lasted too long is the new level and no exception from it.

    Args:
        alert: The complaint's latest episode, lasting or over.
        day: Today.
        rules: The tenant's.
    """
    if alert is None:
        return None
    last = day if alert.until is None else alert.until
    if (last - alert.since).days > rules.longest_days:
        return None
    return alert.since, last


def advance(
    alert: Alert | None, test: Burst, *, complaints: int, rules: AlertRules
) -> tuple[Alert | None, Change | None]:
    """Take one more day into account.

    Args:
        alert: The complaint's latest episode, lasting or over.
        test: Of the day.
        complaints: How many complaints of the tenant are watched.
        rules: The tenant's.

    Returns:
        The latest episode, and what changed; `None` when nobody need hear of it.
    """
    alarming = test.observed >= rules.least_texts and test.p_value <= rules.p_value(complaints)
    if alert is not None and alert.until is None:
        return _going_on(alert, test, rules)
    if not alarming:
        return alert, None
    first = test.day - timedelta(days=test.window - 1)
    if alert is not None and alert.until is not None and (test.day - alert.until).days <= rules.return_days:
        again = replace(alert, until=None, seen=test.day, times=alert.times + 1)
        return _worst(again, test), "reopened"
    raised = Alert(
        since=first,
        seen=test.day,
        until=None,
        times=1,
        observed=test.observed,
        expected=test.expected,
        p_value=test.p_value,
    )
    return raised, "raised"


def _going_on(alert: Alert, test: Burst, rules: AlertRules) -> tuple[Alert, Change | None]:
    if test.p_value <= rules.calm_p_value:
        alert = _worst(replace(alert, seen=test.day), test)
    over = (test.day - alert.seen).days >= rules.calm_days
    if over or (test.day - alert.since).days > rules.longest_days:
        return replace(alert, until=test.day), "closed"
    return alert, None


def _worst(alert: Alert, test: Burst) -> Alert:
    if test.p_value >= alert.p_value:
        return alert
    return replace(alert, observed=test.observed, expected=test.expected, p_value=test.p_value)
