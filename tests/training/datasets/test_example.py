import pytest

from training.datasets.example import Example, read_examples, write_examples
from training.errors import DataError

EXAMPLE = Example(
    id="texts/fi-0001",
    text="rivi\u2028toinen\nkolmas 😀",
    lang="fi",
    source="texts",
    group="texts/fi-p1",
    role="folds",
    urgency="low",
    topics=("other", "praise_general"),
)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="expected prepared examples at"):
        read_examples(tmp_path / "none.jsonl")


@pytest.mark.parametrize("line", ["{", "[]", '{"topics": null}', '{"topics": null, "surprise": 1}'])
def test_file_of_another_form_is_refused(tmp_path, line):
    (tmp_path / "examples.jsonl").write_text(line + "\n")
    with pytest.raises(DataError, match="expected prepared examples at"):
        read_examples(tmp_path / "examples.jsonl")


def test_what_was_written_is_what_is_read(tmp_path):
    write_examples(tmp_path / "examples.jsonl", [EXAMPLE, EXAMPLE])
    assert read_examples(tmp_path / "examples.jsonl") == [EXAMPLE, EXAMPLE]


def test_main_topic_is_the_first_and_missing_topics_have_none():
    assert EXAMPLE.topic == "other"
    assert Example(id="1", text="a", lang="en", source="umsab", group="1", role="extra").topic is None
