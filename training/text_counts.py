"""Counts of the written texts, as tables for their data card."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from models.labels import SENTIMENTS, TOPICS, URGENCIES
from training.datasets.texts import CHANNELS, WrittenText


def render_counts(texts: Mapping[str, Sequence[WrittenText]]) -> str:
    """Return Markdown tables: texts by language and label, by topic, by channel.

    Args:
        texts: From language to its texts.
    """
    everything = [text for rows in texts.values() for text in rows]
    header = ("language", "texts", *URGENCIES, *SENTIMENTS, "churn", "declares", "hard pairs")
    rows = [(language, *_language(of)) for language, of in texts.items()]
    by_language = _table(header, [*rows, ("all", *_language(everything))])
    by_topic = _table(("topic", "main", "second", *URGENCIES), [_topic(name, everything) for name in TOPICS])
    by_channel = _table(("channel", "texts"), _counted(everything, CHANNELS, lambda text: text.channel))
    return f"{by_language}\n\n{by_topic}\n\n{by_channel}"


def _language(texts: Sequence[WrittenText]) -> tuple[str, ...]:
    urgencies = Counter(text.urgency for text in texts)
    sentiments = Counter(text.sentiment for text in texts)
    return (
        str(len(texts)),
        *(str(urgencies[label]) for label in URGENCIES),
        *(str(sentiments[label]) for label in SENTIMENTS),
        str(sum(text.churn_risk for text in texts)),
        str(sum(bool(text.declares) for text in texts)),
        str(len({text.pair for text in texts if text.pair})),
    )


def _topic(name: str, texts: Sequence[WrittenText]) -> tuple[str, ...]:
    urgencies = Counter(text.urgency for text in texts if text.topic == name)
    second = sum(name in text.topics[1:] for text in texts)
    return (
        name,
        str(urgencies.total()),
        str(second),
        *(str(urgencies[label]) for label in URGENCIES),
    )


def _counted(
    texts: Sequence[WrittenText], names: Sequence[str], key: Callable[[WrittenText], str]
) -> list[tuple[str, ...]]:
    counts = Counter(map(key, texts))
    return [(name, str(counts[name])) for name in names]


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
