"""Which words of a text a person saw when they judged it, and what those words were."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from service.store.records import FeedbackVersion, LabelEvent

Key = tuple[UUID, int]
"""Id of a text, and a version of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text as it was in one of its versions.

    Attributes:
        language: `und` where it is not known any more: of an earlier version that no heads have read.
        model_revision: Revision of the heads that scored it last; `None` when none have.
    """

    text: str
    language: str
    model_revision: str | None


def version_seen(step: LabelEvent, replaced: Sequence[datetime]) -> int:
    """Return the version of a text that was current at a step of a person.

    Both times are told under the lock of the text, so they tell the order. Only where one process labels and
    another one updates within the difference of their clocks may they tell it wrongly.

    Args:
        step: A label or an undo.
        replaced: When the text's versions were replaced.
    """
    return 1 + sum(end <= step.at for end in replaced)


def replaced_by_text(session: Session, ids: Sequence[UUID]) -> Mapping[UUID, Sequence[datetime]]:
    """Return when the versions of each text were replaced, without their words: there may be many."""
    replaced: dict[UUID, list[datetime]] = defaultdict(list)
    if ids:
        columns = (FeedbackVersion.feedback_id, FeedbackVersion.replaced_at)
        for row in session.execute(select(*columns).where(FeedbackVersion.feedback_id.in_(ids))):
            replaced[row.feedback_id].append(row.replaced_at)
    return replaced


def earlier_words(session: Session, keys: Sequence[Key]) -> Mapping[Key, Words]:
    """Return what texts said in earlier versions; one deleted meanwhile is left out."""
    if not keys:
        return {}
    key = tuple_(FeedbackVersion.feedback_id, FeedbackVersion.version)
    return {
        (row.feedback_id, row.version): Words(
            text=row.text,
            language=row.prediction["language"]["code"] if row.prediction else "und",
            model_revision=row.model_revision,
        )
        for row in session.scalars(select(FeedbackVersion).where(key.in_(keys)))
    }
