"""Which words a person saw, and what they were."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from service.learning.versions import Words, earlier_words, replaced_by_text, version_seen
from service.store.records import FeedbackVersion, LabelEvent, new_id

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
REPLACED = [NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=1)]


@pytest.fixture
def text(caller):
    """A text in its third version."""
    for words in ("the train was late", "lovely food", "thank you"):
        row = caller.store({"text": words, "external_id": "1", "update": True})[0]
    return UUID(row["id"])


@pytest.mark.parametrize(("minutes", "version"), [(-1, 1), (0, 2), (1, 2), (59, 2), (60, 4), (61, 4)])
def test_the_version_seen_is_the_first_that_was_replaced_after_the_step(minutes, version):
    step = LabelEvent(at=NOON + timedelta(minutes=minutes))

    assert version_seen(step, REPLACED) == version


def test_of_a_text_that_never_changed_the_first_version_was_seen():
    assert version_seen(LabelEvent(at=NOON), []) == 1


def test_nothing_asked_asks_nothing(caller):
    with caller.state.database.read() as session:
        assert (replaced_by_text(session, []), earlier_words(session, [])) == ({}, {})
        assert session.get_transaction() is None


def test_earlier_words_are_those_of_the_versions_asked_for(caller, text):
    with caller.state.database.read() as session:
        assert [len(times) for times in replaced_by_text(session, [text, new_id()]).values()] == [2]
        found = earlier_words(session, [(text, 2), (text, 3), (new_id(), 1)])

    assert {key: words.text for key, words in found.items()} == {(text, 2): "lovely food"}
    assert found[text, 2].model_revision == "2026.1.1-test"


def test_of_a_version_that_no_heads_read_the_language_is_not_known(caller, text):
    with caller.state.database.write() as session:
        row = session.scalars(select(FeedbackVersion).where(FeedbackVersion.feedback_id == text)).first()
        row.prediction = row.model_revision = None
        key = (text, row.version)
    with caller.state.database.read() as session:
        found = earlier_words(session, [key])

    assert found[key].language == "und"
    assert found[key] == Words(text=found[key].text, language="und", model_revision=None)
