import re

import pytest
from sklearn.metrics import cohen_kappa_score

from models.labels import SENTIMENTS, TOPICS, URGENCIES
from training.agreement import COLUMNS, render_agreement
from training.datasets.texts import WrittenText
from training.errors import DataError

COUNT = 40


def text(number):
    return WrittenText(
        id=f"fi-{number:04d}",
        text="a",
        lang="fi",
        urgency=URGENCIES[number % 4],
        topic=TOPICS[number % 15],
        topics=(TOPICS[number % 15],),
        sentiment=SENTIMENTS[number % 3],
        churn_risk=number % 5 == 0,
        declares=("urgent", "legal") if number % 3 == 0 else (),
        pair=None,
        trade="shop",
        channel="chat",
    )


FIRST = [text(number) for number in range(COUNT)]


def second(number):
    """The same labels, but for every seventh text another urgency, and for every ninth no declaration."""
    row = FIRST[number]
    return {
        "id": row.id,
        "urgency": "low" if number % 7 == 0 else row.urgency,
        "topic": row.topic,
        "second_topic": "-",
        "sentiment": row.sentiment,
        "churn_risk": "0" if number == 0 else str(int(row.churn_risk)),
        "declares": "-" if number % 9 == 0 else ",".join(row.declares) or "-",
    }


def write(path, rows, header=COLUMNS):
    lines = ["\t".join(row[name] for name in COLUMNS) for row in rows]
    path.write_text("\n".join(["\t".join(header), *lines]) + "\n")
    return path


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="expected second labels at"):
        render_agreement({"fi": FIRST}, tmp_path / "none.tsv")


def test_other_columns_are_refused(tmp_path):
    with pytest.raises(DataError, match="to begin with id, urgency"):
        render_agreement({"fi": FIRST}, write(tmp_path / "second.tsv", [], header=COLUMNS[::-1]))


def test_labels_of_a_text_that_is_not_there_are_named(tmp_path):
    path = write(tmp_path / "second.tsv", [second(0) | {"id": "fi-9999"}])
    with pytest.raises(DataError, match="labels texts that are not there: fi-9999"):
        render_agreement({"fi": FIRST}, path)


def test_every_kappa_is_that_of_scikit_learn(tmp_path):
    rows = [second(number) for number in range(COUNT)]
    table = render_agreement({"fi": FIRST}, write(tmp_path / "second.tsv", rows))
    found = dict(re.findall(r"^\| ([a-z ,]+) \| (-?\d\.\d\d) \|$", table, re.MULTILINE))
    urgency = [URGENCIES.index(row.urgency) for row in FIRST], [URGENCIES.index(r["urgency"]) for r in rows]
    urgent = ["urgent" in row.declares for row in FIRST], ["urgent" in row["declares"] for row in rows]
    churn = [row.churn_risk for row in FIRST], [row["churn_risk"] == "1" for row in rows]
    expected = {
        "urgency": cohen_kappa_score(*urgency),
        "urgency, quadratic": cohen_kappa_score(*urgency, weights="quadratic"),
        "main topic": 1.0,
        "sentiment": 1.0,
        "churn risk": cohen_kappa_score(*churn),
        "declares urgent": cohen_kappa_score(*urgent),
        "declares legal": cohen_kappa_score(*urgent),
        "declares deadline": 1.0,
    }
    assert found == {name: f"{kappa:.2f}" for name, kappa in expected.items()}
    assert f"| label, {COUNT} texts | kappa |" in table
