"""The filters of lists, from query parameters and search bodies to the stores' one form."""

from typing import Annotated

from fastapi import Depends, Query

from service.api.v1.wire.base import (
    CaseState,
    Channel,
    ExternalId,
    Kind,
    LanguageCode,
    Moment,
    Sentiment,
    Short,
    Topic,
    Urgency,
)
from service.api.v1.wire.search import VALUES_MAX, FilterIn
from service.auth import Principal
from service.store.vectors import VectorFilter


def filter_of(principal: Principal, given: FilterIn) -> VectorFilter:
    """Bind a filter to the tenant that asks."""
    return VectorFilter(
        tenant=principal.tenant,
        language=tuple(given.language),
        sentiment=tuple(given.sentiment),
        topic=tuple(given.topic),
        urgency=tuple(given.urgency),
        kind=tuple(given.kind),
        account_type=tuple(given.account_type),
        account=tuple(given.account),
        channel=tuple(given.channel),
        status=tuple(given.status),
        complaint_id=given.complaint_id,
        revenue_min=given.revenue_min,
        occurred_from=given.occurred_from,
        occurred_to=given.occurred_to,
        metadata=given.metadata or None,
    )


async def read_filter(
    language: Annotated[list[LanguageCode] | None, Query(max_length=VALUES_MAX)] = None,
    sentiment: Annotated[list[Sentiment] | None, Query(max_length=VALUES_MAX)] = None,
    urgency: Annotated[list[Urgency] | None, Query(max_length=VALUES_MAX)] = None,
    topic: Annotated[list[Topic] | None, Query(max_length=VALUES_MAX)] = None,
    kind: Annotated[list[Kind] | None, Query(max_length=VALUES_MAX)] = None,
    channel: Annotated[list[Channel] | None, Query(max_length=VALUES_MAX)] = None,
    account: Annotated[
        list[ExternalId] | None, Query(max_length=VALUES_MAX, description="External ids of accounts.")
    ] = None,
    account_type: Annotated[list[Short] | None, Query(max_length=VALUES_MAX)] = None,
    revenue_min: Annotated[float | None, Query(ge=0, allow_inf_nan=False)] = None,
    status: Annotated[list[CaseState] | None, Query(max_length=VALUES_MAX)] = None,
    complaint_id: Annotated[Short | None, Query()] = None,
    occurred_from: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    occurred_to: Annotated[Moment | None, Query(description="Exclusive.")] = None,
) -> FilterIn:
    """Read a filter from query parameters; one that is given twice matches either value."""
    return FilterIn(
        language=language or [],
        sentiment=sentiment or [],
        urgency=urgency or [],
        topic=topic or [],
        kind=kind or [],
        channel=channel or [],
        account=account or [],
        account_type=account_type or [],
        revenue_min=revenue_min,
        status=status or [],
        complaint_id=complaint_id,
        occurred_from=occurred_from,
        occurred_to=occurred_to,
    )


QueryFilter = Annotated[FilterIn, Depends(read_filter)]
