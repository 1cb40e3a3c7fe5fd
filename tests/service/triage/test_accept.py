"""The transaction that stores texts: what races with it is neither lost nor an error of the server."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from models.predictions import LanguageGuess
from models.scorer import Scorer
from service.auth import ensure_tenant
from service.errors import NotFoundError, OverloadedError
from service.intake.feedback import IncomingFeedback
from service.learning.judgements import judge
from service.store import outbox
from service.store.database import Database
from service.store.feedback import lock, one, remove
from service.store.records import Case, Feedback, OutboxEntry, new_id, now
from service.store.tenant_lock import lock_tenant
from service.triage.accept import ModelIdentity, accept

TEXT = "the app crashes at checkout"
OTHER = "lovely food"
MOMENT = now()
MODEL = ModelIdentity(name="tiny", revision="1", encoder="hashing", space="space")
on_postgres = pytest.mark.parametrize(
    "shared_database_url",
    [pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
    scope="module",
)


class Languages:
    """Is as sure as the real one can be."""

    def identify(self, texts):
        return [LanguageGuess(code="en", confidence=1.0) for _ in texts]


class Tenant:
    """One tenant's transactions."""

    def __init__(self, database, scorer):
        self.database = database
        self.scorer = scorer
        with database.write() as session:
            self.id = ensure_tenant(session, f"tenant-{new_id()}").id

    def post(self, *items, scored=True):
        """Store texts as a request does; `scored=False` is one that saw the same text stored before."""
        scores = [None] * len(items)
        if scored:
            scores = self.scorer.score([item.text for item in items], [item.language for item in items])
        with self.database.write() as session:
            lock_tenant(session, self.id)
            return accept(session, self.id, items, scores, MODEL)

    def read(self, feedback_id):
        with self.database.read() as session:
            return one(session, self.id, feedback_id)


def item(words=TEXT, **given):
    fields = {"external_id": "1", "occurred_at": MOMENT, **given}
    return IncomingFeedback(text=words, **fields)


@pytest.fixture(scope="module")
def database(shared_database_url):
    opened = Database(shared_database_url)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def tenant(database, hashing_encoder, tiny_artefact):
    return Tenant(database, Scorer(hashing_encoder, tiny_artefact.heads, Languages()))


@pytest.fixture
def meanwhile(database):
    """Start a call in a second session; return once it waits for a lock (or is through)."""
    with ThreadPoolExecutor(1) as pool, database.read() as watching:
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )

        def start(call):
            future = pool.submit(call)
            while not future.done() and not watching.scalar(waiting):
                watching.rollback()  # the statistics stand still within a transaction
                threading.Event().wait(0.01)
            return future

        yield start


# Two at once


@on_postgres
def test_a_label_set_while_a_new_version_comes_is_not_lost(database, tenant, meanwhile):
    stored = tenant.post(item())[0].feedback

    with database.write() as session:
        judge(session, tenant.id, stored.id, {"urgency": "critical"}, by="lead", reason=None)
        update = meanwhile(lambda: tenant.post(item(OTHER, update=True)))

    assert update.result()[0].changed
    feedback, case = tenant.read(stored.id)
    assert (feedback.text, feedback.judged, feedback.urgency) == (OTHER, ["urgency"], "critical")
    assert case.urgency == "critical"
    assert case.floor > 0


@on_postgres
def test_a_case_reads_what_a_judgement_left_even_where_it_is_what_it_was_before(database, tenant, meanwhile):
    # The new version has the model say again what the case said before the label.
    stored = tenant.post(item())[0]
    assert stored.case.sentiment == "negative"
    with database.write() as session:
        lock(session, Feedback.id == stored.feedback.id)
        update = meanwhile(lambda: tenant.post(item(TEXT + " again", update=True)))
        judge(session, tenant.id, stored.feedback.id, {"sentiment": "neutral"}, by="lead", reason=None)

    outcome = update.result()[0]
    feedback, case = tenant.read(stored.feedback.id)
    assert (feedback.sentiment, case.sentiment, outcome.case.sentiment) == ("neutral",) * 3


@on_postgres
@pytest.mark.parametrize("words", [TEXT, OTHER])
def test_a_text_deleted_while_it_is_posted_again_is_sent_again_or_stored_anew(
    database, tenant, meanwhile, words
):
    stored = tenant.post(item())[0].feedback

    with database.write() as session:
        remove(session, tenant.id, stored.id)
        again = meanwhile(lambda: tenant.post(item(words, update=True), scored=words != TEXT))

    outcome = again.result()[0]
    if words == TEXT:  # it was there when the request looked, and so was not scored
        assert isinstance(outcome, OverloadedError)
    else:
        assert (outcome.created, outcome.feedback.id != stored.id) == (True, True)
        assert tenant.read(outcome.feedback.id)[0].text == OTHER


@on_postgres
def test_a_deletion_while_a_new_version_is_stored_takes_it_along(database, tenant, meanwhile):
    stored = tenant.post(item())[0].feedback
    update = item(OTHER, update=True)
    scores = tenant.scorer.score([OTHER], [None])

    def delete():
        with database.write() as session:
            remove(session, tenant.id, stored.id)

    with database.write() as session:
        lock_tenant(session, tenant.id)
        accept(session, tenant.id, [update], scores, MODEL)
        deletion = meanwhile(delete)

    assert deletion.result() is None
    with pytest.raises(NotFoundError):
        tenant.read(stored.id)


@on_postgres
def test_two_deletions_at_once_are_one_and_a_not_found(database, tenant, meanwhile):
    stored = tenant.post(item())[0].feedback

    def delete():
        with database.write() as session:
            remove(session, tenant.id, stored.id)

    with database.write() as session:
        remove(session, tenant.id, stored.id)
        second = meanwhile(delete)

    with pytest.raises(NotFoundError):
        second.result()


@on_postgres
def test_a_label_and_a_deletion_do_not_wait_for_each_other_in_a_circle(database, tenant, meanwhile):
    stored = tenant.post(item())[0].feedback

    def delete():
        with database.write() as session:
            remove(session, tenant.id, stored.id)

    with database.write() as session:
        lock(session, Feedback.id == stored.id)
        deletion = meanwhile(delete)
        judge(session, tenant.id, stored.id, {"urgency": "low"}, by="lead", reason=None)

    assert deletion.result() is None
    with database.read() as session:
        assert session.get(OutboxEntry, stored.id) is not None
        assert session.get(Feedback, stored.id) is None


@on_postgres
def test_a_case_being_changed_and_a_deletion_do_not_wait_for_each_other_in_a_circle(
    database, tenant, meanwhile
):
    stored = tenant.post(item())[0]

    def delete():
        with database.write() as session:
            remove(session, tenant.id, stored.feedback.id)

    with database.write() as session:
        session.execute(select(Case.id).where(Case.id == stored.case.id).with_for_update())
        deletion = meanwhile(delete)
        outbox.enqueue(session, [stored.feedback.id])

    assert deletion.result() is None
