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
    "declares": None,
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
        {"declares": "please"},
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


def test_hard_pair_is_one_group_and_others_stand_alone(tmp_path):
    texts = read_texts(
        write(tmp_path, {"pair": "fi-p1"}, {"id": "fi-0002", "pair": "fi-p1"}, {"id": "fi-0003"})
    )
    groups = [example.group for example in text_examples(texts)]
    assert groups == ["texts/fi-p1", "texts/fi-p1", "texts/fi-0003"]


def test_checksum_changes_with_any_file(tmp_path):
    first = text_checksums(write(tmp_path, {}))
    second = text_checksums(write(tmp_path, {"text": "Toinen"}))
    third = text_checksums(write(tmp_path, {"id": "sv-0001", "lang": "sv"}, name="sv"))
    assert len({first, second, third}) == 3
