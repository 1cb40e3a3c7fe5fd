"""One text as it comes in, checked at the edge."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingFeedback:
    """One text of one customer; see `service.api.v1.wire.feedback.FeedbackIn` for the fields.

    `given` names the fields that the caller gave: an update changes these, and its text.
    """

    text: str
    occurred_at: datetime
    external_id: str | None = None
    channel: str = "api"
    solicited: bool | None = None
    author: Mapping[str, str | None] | None = None
    account_external_id: str | None = None
    declared_urgency: str | None = None
    rating: Mapping[str, str | float] | None = None
    touchpoint: str | None = None
    product: str | None = None
    language: str | None = None
    metadata: Mapping[str, str | int | float] = field(default_factory=dict)
    update: bool = False
    given: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[str, str] | None:
        """What makes it the same text again: channel and external id, where there is one."""
        return None if self.external_id is None else (self.channel, self.external_id)
