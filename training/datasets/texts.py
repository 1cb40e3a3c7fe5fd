"""The texts written for this project: training/data/texts/<language>.jsonl."""

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.labels import CHURN_RISK, DECLARED, SENTIMENTS, TOPICS, URGENCIES
from training.datasets.example import Example, share_of_name
from training.errors import DataError

CHANNELS = (
    "email",
    "chat",
    "social",
    "app_review",
    "web_review",
    "survey",
    "phone_note",
    "issue_tracker",
    "form",
)


class WrittenText(BaseModel):
    """One line of a file.

    Attributes:
        pair: Shared by texts that say nearly the same and mean something else.
        declares: What the writer claims about urgency, whatever the guideline says of it; of `DECLARED`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    text: str = Field(min_length=1)
    lang: str
    urgency: str
    topic: str
    topics: tuple[str, ...] = Field(min_length=1, max_length=2)
    sentiment: str
    churn_risk: bool
    declares: tuple[str, ...]
    pair: str | None
    trade: str
    channel: str

    @model_validator(mode="after")
    def _labels_are_closed(self) -> "WrittenText":
        for name, label, allowed in (
            ("urgency", self.urgency, URGENCIES),
            ("sentiment", self.sentiment, SENTIMENTS),
            ("channel", self.channel, CHANNELS),
            *(("topic", topic, TOPICS) for topic in self.topics),
            *(("declares", claim, DECLARED) for claim in self.declares),
        ):
            if label not in allowed:
                raise ValueError(f"expected {name} to be one of {', '.join(allowed)}, got {label!r}")
        if self.topic != self.topics[0] or len(set(self.topics)) != len(self.topics):
            raise ValueError(f"expected topics to start with {self.topic} and to differ, got {self.topics}")
        return self


def read_texts(folder: Path) -> dict[str, list[WrittenText]]:
    """Read all languages.

    Args:
        folder: With one file a language.

    Returns:
        From language to its texts, languages in alphabetical order.

    Raises:
        DataError: There are none, or a line is not of the form.
    """
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise DataError(f"expected files such as fi.jsonl in {folder}, found none")
    return {path.stem: _read_language(path) for path in paths}


def text_checksums(folder: Path) -> str:
    """Return one SHA-256 over the names and contents of all files, in alphabetical order."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.jsonl")):
        digest.update(f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def text_examples(texts: dict[str, list[WrittenText]], *, held_out: float) -> list[Example]:
    """Turn written texts into examples; a hard pair is one group.

    Args:
        texts: From language to its texts.
        held_out: Share of the groups that never train, 0..1; which ones depends on their names alone.
    """
    return [
        Example(
            id=f"texts/{text.id}",
            text=text.text,
            lang=text.lang,
            source="texts",
            group=group,
            role="validation" if share_of_name(group) < held_out else "train",
            sentiment=text.sentiment,
            urgency=text.urgency,
            topics=text.topics,
            signals=(*((CHURN_RISK,) if text.churn_risk else ()), *text.declares),
        )
        for rows in texts.values()
        for text in rows
        for group in (f"texts/{text.pair or text.id}",)
    ]


def _read_language(path: Path) -> list[WrittenText]:
    try:
        # Not splitlines: a text may hold a character that it takes for the end of a line.
        lines = path.read_text(encoding="utf-8").split("\n")
        texts = [WrittenText.model_validate_json(line) for line in lines if line.strip()]
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not of the form of the written texts: {error}") from error
    for text in texts:
        if text.lang != path.stem:
            raise DataError(f"expected only {path.stem} in {path}, got {text.id} in {text.lang}")
    return texts
