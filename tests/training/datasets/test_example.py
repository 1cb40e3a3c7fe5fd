from dataclasses import replace

import numpy as np
import pytest

from training.datasets.example import Example, read_examples, share_of_name, text_key, write_examples
from training.errors import DataError

EXAMPLE = Example(
    id="texts/fi-0001",
    text="rivi\u2028toinen\nkolmas 😀",
    lang="fi",
    source="texts",
    group="texts/fi-p1",
    role="validation",
    urgency="low",
    topics=("other", "praise_general"),
    signals=("churn_risk",),
    weight=0.5,
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
    assert Example(id="1", text="a", lang="en", source="umsab", group="1", role="train").topic is None


def test_nobody_looked_and_nothing_was_found_are_told_apart_on_disk(tmp_path):
    rows = [replace(EXAMPLE, signals=signals) for signals in (None, ())]
    write_examples(tmp_path / "examples.jsonl", rows)
    assert [row.signals for row in read_examples(tmp_path / "examples.jsonl")] == [None, ()]


def test_names_are_spread_evenly_over_0_to_1():
    shares = np.array([share_of_name(f"texts/fi-{number:04d}") for number in range(5000)])
    counts, _ = np.histogram(shares, bins=10, range=(0, 1))
    # Ten even shelves of 500 expected: four standard deviations are 85.
    assert np.abs(counts - 500).max() < 85


def test_half_a_character_has_a_key_and_a_share_too():
    assert text_key("\ud83d") != text_key("?")
    assert 0 <= share_of_name("\ud83d") < 1
