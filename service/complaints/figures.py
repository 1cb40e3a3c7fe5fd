"""What metrics tell of complaints: counts over all tenants, read when they are asked for."""

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import Gauge
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.metrics import Metrics
from service.store.records import Complaint, ComplaintAlert, ComplaintNotice, ComplaintRefit

STATUSES: Final = ("open", "closed", "dormant")
SEVERITIES: Final = ("low", "medium", "high", "critical")
STATES: Final = ("queued", "running", "done", "failed")


def read_figures(session: Session, metrics: Metrics) -> None:
    """Set the gauges of complaints to what the database says; every process tells the same."""
    statuses = (
        select(Complaint.status, func.count())
        .where(Complaint.dissolved_at.is_(None), Complaint.merged_into.is_(None), Complaint.size > 0)
        .group_by(Complaint.status)
    )
    lasting = (
        select(ComplaintAlert.severity, func.count())
        .where(ComplaintAlert.until.is_(None))
        .group_by(ComplaintAlert.severity)
    )
    states = select(ComplaintRefit.state, func.count()).group_by(ComplaintRefit.state)
    for gauge, label, names, query in (
        (metrics.complaints, "status", STATUSES, statuses),
        (metrics.complaint_alerts, "severity", SEVERITIES, lasting),
        (metrics.refits, "state", STATES, states),
    ):
        _set(gauge, label, names, {row[0]: row[1] for row in session.execute(query)})
    metrics.complaint_alerts_raised.set(session.scalar(select(func.sum(ComplaintAlert.times))) or 0)
    waiting = select(func.count()).where(ComplaintNotice.state == "waiting")
    metrics.notices_waiting.set(session.scalar(waiting) or 0)


def _set(gauge: Gauge, label: str, names: Iterable[str], counted: Mapping[str, int]) -> None:
    for name in names:
        gauge.labels(**{label: name}).set(counted.get(name, 0))
