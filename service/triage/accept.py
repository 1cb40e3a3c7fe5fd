"""The transaction in which texts become stored feedback, each with its case and its place in the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import Session

from models.predictions import ScoredText
from service.errors import ConflictError, OverloadedError, ServiceError
from service.intake.accounts import ensure_accounts
from service.intake.feedback import IncomingFeedback
from service.store import outbox
from service.store.feedback import lock
from service.store.records import Account, Case, Feedback, FeedbackVersion, Tenant, new_id, now
from service.triage.labels import apply_labels, apply_score, current
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
    """Return the text stored under each key that is known already; those need no scoring."""
    known = _known(tenant, items)
    if not known:
        return {}
    query = select(Feedback.channel, Feedback.external_id, Feedback.text).where(*known)
    return {(row[0], row[1] or ""): row[2] for row in session.execute(query)}


def accept(
    session: Session,
    tenant_id: UUID,
    items: Sequence[IncomingFeedback],
    scored: Sequence[ScoredText | None],
    model: ModelIdentity,
) -> list[Outcome]:
    """Store texts, in order, inside the caller's transaction.

    Args:
        session: A writing transaction that `lock_tenant` was called on.
        tenant_id: Whose texts these are.
        items: What came in.
        scored: One an item; `None` where the same text was stored already a moment ago.
        model: Who scored.

    Returns:
        One outcome an item. A refused one leaves the others untouched.
    """
    tenant = session.get_one(Tenant, tenant_id)
    known = _locked(session, tenant_id, items)
    fresh = [item for item in items if item.key is None or item.key not in known]
    accounts = ensure_accounts(
        session, tenant_id, (i.account_external_id for i in fresh if i.account_external_id)
    )
    intake = _Intake(session, tenant, accounts, model)
    outcomes: list[Outcome] = []
    for item, score in zip(items, scored, strict=True):
        try:
            outcome = intake.take(item, score, known.get(item.key) if item.key else None)
        except ServiceError as error:
            outcomes.append(error)
            continue
        outcomes.append(outcome)
        if item.key:
            known[item.key] = outcome.feedback
    session.flush()  # before the outbox: see `lock`
    changed = {o.feedback.id for o in outcomes if isinstance(o, Accepted) and o.changed}
    outbox.enqueue(session, sorted(changed))
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

    def take(self, item: IncomingFeedback, score: ScoredText | None, known: Feedback | None) -> Accepted:
        if known is None:
            return self._create(item, _needed(score))
        if known.text == item.text:
            return self._stored(known, changed=False)
        if not item.update:
            raise ConflictError(
                "expected the text stored under this channel and external_id, got another one; "
                'send it with "update": true to store a new version',
                id=str(known.id),
            )
        return self._replace_text(known, item, _needed(score))

    def _create(self, item: IncomingFeedback, score: ScoredText) -> Accepted:
        account = self.accounts.get(item.account_external_id or "")
        feedback = Feedback(
            id=new_id(),
            tenant_id=self.tenant.id,
            channel=item.channel,
            external_id=item.external_id,
            text=item.text,
            version=1,
            solicited=item.solicited,
            author=dict(item.author) if item.author else None,
            account_id=account.id if account else None,
            declared_urgency=item.declared_urgency,
            rating=dict(item.rating) if item.rating else None,
            touchpoint=item.touchpoint,
            product=item.product,
            occurred_at=item.occurred_at,
            received_at=self.moment,
            details=dict(item.metadata),
        )
        apply_score(feedback, score, space=self.model.space, revision=self.model.revision)
        case = Case(
            id=new_id(),
            tenant_id=self.tenant.id,
            feedback_id=feedback.id,
            state="open",
            version=1,
            opened_at=self.moment,
        )
        self.session.add(feedback)
        self._settle(feedback, case, account)
        self.session.add(case)
        return Accepted(feedback=feedback, case=case, account=account, created=True, changed=True)

    def _replace_text(self, feedback: Feedback, item: IncomingFeedback, score: ScoredText) -> Accepted:
        self.session.add(
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
        feedback.text = item.text
        feedback.version += 1
        apply_score(feedback, score, space=self.model.space, revision=self.model.revision)
        stored = self._stored(feedback, changed=True)
        self._settle(feedback, stored.case, stored.account)
        return stored

    def _stored(self, feedback: Feedback, *, changed: bool) -> Accepted:
        case = self.session.scalars(select(Case).where(Case.feedback_id == feedback.id)).one()
        account = self.session.get(Account, feedback.account_id) if feedback.account_id else None
        return Accepted(feedback=feedback, case=case, account=account, created=False, changed=changed)

    def _settle(self, feedback: Feedback, case: Case, account: Account | None) -> None:
        with self.session.no_autoflush:
            apply_labels(self.session, feedback, current(feedback) if feedback.judged else {})
            rank_case(case, feedback, account, self.weights)


def _locked(
    session: Session, tenant: UUID, items: Sequence[IncomingFeedback]
) -> dict[tuple[str, str], Feedback]:
    """Read what is stored under these keys, under locks: a label or a deletion may be on its way."""
    known = _known(tenant, items)
    if not known:
        return {}
    lock(session, *known)
    rows = session.scalars(select(Feedback).where(*known).execution_options(populate_existing=True))
    return {(row.channel, row.external_id or ""): row for row in rows}


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
