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
    """One corrected text: a line of the export. Only the labels that hold by a person's word are in it.

    They stand with the version of the text that they were given on; a text that was changed between two
    labels has a line for each version.
    """

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    id: UUID = Field(description="Id of the text.")
    version: int = Field(
        description="Version of the text that the labels were given on: not the latest one where it was "
        "changed later.",
        examples=[1],
    )
    text: str = Field(description="The words of that version.", examples=["Die App stürzt beim Bezahlen ab."])
    language: str = Field(description="Of that version: ISO 639 code, or `und`.", examples=["de"])
    sentiment: Sentiment = left_out("Left out where no person's word holds.")
    urgency: Urgency = left_out("Left out where no person's word holds.")
    topics: list[str] = left_out("Best first. Left out where no person's word holds.")
    by: str = Field(
        description="Who took the latest step on the text, a label or an undo.", examples=["anna"]
    )
    at: Moment = Field(description="When; lines are in this order.")
    model_revision: str | None = Field(
        description="Which heads scored that version last; null when none have.",
        examples=["2026.11.1-3fa9c2"],
    )
    previous: PreviousOut
