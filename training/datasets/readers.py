"""From the rows of each source to examples."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from training.datasets.aspects import CAR, HOTEL, RESTAURANT, mentioned, topics_of_mentions
from training.datasets.catalogue import DataFile
from training.datasets.example import Example, Role, text_key
from training.datasets.intents import INTENTS
from training.errors import DataError
from training.experiment import Use

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What one row of a source says; `None` where it says nothing."""

    sentiment: str | None = None
    urgency: str | None = None
    topics: tuple[str, ...] | None = None


def examples_of_use(file: DataFile, use: Use, role: Role) -> list[Example]:
    """Turn rows of a source into examples, no more of a language (and intent) than asked for.

    Which rows are taken depends on their texts alone, not on their order.

    Args:
        file: The split that `use` names.
        use: Limit, weight, and which labels to keep.
        role: What the rows are for.

    Raises:
        DataError: A row lacks what its source should have.
    """
    try:
        read = _reader(file)
        rows = [(row, read(row), text_key(row["text"])) for row in _limited(file.rows, use.limit)]
        return [
            Example(
                id=f"{file.source}/{file.split}/{'+'.join(use.heads)}/{digest}",
                text=row["text"],
                lang=row["lang"],
                source=file.source,
                group=f"{file.source}/{digest}",
                role=role,
                weight=use.weight,
                sentiment=labels.sentiment if "sentiment" in use.heads else None,
                urgency=labels.urgency if "urgency" in use.heads else None,
                topics=labels.topics if "topics" in use.heads else None,
            )
            for row, labels, digest in rows
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{file.source}/{file.split} has a row of another form: {error!r}") from error


def gold_examples(file: DataFile) -> list[Example]:
    """Turn gold rows into examples: permissive ones train, the others validate.

    A translation is of the group of its original.
    """
    try:
        return [
            Example(
                id=f"gold/{row['id']}",
                text=row["text"],
                lang=row["lang"],
                source="gold",
                group=f"gold/{row.get('translated_from') or row['id']}",
                role="train" if row["permissive"] else "validation",
                sentiment=row["sentiment"],
                urgency=row["urgency"],
                topics=_main_first(row["topic"], row["topics"]),
            )
            for row in file.rows
        ]
    except KeyError as error:
        raise DataError(f"gold/{file.split} has a row without {error}") from error


def _main_first(topic: str, topics: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((topic, *topics)))


def _limited(rows: list[dict[str, Any]], limit: int | None) -> list[dict[str, Any]]:
    shelves: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in {row["text"]: row for row in rows}.values():
        shelves[row["lang"], row.get("intent", "")].append(row)
    return [
        row
        for shelf in shelves.values()
        for row in sorted(shelf, key=lambda row: text_key(row["text"]))[:limit]
    ]


def _sentiment(row: Row) -> Labels:
    return Labels(sentiment=row["sentiment"])


def _tweet(row: Row) -> Labels:
    # Drawn from the open stream: of 47 such tweets labelled by the guideline, 46 were low and 44 off-topic.
    return Labels(sentiment=row["sentiment"], urgency="low", topics=("other",))


def _xed(row: Row) -> Labels:
    return Labels(sentiment=row["sentiment_derived"])


def _banking77(row: Row) -> Labels:
    urgency, topics = INTENTS[row["intent"]]
    return Labels(urgency=urgency, topics=topics)


def _csrest(row: Row) -> Labels:
    return Labels(
        sentiment=row.get("sentiment"),
        topics=topics_of_mentions([aspect for _, aspect, _ in row["aspects"]], RESTAURANT),
    )


def _indonlu(table: Mapping[str, str]) -> Callable[[Row], Labels]:
    return lambda row: Labels(topics=topics_of_mentions(mentioned(row["aspects"]), table))


_READERS: Final[Mapping[str, Callable[[Row], Labels]]] = MappingProxyType(
    {
        "umsab": _tweet,
        "norec_sentence": _sentiment,
        "afrisenti": _sentiment,
        "indonlu/smsa": _sentiment,
        "indonlu/casa": _indonlu(CAR),
        "indonlu/hoasa": _indonlu(HOTEL),
        "xed": _xed,
        "banking77": _banking77,
        "csrest": _csrest,
    }
)


def _reader(file: DataFile) -> Callable[[Row], Labels]:
    part = f"{file.source}/{file.split.split('.')[0]}"
    reader = _READERS.get(part) or _READERS.get(file.source)
    if reader is None:
        raise DataError(f"nobody has said how to read labels from {file.source}/{file.split}")
    return reader
