"""What is stored: one class a table."""

from service.store.records.accounts import Account
from service.store.records.base import Record, new_id, now
from service.store.records.cases import Case, CaseEvent
from service.store.records.complaints import (
    Complaint,
    ComplaintAlert,
    ComplaintApart,
    ComplaintEvent,
    ComplaintEventPart,
    ComplaintMapRecord,
    ComplaintNotice,
    ComplaintPin,
    ComplaintRefit,
)
from service.store.records.deliveries import Idempotency, OutboxEntry
from service.store.records.feedback import Feedback, FeedbackTopic, FeedbackVersion, LabelEvent
from service.store.records.tenants import ApiKey, Tenant

__all__ = [
    "Account",
    "ApiKey",
    "Case",
    "CaseEvent",
    "Complaint",
    "ComplaintAlert",
    "ComplaintApart",
    "ComplaintEvent",
    "ComplaintEventPart",
    "ComplaintMapRecord",
    "ComplaintNotice",
    "ComplaintPin",
    "ComplaintRefit",
    "Feedback",
    "FeedbackTopic",
    "FeedbackVersion",
    "Idempotency",
    "LabelEvent",
    "OutboxEntry",
    "Record",
    "Tenant",
    "new_id",
    "now",
]
