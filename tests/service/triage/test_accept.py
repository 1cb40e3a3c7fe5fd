"""The transaction that stores texts: what races with it is neither lost nor an error of the server."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, func, select, text

from models.predictions import LanguageGuess
from models.scorer import Scorer
from service.auth import ensure_tenant
from service.complaints.maps import Maps
from service.errors import NotFoundError, OverloadedError
from service.intake.feedback import IncomingFeedback
from service.learning.judgements import judge
from service.store import outbox
from service.store.database import Database
from service.store.feedback import lock, one, remove
from service.store.records import (
    Account,
    Case,
    Feedback,
    FeedbackTopic,
    FeedbackVersion,
    OutboxEntry,
    new_id,
    now,
)
from service.store.tenant_lock import lock_tenant
from service.triage.accept import ModelIdentity, accept, stored_texts

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
            return accept(session, self.id, items, scores, MODEL, Maps())

    def texts_to_score(self, *items):
        with self.database.read() as session:
            known = stored_texts(session, self.id, items)
        return [item for item in items if known.get(item.key) != item.text]

    def count(self, record):
        with self.database.read() as session:
            return session.scalar(select(func.count()).where(record.tenant_id == self.id))

    def revision(self, feedback_id):
        with self.database.read() as session:
            return session.get_one(OutboxEntry, feedback_id).revision

    def read(self, feedback_id):
        with self.database.read() as session:
            return one(session, self.id, feedback_id)


def item(words=TEXT, **given):
    fields = {"external_id": "1", "occurred_at": MOMENT, **given}
    return IncomingFeedback(text=words, given=frozenset(given), **fields)


@pytest.fixture(scope="module")
def database(shared_database_url):
    opened = Database(shared_database_url)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def tenant(database, hashing_encoder, tiny_artefact):
    return Tenant(database, Scorer(hashing_encoder, tiny_artefact, Languages()))


@pytest.fixture
def statements(database):
    """Every statement that is sent; one for many rows counts once."""
    sent = []

    def note(_connection, _cursor, statement, *_rest):
        sent.append(statement)

    event.listen(database._engine, "before_cursor_execute", note)
    yield sent
    event.remove(database._engine, "before_cursor_execute", note)


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
        lock_tenant(session, tenant.id)
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
        accept(session, tenant.id, [update], scores, MODEL, Maps())
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


# Updates


def test_a_repetition_without_update_changes_no_field(tenant):
    stored = tenant.post(item(declared_urgency="low"))[0]

    again = tenant.post(item(declared_urgency="critical", account_external_id="acme"), scored=False)[0]

    assert not again.changed
    assert tenant.read(stored.feedback.id)[0].declared_urgency == "low"
    assert (tenant.count(Account), tenant.revision(stored.feedback.id)) == (0, 1)


def test_an_update_that_changes_nothing_writes_nothing(tenant):
    given = {"declared_urgency": "low", "account_external_id": "acme", "metadata": {"a": 1}}
    stored = tenant.post(item(**given))[0]

    again = tenant.post(item(**given, update=True), scored=False)[0]

    assert (again.changed, tenant.revision(stored.feedback.id)) == (False, 1)
    assert tenant.count(FeedbackVersion) == 0


def test_an_update_that_was_not_scored_and_would_have_to_be_changes_nothing(tenant):
    stored = tenant.post(item())[0]

    refused = tenant.post(item(OTHER, declared_urgency="low", update=True), scored=False)[0]

    assert isinstance(refused, OverloadedError)
    assert tenant.read(stored.feedback.id)[0].declared_urgency is None


def test_an_update_of_fields_ranks_the_case_anew_and_is_no_new_version(tenant):
    stored = tenant.post(item(product="app"))[0]

    update = item(declared_urgency="critical", account_external_id="acme", update=True)
    changed = tenant.post(update, scored=False)[0]

    assert (changed.created, changed.changed, changed.account.external_id) == (False, True, "acme")
    feedback, case = tenant.read(stored.feedback.id)
    assert (feedback.declared_urgency, feedback.product, feedback.version) == ("critical", "app", 1)
    assert feedback.account.external_id == "acme"
    assert case.account_id == feedback.account_id
    assert case.resting > stored.case.resting
    assert (tenant.count(FeedbackVersion), tenant.revision(feedback.id)) == (0, 2)


def test_an_account_given_as_null_is_taken_off(tenant):
    stored = tenant.post(item(account_external_id="acme"))[0]

    changed = tenant.post(item(account_external_id=None, update=True), scored=False)[0]

    feedback, case = tenant.read(stored.feedback.id)
    assert (changed.changed, changed.account) == (True, None)
    assert feedback.account is None
    assert case.account_id is None


def test_a_text_created_and_updated_in_one_request_keeps_both_versions_and_the_last_topics(tenant):
    last = item(OTHER, product="app", update=True)
    first, second, third = tenant.post(item(), item(OTHER, update=True), last)

    assert (first.created, second.created, second.changed, third.changed) == (True, False, True, True)
    feedback, _case = tenant.read(first.feedback.id)
    assert (feedback.text, feedback.version, feedback.product) == (OTHER, 2, "app")
    with tenant.database.read() as session:
        kept = session.scalars(select(FeedbackVersion.text).where(FeedbackVersion.tenant_id == tenant.id))
        assert list(kept) == [TEXT]
        topics = session.scalars(select(FeedbackTopic.topic).where(FeedbackTopic.tenant_id == tenant.id))
        assert set(topics) == {*feedback.topics, feedback.topic}


# Languages


def test_an_identified_language_is_not_given_however_sure_the_identifier_is(tenant):
    feedback = tenant.post(item())[0].feedback

    assert feedback.prediction["language"]["confidence"] == 1
    assert tenant.read(feedback.id)[0].language_given is None


def test_a_given_language_is_kept_until_another_text_comes_without_one(tenant):
    feedback = tenant.post(item(language="de"))[0].feedback
    assert tenant.read(feedback.id)[0].language_given == "de"

    tenant.post(item(product="app", update=True), scored=False)
    assert tenant.read(feedback.id)[0].language_given == "de"

    tenant.post(item(OTHER, update=True))
    assert tenant.read(feedback.id)[0].language_given is None


def test_an_update_of_the_language_has_the_text_read_again_as_the_same_version(tenant):
    stored = tenant.post(item())[0].feedback
    update = item(language="de", update=True)

    assert tenant.texts_to_score(item()) == []
    assert tenant.texts_to_score(update) == [update]
    assert tenant.post(update)[0].changed

    feedback, case = tenant.read(stored.id)
    assert (feedback.language, feedback.language_given, feedback.version) == ("de", "de", 1)
    assert case.language == "de"
    assert tenant.texts_to_score(update) == []


# Statements


def sent_by(statements, call):
    statements.clear()
    call()
    return len(statements)


def many(count, words=TEXT, **given):
    return [
        item(f"{words} {n}", external_id=str(n), account_external_id=f"a{n}", **given) for n in range(count)
    ]


def test_more_texts_are_not_more_statements(tenant, statements, database):
    few = Tenant(database, tenant.scorer)

    def counts(of, number):
        return [
            sent_by(statements, lambda: of.post(*many(number))),
            sent_by(statements, lambda: of.post(*many(number), scored=False)),
            sent_by(statements, lambda: of.post(*many(number, product="app", update=True), scored=False)),
            sent_by(statements, lambda: of.post(*many(number, OTHER, update=True))),
        ]

    assert counts(tenant, 64) == counts(few, 2)


def test_a_new_text_has_no_topics_to_delete(tenant, statements):
    tenant.post(*many(3))

    assert not [statement for statement in statements if statement.startswith("DELETE")]
