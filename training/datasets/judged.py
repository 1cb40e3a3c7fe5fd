"""Labels by the guideline for texts of public data sets: training/data/labels/<source>.<split>.tsv.

Only labels are kept here, each under the key of its text; the text itself is looked up in the data set.
"""

from pathlib import Path
from typing import Final

from models.labels import CHURN_RISK, DECLARED, SENTIMENTS, TOPICS, URGENCIES
from training.datasets.catalogue import LICENCES, DataFile
from training.datasets.example import Example, share_of_name, text_key
from training.errors import DataError

COLUMNS: Final = ("key", "urgency", "topic", "second_topic", "sentiment", "churn_risk", "declares")
_NOTHING: Final = "-"


def judged_splits(folder: Path) -> list[tuple[str, str]]:
    """Return source and split of each file of labels, in alphabetical order."""
    names = [path.name.removesuffix(".tsv") for path in sorted(folder.glob("*.tsv"))]
    return [(source, split) for source, _, split in (name.partition(".") for name in names)]


def judged_path(folder: Path, source: str, split: str) -> Path:
    """Return where the labels of a split lie."""
    return folder / f"{source}.{split}.tsv"


def judged_examples(folder: Path, file: DataFile, *, weight: float, held_out: float) -> list[Example]:
    """Join labels with the texts of their split.

    Args:
        folder: With the files of labels.
        file: The split.
        weight: How much a row counts in training.
        held_out: Share of the rows that never trains, 0..1; which ones depends on their texts alone.

    Raises:
        DataError: The file of labels is not of the form, a text is no longer in the split, or what trains on
            the split may not ship.
    """
    if not LICENCES[file.source].permissive:
        raise DataError(f"{file.source} may not train what ships: {LICENCES[file.source].name}")
    path = judged_path(folder, file.source, file.split)
    rows = {text_key(row["text"]): row for row in file.rows}
    examples = []
    for number, (key, urgency, topic, second, sentiment, churn, declares) in enumerate(_read(path), start=2):
        if key not in rows:
            raise DataError(f"{path}, line {number}: no text of {file.source}/{file.split} has the key {key}")
        row = rows[key]
        examples.append(
            Example(
                id=f"judged/{file.source}/{file.split}/{key}",
                text=row["text"],
                lang=row["lang"],
                source=file.source,
                group=f"{file.source}/{key}",
                role="validation" if share_of_name(key) < held_out else "train",
                weight=weight,
                sentiment=sentiment,
                urgency=urgency,
                topics=(topic,) if second == _NOTHING else (topic, second),
                signals=(
                    *((CHURN_RISK,) if churn == "1" else ()),
                    *(() if declares == _NOTHING else declares.split(",")),
                ),
            )
        )
    return examples


def _read(path: Path) -> list[tuple[str, str, str, str, str, str, str]]:
    try:
        header, *lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise DataError(f"expected labels at {path}, got {error}") from error
    if tuple(header.split("\t")) != COLUMNS:
        raise DataError(f"expected {path} to begin with {', '.join(COLUMNS)}, got {header!r}")
    rows = []
    for number, line in enumerate(lines, start=2):
        cells = line.split("\t")
        if len(cells) != len(COLUMNS):
            raise DataError(f"{path}, line {number}: expected {len(COLUMNS)} cells, got {len(cells)}")
        key, urgency, topic, second, sentiment, churn, declares = cells
        for name, label, allowed in (
            ("urgency", urgency, URGENCIES),
            ("topic", topic, TOPICS),
            ("second_topic", second, (_NOTHING, *TOPICS)),
            ("sentiment", sentiment, SENTIMENTS),
            ("churn_risk", churn, ("0", "1")),
            *(("declares", claim, (_NOTHING, *DECLARED)) for claim in declares.split(",")),
        ):
            if label not in allowed:
                raise DataError(
                    f"{path}, line {number}: expected {name} to be one of {', '.join(allowed)}, got {label!r}"
                )
        rows.append((key, urgency, topic, second, sentiment, churn, declares))
    return rows
