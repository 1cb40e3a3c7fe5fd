"""Wire types of GET /v1/corrections/export."""

from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from service.api.v1.wire.base import Moment, Out, Sentiment, Urgency


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def left_out(description: str) -> Any:
    """Describe a field that a line has only where a person's word holds of it."""
    return Field(default=None, description=description, json_schema_extra=_without_default)


class PreviousOut(Out):
    """What held just before each label of a line; null where nothing did, without heads."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    sentiment: str | None = left_out("Given where the line has a `sentiment`.")
    urgency: str | None = left_out("Given where the line has an `urgency`.")
    topics: list[str] | None = left_out("Given where the line has `topics`.")


class CorrectionOut(Out):
    """One corrected text: a line of the export. Only the labels that hold by a person's word are in it."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    id: UUID = Field(description="Id of the text.")
    text: str = Field(examples=["Die App stürzt beim Bezahlen ab."])
    language: str = Field(description="ISO 639 code, or `und`.", examples=["de"])
    sentiment: Sentiment = left_out("Left out where no person's word holds.")
    urgency: Urgency = left_out("Left out where no person's word holds.")
    topics: list[str] = left_out("Best first. Left out where no person's word holds.")
    by: str = Field(description="Who took the latest step, a label or an undo.", examples=["anna"])
    at: Moment = Field(description="When; lines are in this order.")
    model_revision: str | None = Field(
        description="Which heads scored the text last; null when none have.", examples=["2026.11.1-3fa9c2"]
    )
    previous: PreviousOut
