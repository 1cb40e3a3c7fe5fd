"""How far a blind second labelling of the written texts agrees with the first."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from models.labels import DECLARED, SENTIMENTS, TOPICS, URGENCIES
from training.datasets.texts import WrittenText
from training.errors import DataError
from training.metrics import cohen_kappa, confusion, quadratic_kappa

COLUMNS = ("id", "urgency", "topic", "second_topic", "sentiment", "churn_risk", "declares")


def render_agreement(texts: Mapping[str, Sequence[WrittenText]], second: Path) -> str:
    """Return a Markdown table of Cohen's kappa by label set.

    Args:
        texts: From language to its texts, with the first labels.
        second: The file of second labels: tab-separated `COLUMNS`.

    Raises:
        DataError: The file is not of the form, or labels a text that is not there.
    """
    first = {text.id: text for rows in texts.values() for text in rows}
    rows = _read(second)
    unknown = [row["id"] for row in rows if row["id"] not in first]
    if unknown:
        raise DataError(f"{second} labels texts that are not there: {', '.join(unknown[:5])}")
    pairs = [(first[row["id"]], row) for row in rows]
    urgency = _counts(URGENCIES, [(text.urgency, row["urgency"]) for text, row in pairs])
    lines = [
        ("urgency", cohen_kappa(urgency)),
        ("urgency, quadratic", quadratic_kappa(urgency)),
        ("main topic", cohen_kappa(_counts(TOPICS, [(text.topic, row["topic"]) for text, row in pairs]))),
        (
            "sentiment",
            cohen_kappa(_counts(SENTIMENTS, [(text.sentiment, row["sentiment"]) for text, row in pairs])),
        ),
        (
            "churn risk",
            cohen_kappa(
                _counts("01", [(str(int(text.churn_risk)), row["churn_risk"]) for text, row in pairs])
            ),
        ),
        *(
            (
                f"declares {claim}",
                cohen_kappa(
                    _counts(
                        "01",
                        [
                            (str(int(claim in text.declares)), str(int(claim in row["declares"].split(","))))
                            for text, row in pairs
                        ],
                    )
                ),
            )
            for claim in DECLARED
        ),
    ]
    header = f"| label, {len(pairs)} texts | kappa |\n| --- | --- |\n"
    return header + "\n".join(f"| {name} | {kappa:.2f} |" for name, kappa in lines)


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise DataError(
                    f"expected {path} to begin with {', '.join(COLUMNS)}, got {reader.fieldnames}"
                )
            return list(reader)
    except OSError as error:
        raise DataError(f"expected second labels at {path}, got {error}") from error


def _counts(labels: Sequence[str], pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    first, second = (np.array([labels.index(pair[side]) for pair in pairs]) for side in (0, 1))
    return confusion(first, second, len(labels))
