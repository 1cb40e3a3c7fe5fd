import json

import pytest

from service.cli.score import batches


def test_no_service_is_told_in_one_line(cli, free_port):
    cli.set(url=f"http://127.0.0.1:{free_port}")
    assert "no service at" in cli.refused("score", "hello")


def test_a_bad_key_is_told_in_one_line(closeloop):
    closeloop.set(key="cl_bad_key")
    assert "No valid key" in closeloop.refused("score", "hello")


def test_no_text_at_all_is_told(closeloop):
    assert "expected a text a line" in closeloop.refused("score", stdin="\n  \n")


def test_standard_input_in_another_encoding_is_told(closeloop):
    assert "expected lines in UTF-8" in closeloop.refused("score", stdin=b"schlie\xdfen\n")


def test_a_text_that_is_too_long_is_told_with_its_place(closeloop):
    assert "/items/0/text: String should have at most 20000 characters" in closeloop.refused(
        "score", "x" * 20_001
    )


def test_scores_are_a_table_with_the_text_last(closeloop):
    result = closeloop("score", "the app crashes at checkout", "thank you, great service")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "bug crash" in result.stdout
    assert "praise" in result.stdout
    assert "the app crashes at checkout" in result.stdout


def test_marks_and_signals_are_shown_and_the_marks_explained(closeloop):
    shown = closeloop("score", "qwrt zxcv 0x7f npm ERR stack", "by Friday noon at the latest").stdout

    assert "perhaps no feedback 100%" in shown
    assert "declares: deadline 100%" in shown
    assert "~ a suggestion" in shown
    assert "? below the published confidence" in shown
    sure = closeloop("score", "lovely food and friendly people").stdout
    assert "a suggestion" not in sure
    assert "below the published" not in sure


def test_json_is_the_answer_of_the_service_in_the_order_of_the_lines(closeloop):
    lines = [f"the app crashes number {number}" for number in range(300)]
    result = closeloop("score", "--json", stdin="\n".join(lines))
    document = json.loads(result.stdout)
    assert len(document["results"]) == 300
    assert document["model"]["name"] == "tiny"
    assert set(document["results"][0]) >= {"language", "sentiment", "urgency", "topics", "topic", "kind"}


@pytest.mark.parametrize(
    ("texts", "sizes"),
    [([], []), (["a"] * 257, [256, 1]), (["a" * 20_000] * 11, [10, 1]), (["a" * 300_000, "b"], [1, 1])],
)
def test_requests_stay_within_the_limits(texts, sizes):
    assert [len(batch) for batch in batches(texts)] == sizes
