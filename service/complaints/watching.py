"""The regular look at a tenant's complaints: bursts, one alert an episode, who sleeps and who is back."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, cast, func, select
from sqlalchemy.orm import Session

from models.complaints import (
    Alert,
    AlertRules,
    advance,
    burst,
    daily_counts,
    episode_of,
    rests,
    shared_dispersion,
    weekday_shares,
)
from models.complaints.bursts import BASELINE_DAYS, WINDOWS
from service.complaints.decisions import map_record
from service.complaints.membership import QUIET_DAYS, record_event
from service.store.records import Complaint, ComplaintAlert, Feedback, now
from service.triage.priority import growth_share

PAST_DAYS: Final = BASELINE_DAYS + max(WINDOWS)
"""Days that a test looks at."""

LEAST_DAYS: Final = 15
"""Days of a tenant's own past before anything is tested: one week against the one before it."""

CATCH_UP_DAYS: Final = 28
"""Days that are tested afterwards when nobody looked for a while."""

RULES: Final = AlertRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    """Texts per day, oldest first, up to `until`."""

    until: date
    traffic: Sequence[int]
    complaints: Mapping[str, Sequence[int]]


def watch(session: Session, tenant: UUID, *, today: date | None = None) -> set[str]:
    """Test every complaint for a burst up to today, and tell which fell asleep or came back.

    Today is tested while it lasts: its count only grows, so looking often raises no false alarm that the
    day's end would not raise too.

    Args:
        session: A writing transaction that holds the tenant's lock.
        tenant: Whose.
        today: In UTC; the clock's day by default.

    Returns:
        The complaints whose growth weighs differently now: their texts' cases are to follow.
    """
    day = today or now().date()
    record = map_record(session, tenant)
    complaints = _watched(session, tenant)
    alerts = _episodes(session, tenant)
    before = {name: _growth_share(row) for name, row in complaints.items()}
    first = min(max(record.watched_on or day, day - timedelta(days=CATCH_UP_DAYS)), day)
    counts = _count(session, tenant, until=day, length=PAST_DAYS + (day - first).days)
    for back in range((day - first).days, -1, -1):
        _test_day(session, tenant, complaints, alerts, _until(counts, back))
    _rest(session, tenant, complaints, day)
    record.watched_on = day
    session.flush()
    return {name for name, row in complaints.items() if _growth_share(row) != before[name]}


def per_day(
    session: Session, tenant: UUID, complaint: str, *, until: date, days: int
) -> list[tuple[date, int]]:
    """Return a complaint's texts of each UTC day, oldest first."""
    query = _by_day(session, tenant, until=until, length=days).where(Feedback.complaint_id == complaint)
    counted: Counter[date] = Counter()
    for _, day, count in session.execute(query):
        counted[_as_date(day)] += count
    first = until - timedelta(days=days - 1)
    return [(first + timedelta(days=place), counted[first + timedelta(days=place)]) for place in range(days)]


def end_alert(session: Session, tenant: UUID, complaint: str, *, today: date | None = None) -> None:
    """End the lasting alert of a complaint that is none any more."""
    latest = _episodes(session, tenant, complaint).get(complaint)
    if latest is not None and latest.until is None:
        latest.until = today or now().date()


def lasting_alerts(session: Session, tenant: UUID, ids: Sequence[str]) -> dict[str, ComplaintAlert]:
    """Return the alerts that last, by complaint."""
    if not ids:
        return {}
    query = select(ComplaintAlert).where(
        ComplaintAlert.tenant_id == tenant,
        ComplaintAlert.complaint_id.in_(ids),
        ComplaintAlert.until.is_(None),
    )
    return {row.complaint_id: row for row in session.scalars(query)}


def _watched(session: Session, tenant: UUID) -> dict[str, Complaint]:
    query = select(Complaint).where(
        Complaint.tenant_id == tenant, Complaint.dissolved_at.is_(None), Complaint.merged_into.is_(None)
    )
    return {row.id: row for row in session.scalars(query.order_by(Complaint.id))}


def _episodes(session: Session, tenant: UUID, complaint: str | None = None) -> dict[str, ComplaintAlert]:
    query = select(ComplaintAlert).where(ComplaintAlert.tenant_id == tenant).order_by(ComplaintAlert.id)
    if complaint is not None:
        query = query.where(ComplaintAlert.complaint_id == complaint)
    return {row.complaint_id: row for row in session.scalars(query)}


def _count(session: Session, tenant: UUID, *, until: date, length: int) -> _Counts:
    traffic: list[date] = []
    days: dict[str, list[date]] = defaultdict(list)
    for name, when, count in session.execute(_by_day(session, tenant, until=until, length=length)):
        day = _as_date(when)
        traffic += [day] * count
        if name is not None:
            days[name] += [day] * count
    # Days before a tenant's first text are no past: nobody was listening.
    oldest = session.scalar(select(func.min(Feedback.occurred_at)).where(Feedback.tenant_id == tenant))
    known = 0 if oldest is None else (until - oldest.date()).days + 1
    length = max(1, min(length, known))
    return _Counts(
        until=until,
        traffic=daily_counts(traffic, until=until, length=length),
        complaints={name: daily_counts(told, until=until, length=length) for name, told in days.items()},
    )


def _until(counts: _Counts, back: int) -> _Counts:
    """Return the counts as they were some days ago."""
    end = len(counts.traffic) - back
    return _Counts(
        until=counts.until - timedelta(days=back),
        traffic=counts.traffic[max(0, end - PAST_DAYS) : max(0, end)],
        complaints={
            name: told[max(0, end - PAST_DAYS) : max(0, end)] for name, told in counts.complaints.items()
        },
    )


def _test_day(
    session: Session,
    tenant: UUID,
    complaints: Mapping[str, Complaint],
    alerts: dict[str, ComplaintAlert],
    counts: _Counts,
) -> None:
    if len(counts.traffic) < LEAST_DAYS:
        return
    weekdays = weekday_shares(counts.traffic, until=counts.until)
    # Without the days that are tested: a burst must not pass for how texts always come.
    tested = max(WINDOWS)
    watched = [told[:-tested] for name, told in counts.complaints.items() if name in complaints]
    before = counts.until - timedelta(days=tested)
    dispersion = shared_dispersion(watched, until=before, weekdays=weekdays)
    silence = [0] * len(counts.traffic)
    for name, complaint in complaints.items():
        stored = alerts.get(name)
        alert = None if stored is None else _alert_of(stored)
        test = burst(
            counts.complaints.get(name, silence),
            until=counts.until,
            weekdays=weekdays,
            least_dispersion=dispersion,
            episode=episode_of(alert, day=counts.until, rules=RULES),
        )
        latest, change = advance(alert, test, complaints=len(complaints), rules=RULES)
        if latest is not None and latest != alert:
            alerts[name] = _write_alert(session, tenant, complaint, stored, latest, raised=change == "raised")
        complaint.growth = round(test.growth, 3)
        complaint.rising = latest is not None and latest.until is None


def _write_alert(
    session: Session,
    tenant: UUID,
    complaint: Complaint,
    stored: ComplaintAlert | None,
    latest: Alert,
    *,
    raised: bool,
) -> ComplaintAlert:
    values: dict[str, Any] = {name: getattr(latest, name) for name in Alert.__dataclass_fields__}
    values["severity"] = complaint.severity or "low"
    if stored is None or raised:
        stored = ComplaintAlert(tenant_id=tenant, complaint_id=complaint.id, **values)
        session.add(stored)
        session.flush()
        return stored
    for name, value in values.items():
        setattr(stored, name, value)
    return stored


def _alert_of(row: ComplaintAlert) -> Alert:
    return Alert(**{name: getattr(row, name) for name in Alert.__dataclass_fields__})


def _rest(session: Session, tenant: UUID, complaints: Mapping[str, Complaint], day: date) -> None:
    """Put to sleep what was quiet for long; a closed complaint stays closed."""
    seen = {
        name: row.last_seen.date()
        for name, row in complaints.items()
        if row.last_seen is not None and row.status != "closed"
    }
    asleep = frozenset(name for name, row in complaints.items() if row.status == "dormant")
    for event in rests(seen, dormant=asleep, as_of=day, quiet_days=QUIET_DAYS):
        for name in event.targets:
            complaints[name].status = "dormant" if event.event == "dormant" else "open"
            complaints[name].version += 1
        record_event(session, tenant, event.event, sources=event.sources, targets=event.targets)


def _growth_share(complaint: Complaint) -> float:
    return growth_share(complaint.growth if complaint.rising else None)


def _by_day(session: Session, tenant: UUID, *, until: date, length: int) -> Select[*tuple[Any, ...]]:
    """Count texts by complaint and UTC day."""
    day = _utc_day(session)
    first = until - timedelta(days=length)
    return (
        select(Feedback.complaint_id, day.label("day"), func.count().label("texts"))
        .where(
            Feedback.tenant_id == tenant,
            Feedback.occurred_at >= _midnight(first),
            Feedback.occurred_at < _midnight(until + timedelta(days=1)),
        )
        .group_by(Feedback.complaint_id, day)
    )


def _utc_day(session: Session) -> ColumnElement[Any]:
    if session.get_bind().dialect.name == "postgresql":
        return cast(func.timezone("UTC", Feedback.occurred_at), Date)
    return func.date(Feedback.occurred_at)


def _as_date(value: date | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
