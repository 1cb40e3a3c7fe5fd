"""The accounts that feedback belongs to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import NotFoundError
from service.store import outbox
from service.store.records import Account, Feedback
from service.store.tenant_lock import lock_tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDetails:
    """What is known about an account; `None` is unknown."""

    name: str | None
    type: str | None
    revenue_amount: float | None
    revenue_currency: str | None
    region: str | None
    stage: str | None
    attributes: Mapping[str, Mapping[str, Any]]


def put_account(
    session: Session, tenant: UUID, external_id: str, details: AccountDetails
) -> tuple[Account, bool]:
    """Create or replace an account; its texts' filters and priorities follow through the outbox.

    Returns:
        The account, and whether it is new.
    """
    lock_tenant(session, tenant)
    known = accounts_by_external_id(session, tenant, [external_id])
    account = known.get(external_id) or _bare(session, tenant, external_id)
    account.name = details.name
    account.type = details.type
    account.revenue_amount = details.revenue_amount
    account.revenue_currency = details.revenue_currency
    account.region = details.region
    account.stage = details.stage
    account.attributes = {name: dict(attribute) for name, attribute in details.attributes.items()}
    session.flush()
    outbox.enqueue_where(session, Feedback.account_id == account.id)
    return account, external_id not in known


def get_account(session: Session, tenant: UUID, external_id: str) -> Account:
    """Return an account.

    Raises:
        NotFoundError: This tenant has no such account.
    """
    account = accounts_by_external_id(session, tenant, [external_id]).get(external_id)
    if account is None:
        raise NotFoundError("no account of that external id in this tenant")
    return account


def list_accounts(session: Session, tenant: UUID, *, after: str | None, limit: int) -> list[Account]:
    """Return accounts by external id."""
    query = select(Account).where(Account.tenant_id == tenant).order_by(Account.external_id).limit(limit)
    if after is not None:
        query = query.where(Account.external_id > after)
    return list(session.scalars(query))


def ensure_accounts(session: Session, tenant: UUID, external_ids: Iterable[str]) -> dict[str, Account]:
    """Return accounts by external id; bare ones are created where they are not known yet."""
    wanted = dict.fromkeys(external_ids)
    known = accounts_by_external_id(session, tenant, wanted)
    for external_id in wanted:
        if external_id not in known:
            known[external_id] = _bare(session, tenant, external_id)
    session.flush()
    return known


def accounts_by_external_id(
    session: Session, tenant: UUID, external_ids: Iterable[str]
) -> dict[str, Account]:
    """Return those accounts that exist."""
    query = select(Account).where(Account.tenant_id == tenant, Account.external_id.in_(list(external_ids)))
    return {account.external_id: account for account in session.scalars(query)}


def _bare(session: Session, tenant: UUID, external_id: str) -> Account:
    account = Account(tenant_id=tenant, external_id=external_id, attributes={})
    session.add(account)
    return account
