from dataclasses import replace

import pytest

from training.datasets.catalogue import DataFile
from training.datasets.example import text_key
from training.datasets.judged import COLUMNS, judged_examples, judged_splits
from training.errors import DataError

TEXT = "my card was stolen"
LINE = {
    "key": text_key(TEXT),
    "urgency": "critical",
    "topic": "security_safety",
    "second_topic": "-",
    "sentiment": "negative",
    "churn_risk": "0",
    "declares": "-",
}
FILE = DataFile(
    source="banking77",
    split="train",
    sha256="0" * 64,
    rows=[{"text": "what is the rate", "lang": "en"}, {"text": TEXT, "lang": "en"}],
)


def write(folder, *changes, header=COLUMNS):
    lines = ["\t".join((LINE | change).values()) for change in changes]
    (folder / "banking77.train.tsv").write_text("\n".join(["\t".join(header), *lines]) + "\n")
    return folder


def read(folder, held_out=0.0):
    return judged_examples(folder, FILE, weight=2.0, held_out=held_out)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected labels at .*banking77\.train\.tsv"):
        read(tmp_path)


def test_empty_file_is_refused(tmp_path):
    (tmp_path / "banking77.train.tsv").touch()
    with pytest.raises(DataError, match="expected labels at"):
        read(tmp_path)


def test_file_that_is_not_utf_8_is_refused(tmp_path):
    (tmp_path / "banking77.train.tsv").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="expected labels at"):
        read(tmp_path)


def test_other_columns_are_refused(tmp_path):
    with pytest.raises(DataError, match="to begin with key, urgency, topic"):
        read(write(tmp_path, {}, header=COLUMNS[::-1]))


def test_line_with_too_few_cells_is_named(tmp_path):
    path = write(tmp_path, {}) / "banking77.train.tsv"
    path.write_text(path.read_text() + "abc\tlow\n")
    with pytest.raises(DataError, match="line 3: expected 7 cells, got 2"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("column", "label"),
    [
        ("urgency", "urgent"),
        ("urgency", "-"),
        ("topic", "weather"),
        ("topic", "-"),
        ("second_topic", "weather"),
        ("sentiment", "angry"),
        ("churn_risk", "yes"),
        ("declares", "urgent,please"),
        ("declares", ""),
    ],
)
def test_label_outside_the_closed_sets_is_named_with_its_line(tmp_path, column, label):
    with pytest.raises(DataError, match=f"line 3: expected {column} to be one of .*, got"):
        read(write(tmp_path, {}, {column: label}))


def test_label_of_a_text_that_is_no_longer_there_is_named_with_its_line(tmp_path):
    with pytest.raises(DataError, match="line 2: no text of banking77/train has the key 0123456789abcdef"):
        read(write(tmp_path, {"key": "0123456789abcdef"}))


def test_a_source_that_may_not_train_what_ships_is_refused(tmp_path):
    file = replace(FILE, source="tatoeba")
    with pytest.raises(DataError, match="tatoeba may not train what ships"):
        judged_examples(tmp_path, file, weight=1.0, held_out=0.0)


def test_a_share_never_trains_and_it_depends_on_the_texts_alone(tmp_path):
    rows = [{"text": f"question {number}", "lang": "en"} for number in range(500)]
    file = replace(FILE, rows=rows)
    write(tmp_path, *({"key": text_key(row["text"])} for row in rows))
    found = judged_examples(tmp_path, file, weight=1.0, held_out=0.2)
    write(tmp_path, *({"key": text_key(row["text"])} for row in rows[::-1]))
    again = judged_examples(tmp_path, file, weight=1.0, held_out=0.2)
    roles = {row.text: row.role for row in found}
    assert roles == {row.text: row.role for row in again}
    assert 70 <= list(roles.values()).count("validation") <= 130


def test_labels_are_joined_with_the_text_of_their_key(tmp_path):
    found = read(write(tmp_path, {"second_topic": "account_access"}))
    assert [(row.text, row.lang, row.urgency, row.sentiment) for row in found] == [
        (TEXT, "en", "critical", "negative")
    ]
    assert found[0].topics == ("security_safety", "account_access")
    assert (found[0].role, found[0].weight, found[0].source) == ("train", 2.0, "banking77")


@pytest.mark.parametrize(
    ("changes", "signals"),
    [
        ({}, ()),
        ({"churn_risk": "1"}, ("churn_risk",)),
        ({"churn_risk": "1", "declares": "urgent,legal"}, ("churn_risk", "urgent", "legal")),
    ],
)
def test_somebody_looked_for_signals_in_every_row(tmp_path, changes, signals):
    assert read(write(tmp_path, changes))[0].signals == signals


def test_splits_are_named_by_their_files_dots_in_them_included(tmp_path):
    for name in ("umsab.train.tsv", "indonlu.smsa.train.tsv", "README.md"):
        (tmp_path / name).touch()
    assert judged_splits(tmp_path) == [("indonlu", "smsa.train"), ("umsab", "train")]
