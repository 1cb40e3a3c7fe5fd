"""Wire types of a priority."""

from pydantic import Field

from service.api.v1.wire.base import Out


class TermOut(Out):
    """One summand of a priority."""

    name: str = Field(examples=["urgency"])
    value: float | None = Field(description="0..1; null when its input is unknown.", examples=[0.8])
    weight: float = Field(examples=[40])
    contribution: float = Field(examples=[32])
    reason: str = Field(examples=["critical 8%, high 71%"])


class PriorityOut(Out):
    """A priority, 0..100: the sum of its terms' contributions."""

    value: float = Field(ge=0, le=100, examples=[63.2])
    terms: list[TermOut]
