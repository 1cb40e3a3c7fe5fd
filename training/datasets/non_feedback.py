"""What is no feedback: training/data/non_feedback.jsonl."""

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.labels import NON_FEEDBACK
from training.datasets.example import Example, share_of_name
from training.errors import DataError

NON_FEEDBACK_ROWS: Final = "non_feedback"
"""Name of these rows as a source."""

Kind = Literal[
    "keyboard_mash",
    "random_characters",
    "code",
    "machine_output",
    "placeholder",
    "word_salad",
    "numbers",
    "automatic_reply",
    "advertisement",
    "document_fragment",
    "signature_or_header",
    "repetition",
]


class NonFeedback(BaseModel):
    """One line of the file.

    Attributes:
        lang: Language of what is language in it, `und` where nothing is.
        kind: Why it is no feedback.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    text: str = Field(min_length=1)
    lang: str
    kind: Kind


def read_non_feedback(path: Path) -> list[NonFeedback]:
    """Read the file.

    Raises:
        DataError: It is missing, or a line is not of the form.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        return [NonFeedback.model_validate_json(line) for line in lines if line.strip()]
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not of the form of the non-feedback: {error}") from error


def non_feedback_examples(rows: list[NonFeedback], *, held_out: float) -> list[Example]:
    """Turn them into examples of the signal alone; what they feel or want is nobody's to say.

    Args:
        rows: From `read_non_feedback`.
        held_out: Share that never trains, 0..1; which rows depends on their ids alone.
    """
    return [
        Example(
            id=f"{NON_FEEDBACK_ROWS}/{row.id}",
            text=row.text,
            lang=row.lang,
            source=NON_FEEDBACK_ROWS,
            group=f"{NON_FEEDBACK_ROWS}/{row.id}",
            role="validation" if share_of_name(row.id) < held_out else "train",
            signals=(NON_FEEDBACK,),
        )
        for row in rows
    ]
