import json

import pandas as pd
import pytest

from training.datasets.tables import read_table, table_examples
from training.errors import DataError
from training.experiment import Columns, Table

ROWS = [
    {"text": "Kortti katosi", "language": "fi", "sentiment": "negative", "urgency": "critical"},
    {"text": "Tack!", "language": "sv", "sentiment": "positive", "urgency": None},
    {"text": "Was kostet das?", "language": None, "sentiment": None, "urgency": "low"},
]
TOPICS = [["security_safety", "account_access"], ["praise_general"], None]
CORRECTIONS = [
    {
        "id": "0192f2c4-9f3b-7c1e-8a54-1d2f6b7a8c90",
        "text": "Die App stürzt beim Bezahlen ab.",
        "language": "de",
        "urgency": "high",
        "by": "anna",
        "at": "2026-11-02T08:15:00Z",
        "model_revision": "2026.11.1-3fa9c2",
        "previous": {"urgency": "medium"},
    },
    {
        "id": "0192f2c4-9f3b-7c1e-8a54-1d2f6b7a8c91",
        "text": "Kiitos, toimii taas",
        "language": "fi",
        "sentiment": "positive",
        "topics": ["praise_general", "bug_crash"],
        "by": "anna",
        "at": "2026-11-03T08:15:00Z",
        "model_revision": None,
        "previous": {"sentiment": None, "topics": None},
    },
]


def table(path, **changes):
    return Table.model_validate(
        {"name": "own", "path": path, "licence": "ours", "permissive": True, **changes}
    )


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def examples(path, **changes):
    own = table(path, **changes)
    return table_examples(own, read_table(own))


def refused(path, match, **changes):
    with pytest.raises(DataError, match=match):
        examples(path, **changes)


@pytest.mark.parametrize("name", ["none.jsonl", "none.csv", "none.parquet"])
def test_missing_file_is_said_by_name(tmp_path, name):
    refused(tmp_path / name, rf"expected the table 'own' at .*{name}, found no file")


def test_file_of_an_unknown_form_is_refused(tmp_path):
    (tmp_path / "own.xlsx").touch()
    refused(tmp_path / "own.xlsx", r"expected a \.jsonl, \.csv, \.parquet file for the table 'own', got")


@pytest.mark.parametrize(
    ("name", "content"), [("own.jsonl", b'{"text": '), ("own.parquet", b"PAR1 no"), ("own.csv", b'"a\nb')]
)
def test_damaged_file_is_said_by_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, rf"the table 'own' at .*{name} cannot be read")


def test_a_hub_that_cannot_be_reached_is_said(monkeypatch):
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataError, match=r"owner/absent \(train\) cannot be fetched from the hub"):
        read_table(table(None, hub="owner/absent", revision="0123456"))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"text": ""}, "own, row 2: expected a text in the column 'text', got ''"),
        ({"text": None}, "own, row 2: expected a text"),
        ({"sentiment": "angry"}, "own, row 2: expected sentiment to be one of .*, got 'angry'"),
        ({"urgency": "Urgent"}, "own, row 2: expected urgency to be one of .*, got 'Urgent'"),
        ({"topics": ["weather"]}, "own, row 2: expected topics among .*, got 'weather'"),
        ({"topics": ["other", "weather"]}, "got 'weather'"),
    ],
)
def test_a_bad_cell_is_named_with_its_row(tmp_path, change, match):
    rows = [ROWS[0] | {"topics": ["other"]}, ROWS[1] | {"topics": ["other"]} | change]
    refused(write_jsonl(tmp_path / "own.jsonl", rows), match)


def test_a_column_that_is_not_there_is_named(tmp_path):
    path = write_jsonl(tmp_path / "own.jsonl", ROWS)
    refused(path, "row 1: expected a text in the column 'body', got None", columns={"text": "body"})


def write_table(path):
    """Write the same rows in the form that the name asks for."""
    if path.suffix == ".jsonl":
        rows = [row | {"topics": topics} for row, topics in zip(ROWS, TOPICS, strict=True)]
        return write_jsonl(path, rows)
    frame = pd.DataFrame(ROWS)
    if path.suffix == ".csv":
        frame["topics"] = ["security_safety; account_access", "praise_general", ""]
        frame.to_csv(path, index=False)
    else:
        frame["topics"] = TOPICS
        frame.to_parquet(path)
    return path


LEFT = [("churn_risk", "urgent", "legal"), (), ("deadline",), None]


@pytest.mark.parametrize(
    "churn", [("true", "false"), ("True", "False"), ("TRUE", "FALSE"), ("1", "0")], ids=lambda told: told[0]
)
@pytest.mark.parametrize("unknown", ["", "false"])
def test_signals_of_csv_are_text_and_an_empty_row_says_nothing(tmp_path, churn, unknown):
    yes, no = churn
    unknown = no if unknown else ""  # a column without empty cells is read as another type
    lines = ["text,churn_risk,declares", f"a,{yes},urgent; legal", f"b,{no},", f"c,{unknown},deadline"]
    lines += [f"d,{unknown},"]
    (tmp_path / "own.csv").write_text("\n".join(lines) + "\n")
    expected = [*LEFT[:3], () if unknown else None]
    assert [row.signals for row in examples(tmp_path / "own.csv")] == expected


def test_a_bad_signal_in_csv_is_blamed_on_its_own_row(tmp_path):
    """One word makes the whole column text: the rows before it are as good as they were."""
    (tmp_path / "own.csv").write_text("text,churn_risk\na,True\nb,FALSE\nc,perhaps\n")
    refused(tmp_path / "own.csv", "own, row 3: expected churn_risk to be true or false, got 'perhaps'")


def test_signals_of_parquet_are_flags_and_lists(tmp_path):
    frame = pd.DataFrame(
        {
            "text": ["a", "b", "c", "d"],
            "churn_risk": pd.array([True, False, None, None], dtype="boolean"),
            "declares": [["urgent", "legal"], [], ["deadline"], None],
        }
    )
    frame.to_parquet(tmp_path / "own.parquet")
    assert [row.signals for row in examples(tmp_path / "own.parquet")] == LEFT


def test_signals_can_have_columns_of_other_names(tmp_path):
    rows = [{"text": "a", "leaving": True, "claims": ["legal"], "churn_risk": "not ours"}]
    columns = Columns(churn_risk="leaving", declares="claims")
    (row,) = examples(write_jsonl(tmp_path / "own.jsonl", rows), columns=columns)
    assert row.signals == ("churn_risk", "legal")


@pytest.mark.parametrize("name", ["own.jsonl", "own.csv", "own.parquet"])
def test_every_form_gives_the_same_rows_and_empty_cells_say_nothing(tmp_path, name):
    found = examples(write_table(tmp_path / name), weight=2.5, role="validation")
    assert [(row.text, row.lang, row.sentiment, row.urgency, row.topics) for row in found] == [
        ("Kortti katosi", "fi", "negative", "critical", ("security_safety", "account_access")),
        ("Tack!", "sv", "positive", None, ("praise_general",)),
        ("Was kostet das?", "und", None, "low", None),
    ]
    assert {(row.source, row.role, row.weight, row.signals) for row in found} == {
        ("own", "validation", 2.5, None)
    }
    assert len({row.id for row in found}) == 3


def test_exported_corrections_are_read_as_they_come(tmp_path):
    found = examples(write_jsonl(tmp_path / "corrections.jsonl", CORRECTIONS))
    assert [(row.lang, row.sentiment, row.urgency, row.topics) for row in found] == [
        ("de", None, "high", None),
        ("fi", "positive", None, ("praise_general", "bug_crash")),
    ]


@pytest.mark.parametrize(
    ("cells", "signals"),
    [
        ({}, None),
        ({"churn_risk": None, "declares": None}, None),
        ({"churn_risk": False}, ()),
        ({"churn_risk": True, "declares": []}, ("churn_risk",)),
        ({"declares": ["legal", "urgent"]}, ("legal", "urgent")),
        ({"churn_risk": "1", "declares": "urgent; deadline"}, ("churn_risk", "urgent", "deadline")),
        ({"churn_risk": "false", "declares": ""}, ()),
        ({"churn_risk": "", "declares": ""}, None),
        ({"churn_risk": None, "declares": []}, ()),
        ({"churn_risk": "TRUE", "declares": "legal"}, ("churn_risk", "legal")),
    ],
)
def test_signals_are_told_where_somebody_looked(tmp_path, cells, signals):
    (row,) = examples(write_jsonl(tmp_path / "own.jsonl", [{"text": "a"} | cells]))
    assert row.signals == signals


@pytest.mark.parametrize(
    ("cells", "match"),
    [
        ({"churn_risk": "perhaps"}, "own, row 1: expected churn_risk to be true or false, got 'perhaps'"),
        (
            {"declares": ["please"]},
            "own, row 1: expected declares among urgent, deadline, legal, got 'please'",
        ),
        ({"declares": "urgent|please"}, "got 'please'"),
        ({"churn_risk": ["true"]}, "own, row 1: expected churn_risk to be true or false, got .'true'.$"),
        ({"churn_risk": 2}, "expected churn_risk to be true or false, got 2"),
        ({"declares": 1}, "own, row 1: expected declares to be a list or text, got 1"),
        ({"topics": 7}, "own, row 1: expected topics to be a list or text, got 7"),
    ],
)
def test_a_bad_signal_is_named_with_its_row(tmp_path, cells, match):
    refused(write_jsonl(tmp_path / "own.jsonl", [{"text": "a"} | cells]), match)


def test_other_names_of_columns_can_be_given(tmp_path):
    rows = [{"body": "Tack!", "lg": "sv", "mood": "positive", "urgency": "not ours", "thread": "t1"}] * 2
    columns = Columns(text="body", language="lg", sentiment="mood", urgency="none", group="thread")
    found = examples(write_jsonl(tmp_path / "own.jsonl", rows), columns=columns)
    assert [(row.lang, row.sentiment, row.urgency) for row in found] == [("sv", "positive", None)] * 2
    assert {row.group for row in found} == {"own/t1"}


def test_without_a_group_the_same_text_is_one_group(tmp_path):
    rows = [{"text": "Tack!"}, {"text": "Tack!"}, {"text": "Hej"}]
    groups = [row.group for row in examples(write_jsonl(tmp_path / "own.jsonl", rows))]
    assert groups[0] == groups[1] != groups[2]


def test_a_topic_named_twice_is_one_topic(tmp_path):
    (tmp_path / "own.csv").write_text("text,topics\nTack,other|praise_general|other\n")
    assert examples(tmp_path / "own.csv")[0].topics == ("other", "praise_general")


def test_a_file_that_has_changed_is_read_anew_under_another_checksum(tmp_path):
    path = tmp_path / "own.jsonl"
    first = read_table(table(write_jsonl(path, ROWS[:1])))
    second = read_table(table(write_jsonl(path, ROWS[1:2])))
    assert [row["text"] for row in second.rows] == ["Tack!"]
    assert first.sha256 != second.sha256
