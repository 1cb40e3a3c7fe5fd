import json

import pytest

from models.labels import NON_FEEDBACK
from training.datasets.non_feedback import non_feedback_examples, read_non_feedback
from training.errors import DataError

ROW = {"id": "nf-0001", "text": "asdf jkl qwer", "lang": "und", "kind": "keyboard_mash"}


def write(folder, *changes):
    path = folder / "non_feedback.jsonl"
    path.write_text("".join(json.dumps(ROW | change) + "\n" for change in changes), encoding="utf-8")
    return path


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"none\.jsonl is not of the form of the non-feedback"):
        read_non_feedback(tmp_path / "none.jsonl")


@pytest.mark.parametrize("change", [{"kind": "poem"}, {"text": ""}, {"lang": None}, {"surprise": 1}])
def test_line_of_another_form_is_refused(tmp_path, change):
    with pytest.raises(DataError, match="is not of the form of the non-feedback"):
        read_non_feedback(write(tmp_path, {}, change))


@pytest.mark.parametrize("content", [b"{", b"\xff\xff", b"[]\n"])
def test_file_that_is_not_json_lines_is_refused(tmp_path, content):
    (tmp_path / "non_feedback.jsonl").write_bytes(content)
    with pytest.raises(DataError, match="is not of the form"):
        read_non_feedback(tmp_path / "non_feedback.jsonl")


def test_a_line_separator_within_a_text_is_not_an_end_of_line(tmp_path):
    path = tmp_path / "non_feedback.jsonl"
    path.write_text(json.dumps(ROW | {"text": "a\u2028b"}, ensure_ascii=False) + "\n\n", encoding="utf-8")
    assert [row.text for row in read_non_feedback(path)] == ["a\u2028b"]


def test_it_says_nothing_but_that_it_is_no_feedback(tmp_path):
    found = non_feedback_examples(read_non_feedback(write(tmp_path, {})), held_out=0.0)[0]
    assert found.signals == (NON_FEEDBACK,)
    assert (found.sentiment, found.urgency, found.topics) == (None, None, None)
    assert found.id == found.group == "non_feedback/nf-0001"


def test_a_share_never_trains_and_it_is_the_same_one_in_any_order(tmp_path):
    rows = read_non_feedback(write(tmp_path, *({"id": f"nf-{number:04d}"} for number in range(500))))
    roles = {row.id: row.role for row in non_feedback_examples(rows, held_out=0.2)}
    again = {row.id: row.role for row in non_feedback_examples(rows[::-1], held_out=0.2)}
    assert roles == again
    assert 70 <= list(roles.values()).count("validation") <= 130
