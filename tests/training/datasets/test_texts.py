import json

import pytest

from training.datasets.texts import read_texts, text_checksums, text_examples
from training.errors import DataError

ROW = {
    "id": "fi-0001",
    "text": "Kortti katosi",
    "lang": "fi",
    "urgency": "critical",
    "topic": "security_safety",
    "topics": ["security_safety", "account_access"],
    "sentiment": "negative",
    "churn_risk": False,
    "declares": ["urgent"],
    "pair": None,
    "trade": "bank",
    "channel": "chat",
}


def write(folder, *rows, name="fi"):
    text = "".join(json.dumps(ROW | row) + "\n" for row in rows)
    (folder / f"{name}.jsonl").write_text(text)
    return folder


def test_folder_without_texts_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected files such as fi\.jsonl"):
        read_texts(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"urgency": "urgent"},
        {"sentiment": "angry"},
        {"channel": "fax"},
        {"topics": ["security_safety", "weather"]},
        {"topics": ["account_access", "security_safety"]},
        {"topics": ["security_safety", "security_safety"]},
        {"topics": []},
        {"declares": ["please"]},
        {"declares": "urgent"},
        {"declares": None},
        {"text": ""},
        {"surprise": 1},
    ],
)
def test_line_of_another_form_is_refused(tmp_path, change):
    with pytest.raises(DataError, match=r"fi\.jsonl is not of the form of the written texts"):
        read_texts(write(tmp_path, change))


def test_text_of_another_language_in_a_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected only fi in .*, got sv-0001 in sv"):
        read_texts(write(tmp_path, {"id": "sv-0001", "lang": "sv"}))


def examples(tmp_path, *rows, held_out=0.3):
    return text_examples(read_texts(write(tmp_path, *rows)), held_out=held_out)


def test_hard_pair_is_one_group_and_others_stand_alone(tmp_path):
    rows = ({"pair": "fi-p1"}, {"id": "fi-0002", "pair": "fi-p1"}, {"id": "fi-0003"})
    groups = [example.group for example in examples(tmp_path, *rows)]
    assert groups == ["texts/fi-p1", "texts/fi-p1", "texts/fi-0003"]


def test_hard_pair_is_on_one_side_of_the_split(tmp_path):
    rows = [{"id": f"fi-{number:04d}", "pair": f"fi-p{number // 2}"} for number in range(200)]
    roles = [example.role for example in examples(tmp_path, *rows, held_out=0.5)]
    assert roles[::2] == roles[1::2]
    assert set(roles) == {"train", "validation"}


def test_about_the_share_asked_for_is_held_out_and_the_same_rows_every_time(tmp_path):
    rows = [{"id": f"fi-{number:04d}"} for number in range(1000)]
    roles = [example.role for example in examples(tmp_path, *rows, held_out=0.1)]
    assert 70 <= roles.count("validation") <= 130
    assert [example.role for example in examples(tmp_path, *rows, held_out=0.1)] == roles


@pytest.mark.parametrize(("share", "role"), [(0.0, "train"), (1.0, "validation")])
def test_all_or_nothing_can_be_held_out(tmp_path, share, role):
    rows = [{"id": f"fi-{number:04d}"} for number in range(50)]
    assert {example.role for example in examples(tmp_path, *rows, held_out=share)} == {role}


def test_announced_leaving_and_declared_urgency_become_signals(tmp_path):
    rows = ({"churn_risk": True, "declares": ["legal", "deadline"]}, {"id": "fi-2", "declares": []})
    found = [example.signals for example in examples(tmp_path, *rows)]
    assert found == [("churn_risk", "legal", "deadline"), ()]


def test_checksum_changes_with_any_file(tmp_path):
    first = text_checksums(write(tmp_path, {}))
    second = text_checksums(write(tmp_path, {"text": "Toinen"}))
    third = text_checksums(write(tmp_path, {"id": "sv-0001", "lang": "sv"}, name="sv"))
    assert len({first, second, third}) == 3
