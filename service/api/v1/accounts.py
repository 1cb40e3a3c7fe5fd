"""/v1/accounts: who the customers are."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from starlette.concurrency import run_in_threadpool

from service.api.strict_route import StrictRoute
from service.api.v1 import cursor as cursors
from service.api.v1.problem_responses import BODY, problems
from service.api.v1.wire.accounts import AccountIn, AccountOut, AccountPageOut, AttributeOut, RevenueOut
from service.api.v1.wire.base import PAGE_MAX, ExternalId
from service.dependencies import CurrentState, MayRead, MayWrite
from service.intake.accounts import AccountDetails, get_account, list_accounts, put_account
from service.store.records import Account

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=StrictRoute)

AccountId = Annotated[ExternalId, Path(description="Your own id of the account.")]


class AccountCursor(cursors.Cursor):
    """The last external id of a page."""

    after: ExternalId


@router.put(
    "/{external_id:path}",
    operation_id="put_account",
    summary="Create or replace an account",
    responses=problems(*BODY, 404) | {201: {"model": AccountOut, "description": "It is new."}},
)
async def put_account_(
    external_id: AccountId, body: AccountIn, response: Response, state: CurrentState, principal: MayWrite
) -> AccountOut:
    """Say what is known about an account. Its texts' filters and priorities follow."""
    details = AccountDetails(
        name=body.name,
        type=body.type,
        revenue_amount=body.revenue.amount if body.revenue else None,
        revenue_currency=body.revenue.currency if body.revenue else None,
        region=body.region,
        stage=body.stage,
        attributes={name: row.model_dump() for name, row in body.attributes.items()},
    )

    def write() -> tuple[AccountOut, bool]:
        with state.database.write() as session:
            account, is_new = put_account(session, principal.tenant, external_id, details)
            session.flush()
            return _out(account), is_new

    account, is_new = await run_in_threadpool(write)
    response.status_code = 201 if is_new else 200
    state.indexer.wake()
    return account


@router.get("", operation_id="list_accounts", summary="List accounts", responses=problems())
def list_accounts_(
    state: CurrentState,
    principal: MayRead,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> AccountPageOut:
    """Return accounts by external id."""
    after = cursors.decode(AccountCursor, cursor)
    with state.database.read() as session:
        rows = list_accounts(session, principal.tenant, after=after.after if after else None, limit=limit + 1)
    more = cursors.encode(AccountCursor(after=rows[limit - 1].external_id)) if len(rows) > limit else None
    return AccountPageOut(items=[_out(row) for row in rows[:limit]], next_cursor=more)


@router.get(
    "/{external_id:path}", operation_id="get_account", summary="Read an account", responses=problems(404)
)
def get_account_(external_id: AccountId, state: CurrentState, principal: MayRead) -> AccountOut:
    """Return what is known about an account."""
    with state.database.read() as session:
        return _out(get_account(session, principal.tenant, external_id))


def _out(account: Account) -> AccountOut:
    revenue = None
    if account.revenue_amount is not None and account.revenue_currency is not None:
        revenue = RevenueOut(amount=account.revenue_amount, currency=account.revenue_currency)
    return AccountOut(
        external_id=account.external_id,
        name=account.name,
        type=account.type,
        revenue=revenue,
        region=account.region,
        stage=account.stage,
        attributes={name: AttributeOut(**row) for name, row in account.attributes.items()},
        created_at=account.created_at,
        updated_at=account.updated_at,
    )
