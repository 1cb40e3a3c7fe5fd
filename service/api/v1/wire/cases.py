"""Wire types of the queue and its cases."""

from uuid import UUID

from pydantic import Field

from service.api.v1.wire.base import CaseState, In, Moment, Note, Out, Short
from service.api.v1.wire.complaint_ref import ComplaintRefOut
from service.api.v1.wire.feedback import FeedbackOut
from service.api.v1.wire.priority import PriorityOut


class QueueItemOut(Out):
    """An open case at its place."""

    case_id: UUID
    rank: int = Field(ge=1, description="Place in the queue as of the first page.")
    priority: PriorityOut
    feedback: FeedbackOut
    complaint: ComplaintRefOut | None
    state: CaseState
    assignee: str | None
    team: str | None
    due_at: Moment
    version: int


class QueueOut(Out):
    """A page of open cases, highest priority first."""

    items: list[QueueItemOut]
    as_of: Moment = Field(description="The moment all pages of this walk are ranked at.")
    next_cursor: str | None


class CaseIn(In):
    """A change to a case. `version` is the one that was read: a newer one wins."""

    state: CaseState | None = None
    assignee: Short | None = Field(default=None, description="Null takes the assignee off.")
    team: Short | None = None
    note: Note | None = Field(default=None, description="Required when dismissing: the reason.")
    version: int = Field(ge=1, strict=True)


class CaseEventOut(Out):
    """What happened to a case."""

    state: str | None
    assignee: str | None
    team: str | None
    note: str | None
    by: str
    at: Moment


class CaseOut(Out):
    """A case with its history."""

    case_id: UUID
    state: CaseState
    assignee: str | None
    team: str | None
    version: int
    opened_at: Moment
    due_at: Moment
    closed_at: Moment | None
    priority: PriorityOut
    rank: int | None = Field(description="Place among the open cases; null when it is not open.")
    rank_without: dict[str, int] = Field(
        description="What the rank would be without each term; empty when not open."
    )
    feedback: FeedbackOut
    complaint: ComplaintRefOut | None
    history: list[CaseEventOut]
