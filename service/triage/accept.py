"""The transaction in which texts become stored feedback, each with its case and its place in the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from models.predictions import ScoredText
from service.complaints.maps import Maps
from service.complaints.placing import Placing
from service.errors import ConflictError, OverloadedError, ServiceError
from service.intake.accounts import ensure_accounts
from service.intake.feedback import IncomingFeedback
from service.store import outbox
from service.store.feedback import lock, with_case
from service.store.records import Account, Case, Feedback, FeedbackVersion, Tenant, new_id, now
from service.triage.changes import change_columns, columns_of, is_to_be_scored
from service.triage.labels import apply_score, current, hold_labels, replace_topics
from service.triage.rank import rank_case, weights_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """Which models scored: stored with every row.

    Attributes:
        name: Name of the heads, such as ``default``.
        revision: Revision of the heads; `None` when no heads fit the encoder.
        encoder: Name of the encoder with its hash.
        space: Identity of the vector space.
    """

    name: str
    revision: str | None
    encoder: str
    space: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A text that is in the database."""

    feedback: Feedback
    case: Case
    account: Account | None
    created: bool
    changed: bool


Outcome = Accepted | ServiceError


def stored_texts(
    session: Session, tenant: UUID, items: Sequence[IncomingFeedback]
) -> dict[tuple[str, str], str]:
    """Return the text stored under each key that is known already; those need no scoring.

    One whose update says another language is left out: it is to be read again.
    """
    known = _known(tenant, items)
    if not known:
        return {}
    query = select(Feedback.channel, Feedback.external_id, Feedback.text, Feedback.language_given)
    stored = {(row[0], row[1] or ""): (row[2], row[3]) for row in session.execute(query.where(*known))}
    for item in items:
        if item.key in stored and is_to_be_scored(*stored[item.key], item):
            del stored[item.key]
    return {key: text for key, (text, _language) in stored.items()}


def accept(
    session: Session,
    tenant_id: UUID,
    items: Sequence[IncomingFeedback],
    scored: Sequence[ScoredText | None],
    model: ModelIdentity,
    maps: Maps,
) -> list[Outcome]:
    """Store texts, in order, inside the caller's transaction.

    The number of statements does not grow with the number of texts.

    Args:
        session: A writing transaction that `lock_tenant` was called on.
        tenant_id: Whose texts these are.
        items: What came in.
        scored: One an item; `None` where the same text was stored already a moment ago.
        model: Who scored.
        maps: Where recurring complaints are.

    Returns:
        One outcome an item. A refused one leaves the others untouched.
    """
    tenant = session.get_one(Tenant, tenant_id)
    known = _locked(session, tenant_id, items)
    naming = [item for item in items if item.update or item.key is None or item.key not in known]
    accounts = ensure_accounts(
        session, tenant_id, (i.account_external_id for i in naming if i.account_external_id)
    )
    intake = _Intake(session, tenant, accounts, model)
    placing = Placing(session, tenant_id, maps, space=model.space)
    outcomes: list[Outcome] = []
    for item, score in zip(items, scored, strict=True):
        try:
            outcome = intake.take(item, score, known.get(item.key) if item.key else None)
        except ServiceError as error:
            outcomes.append(error)
            continue
        outcomes.append(outcome)
        if item.key:
            known[item.key] = outcome
    intake.write([outcome for outcome in outcomes if isinstance(outcome, Accepted)], placing)
    return outcomes


class _Intake:
    """One transaction's worth of texts of one tenant."""

    def __init__(
        self, session: Session, tenant: Tenant, accounts: dict[str, Account], model: ModelIdentity
    ) -> None:
        self.session = session
        self.tenant = tenant
        self.weights = weights_of(tenant)
        self.accounts = accounts
        self.model = model
        self.moment = now()
        self.versions: list[FeedbackVersion] = []
        self.read: dict[UUID, Feedback] = {}
        """What the models have read just now."""

    def take(self, item: IncomingFeedback, score: ScoredText | None, known: Accepted | None) -> Accepted:
        if known is None:
            return self._create(item, _needed(score))
        if item.update:
            return self._update(known, item, score)
        if known.feedback.text != item.text:
            raise ConflictError(
                "expected the text stored under this channel and external_id, got another one; "
                'send it with "update": true to store a new version',
                id=str(known.feedback.id),
            )
        return replace(known, created=False, changed=False)

    def write(self, accepted: Sequence[Accepted], placing: Placing) -> None:
        """Place the texts, rank their cases, and write what refers to them, after them."""
        created = {row.feedback.id: row.feedback for row in accepted if row.created}
        changed = {row.feedback.id: row for row in accepted if row.changed}
        with self.session.no_autoflush:  # a case without its rank is no row yet
            placing.place(list(self.read.values()), known=self.read.keys() - created.keys())
        for row in changed.values():
            rank_case(row.case, row.feedback, row.account, self.weights)
        self.session.flush()
        self.session.add_all(self.versions)
        known = [row.feedback for key, row in changed.items() if key not in created]
        replace_topics(self.session, known, list(created.values()))
        self.session.flush()  # before the outbox: see `lock`
        outbox.enqueue(self.session, changed, behind=placing.settle())

    def _create(self, item: IncomingFeedback, score: ScoredText) -> Accepted:
        account = self.accounts.get(item.account_external_id or "")
        feedback = Feedback(
            id=new_id(),
            tenant_id=self.tenant.id,
            channel=item.channel,
            external_id=item.external_id,
            text=item.text,
            version=1,
            account_id=account.id if account else None,
            received_at=self.moment,
            judged=[],
            **columns_of(item),
        )
        case = Case(
            id=new_id(),
            tenant_id=self.tenant.id,
            feedback_id=feedback.id,
            state="open",
            version=1,
            opened_at=self.moment,
        )
        self.session.add(feedback)
        self._score(feedback, item, score)
        self.session.add(case)
        return Accepted(feedback=feedback, case=case, account=account, created=True, changed=True)

    def _update(self, known: Accepted, item: IncomingFeedback, score: ScoredText | None) -> Accepted:
        feedback, account = known.feedback, known.account
        # Before anything is changed: a refused item changes nothing.
        unread = is_to_be_scored(feedback.text, feedback.language_given, item)
        fresh = _needed(score) if unread else None
        changed = change_columns(feedback, item) or unread
        if "account_external_id" in item.given:
            account = self.accounts.get(item.account_external_id or "")
            changed |= account is not known.account
            feedback.account_id = account.id if account else None
            set_committed_value(feedback, "account", account)
        if feedback.text != item.text:
            self._keep_version(feedback)
            feedback.text = item.text
        if fresh:
            self._score(feedback, item, fresh)
        return replace(known, account=account, created=False, changed=changed)

    def _keep_version(self, feedback: Feedback) -> None:
        self.versions.append(
            FeedbackVersion(
                feedback_id=feedback.id,
                version=feedback.version,
                tenant_id=feedback.tenant_id,
                text=feedback.text,
                prediction=feedback.prediction,
                model_revision=feedback.model_revision,
                replaced_at=self.moment,
            )
        )
        feedback.version += 1

    def _score(self, feedback: Feedback, item: IncomingFeedback, score: ScoredText) -> None:
        # A language is said of a text: another text that comes without one has it identified.
        feedback.language_given = item.language
        apply_score(feedback, score, space=self.model.space, revision=self.model.revision)
        hold_labels(feedback, current(feedback))
        self.read[feedback.id] = feedback


def _locked(
    session: Session, tenant: UUID, items: Sequence[IncomingFeedback]
) -> dict[tuple[str, str], Accepted]:
    """Read what is stored under these keys, under locks: a label or a deletion may be on its way."""
    known = _known(tenant, items)
    if not known:
        return {}
    lock(session, *known)
    query = with_case(tenant).where(*known).execution_options(populate_existing=True)
    return {
        (feedback.channel, feedback.external_id or ""): Accepted(
            feedback=feedback, case=case, account=feedback.account, created=False, changed=False
        )
        for feedback, case in session.execute(query)
    }


def _known(tenant: UUID, items: Sequence[IncomingFeedback]) -> list[ColumnElement[bool]]:
    """Return what texts stored under these items' keys fulfil; nothing where no item has a key."""
    keys = {item.key for item in items if item.key}
    if not keys:
        return []
    return [Feedback.tenant_id == tenant, tuple_(Feedback.channel, Feedback.external_id).in_(keys)]


def _needed(score: ScoredText | None) -> ScoredText:
    if score is None:
        # It was there when we looked, so it was not scored, and is gone or another one now.
        raise OverloadedError("the stored text was changed or deleted while this request ran; send it again")
    return score
