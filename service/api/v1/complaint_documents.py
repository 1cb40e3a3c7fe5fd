"""From stored complaints to what goes outside."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.api.v1.documents import DECIMALS, feedback_out
from service.api.v1.wire.complaints import (
    ActOut,
    AlertOut,
    ComplaintDetailOut,
    ComplaintOut,
    DayOut,
    LineageOut,
    RefitOut,
    TrendOut,
)
from service.complaints.reading import LINEAGE, get_complaint, history_of, members_in_order, title_of
from service.complaints.watching import lasting_alerts, per_day
from service.store.feedback import several
from service.store.records import (
    Complaint,
    ComplaintAlert,
    ComplaintEvent,
    ComplaintNotice,
    ComplaintRefit,
    now,
)

TREND_DAYS: Final = 90


def complaint_fields(
    complaint: Complaint, alert: ComplaintAlert | None, languages: Sequence[str]
) -> dict[str, Any]:
    """Return the fields of a `ComplaintOut`; its detail form adds the history."""
    title, language = title_of(complaint, languages)
    counted: dict[str, int] = complaint.languages
    return {
        "id": complaint.id,
        "title": title,
        "title_language": language,
        "keywords": complaint.keywords,
        "size": complaint.size,
        "customers": complaint.customers,
        "revenue_affected": round(complaint.revenue_affected, 2),
        "languages": sorted(counted, key=lambda code: (-counted[code], code)),
        "first_seen": complaint.first_seen,
        "last_seen": complaint.last_seen,
        "status": complaint.status,
        "owner": complaint.owner,
        "growth": complaint.growth,
        "severity": complaint.severity,
        "alert": None if alert is None else alert_out(alert),
        "version": complaint.version,
    }


def complaints_out(
    session: Session, tenant: UUID, complaints: Sequence[Complaint], languages: Sequence[str]
) -> list[ComplaintOut]:
    """Write a page of complaints."""
    alerts = lasting_alerts(session, tenant, [row.id for row in complaints])
    return [ComplaintOut(**complaint_fields(row, alerts.get(row.id), languages)) for row in complaints]


def complaint_detail_out(
    session: Session, tenant: UUID, complaint_id: str, languages: Sequence[str]
) -> ComplaintDetailOut:
    """Write one complaint with its history.

    Raises:
        NotFoundError: This tenant has no such complaint.
    """
    complaint = get_complaint(session, tenant, complaint_id)
    alert = lasting_alerts(session, tenant, [complaint_id]).get(complaint_id)
    shown = members_in_order(session, tenant, complaint)
    rows = several(session, tenant, shown)
    history = history_of(session, tenant, complaint_id)
    days = per_day(session, tenant, complaint_id, until=now().date(), days=TREND_DAYS)
    return ComplaintDetailOut(
        **complaint_fields(complaint, alert, languages),
        titles=complaint.titles,
        notes=complaint.notes,
        trend=TrendOut(
            per_day=[DayOut(date=day, count=count) for day, count in days],
            growth=complaint.growth,
            alert=None if alert is None else alert_out(alert),
        ),
        representative=[feedback_out(*rows[name], languages) for name in shown if name in rows],
        lineage=[_lineage_out(row) for row in history if row.event in LINEAGE],
        history=[
            ActOut(event=row.event, at=row.at, by=row.by or "", note=row.note)
            for row in history
            if row.event not in LINEAGE
        ],
        merged_into=complaint.merged_into,
        dissolved_at=complaint.dissolved_at,
        closed_at=complaint.closed_at,
        notices=_waiting_notices(session, tenant, complaint_id),
    )


def alert_out(alert: ComplaintAlert) -> AlertOut:
    """Write an episode."""
    return AlertOut(
        since=alert.since,
        severity=alert.severity,  # type: ignore[arg-type]  # written by the watch from the closed set
        expected=round(alert.expected, DECIMALS),
        observed=alert.observed,
        p_value=alert.p_value,
        times=alert.times,
    )


def refit_out(refit: ComplaintRefit) -> RefitOut:
    """Write a refit."""
    return RefitOut(**{name: getattr(refit, name) for name in RefitOut.model_fields})


def _lineage_out(row: ComplaintEvent) -> LineageOut:
    told: dict[str, Any] = {"from": row.sources}
    return LineageOut(
        event=row.event,  # type: ignore[arg-type]  # the caller has looked
        at=row.at,
        to=row.targets,
        texts=row.texts,
        by=row.by,
        **told,
    )


def _waiting_notices(session: Session, tenant: UUID, complaint_id: str) -> int:
    query = select(func.count()).where(
        ComplaintNotice.tenant_id == tenant,
        ComplaintNotice.complaint_id == complaint_id,
        ComplaintNotice.state == "waiting",
    )
    return session.scalar(query) or 0
