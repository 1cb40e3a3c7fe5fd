"""Wire types of /v1/accounts."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from service.api.v1.wire.base import In, Line, MetadataValue, Moment, Out, Short, at_most


class RevenueIn(In):
    """A year's revenue with this account."""

    amount: float = Field(ge=0, le=1e15, strict=True)
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(description="ISO 4217 code.")


class AttributeIn(In):
    """One thing known about an account, and where from."""

    value: MetadataValue
    provenance: Literal["internal", "secondary"]


class AccountIn(In):
    """A customer organisation. What is left out is unknown."""

    name: Line | None = None
    type: Short | None = Field(
        default=None,
        max_length=64,
        description="`enterprise`, `business`, `small`, `free`, or a word of your own.",
        examples=["enterprise"],
    )
    revenue: RevenueIn | None = None
    region: Short | None = Field(default=None, max_length=64)
    stage: Short | None = Field(default=None, max_length=64)
    attributes: Annotated[dict[Short, AttributeIn], at_most(500)] = Field(default={}, max_length=500)


class RevenueOut(Out):
    """A year's revenue with this account."""

    amount: float
    currency: str


class AttributeOut(Out):
    """One thing known about an account, and where from."""

    value: str | int | float
    provenance: str


class AccountOut(Out):
    """A customer organisation."""

    external_id: str
    name: str | None
    type: str | None
    revenue: RevenueOut | None
    region: str | None
    stage: str | None
    attributes: dict[str, AttributeOut]
    created_at: Moment
    updated_at: Moment


class AccountPageOut(Out):
    """A page of accounts, by external id."""

    items: list[AccountOut]
    next_cursor: str | None
