import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from models.encoder.prompted import PromptedTokenizer, without_lone_surrogates

WINDOW = 32
texts = st.lists(
    st.one_of(
        st.sampled_from(["the", "app", "crashes", "payment", "☃"]), st.text("abcä\u0301 .", max_size=12)
    ),
    max_size=120,
).map(" ".join)


@pytest.fixture(scope="session")
def prompted(tiny_folder):
    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    return PromptedTokenizer(tokenizer, prefix="query: ", window=WINDOW)


@pytest.fixture(scope="session")
def bare(tiny_folder):
    return PromptedTokenizer(AutoTokenizer.from_pretrained(tiny_folder), prefix="", window=WINDOW)


@settings(deadline=None)
@given(text=texts)
def test_windows_fit_and_hold_every_token_once_in_order(prompted, text):
    (ids,) = prompted.token_ids([text])
    windows = prompted.windows(ids)
    (prefix,) = prompted.token_ids([""])
    prefix = prefix[:-1]  # the last space belongs to the first word

    rebuilt = []
    for window, count in windows:
        assert len(window) <= WINDOW
        assert (window[0], window[-1]) == (0, 2)
        content = window[1:-1]
        if ids[: len(prefix)] == prefix or rebuilt:
            assert content[: len(prefix)] == prefix
            content = content[len(prefix) :]
        assert count == max(1, len(content))
        rebuilt += content
    assert rebuilt in (ids, ids[len(prefix) :])


@settings(deadline=None)
@given(text=texts)
def test_the_count_is_that_of_the_whole_text_with_prefix_and_special_tokens(prompted, text):
    (ids,) = prompted.token_ids([text])

    assert prompted.count_tokens([text]) == [len(ids) + 2]


def test_a_short_text_is_one_window_as_the_tokenizer_makes_it(prompted, tiny_folder):
    expected = AutoTokenizer.from_pretrained(tiny_folder)("query: the app")["input_ids"]

    assert prompted.windows(prompted.token_ids(["the app"])[0]) == [(expected, 2)]


def test_without_a_prefix_only_special_tokens_stand_around(bare):
    (ids,) = bare.token_ids(["the app"])

    assert bare.windows(ids) == [([0, *ids, 2], 2)]
    assert bare.prompt_length == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\ud83d", "a\ufffd"), ("\ude00b", "\ufffdb"), ("\ud83d\ude00", "😀"), ("ok 😀", "ok 😀"), ("", "")],
)
def test_half_characters_become_replacement_characters(text, expected):
    assert without_lone_surrogates(text) == expected
