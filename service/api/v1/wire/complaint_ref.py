"""How other documents tell of a recurring complaint."""

from pydantic import Field

from service.api.v1.wire.base import Out


class ComplaintRefOut(Out):
    """The recurring complaint that a text belongs to."""

    id: str = Field(description="For life.", examples=["3fa9c2d41b7e5a60c8d1"])
    title: str = Field(
        description="What people call it, else a member's own words in the reader's language.",
        examples=["The app crashes at checkout"],
    )
