import pytest

from models.complaints.titles import title_from
from models.complaints.words import stop_words, words


@pytest.mark.parametrize(
    ("language", "text", "among"),
    [
        ("en", "The app crashes at the checkout", {"app", "crashes", "checkout"}),
        ("fi", "Sovellus kaatuu kassalla aina", {"sovellus", "kaatuu", "kassalla"}),
        ("zh", "应用在付款时崩溃了，退款还没有到账", {"付款", "崩溃", "退款"}),
        ("ja", "支払い画面でアプリが落ちます", {"画面", "アプリ"}),
        ("th", "แอปค้างตอนจ่ายเงินทุกครั้ง", {"แอป", "ค้าง", "เงิน"}),
        ("ko", "결제할 때 앱이 멈춰요", {"결제할", "멈춰요"}),
        ("xx", "zork blorp", {"zork", "blorp"}),
    ],
)
def test_words_that_tell_something_are_found_in_any_script(language, text, among):
    assert among <= set(words(text, language))


def test_stop_words_addresses_handles_and_numbers_are_left_out():
    assert words("@anna the 42 of http://x.example a@b.example and is", "en") == []


def test_stop_words_are_known_for_thirty_languages_and_more():
    codes = (
        "ar bg ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nb nl pl pt ro ru sk sl sv"
    )
    assert all(stop_words(code) for code in [*codes.split(), "sw", "th", "tr", "uk", "vi", "zh"])
    assert stop_words("xx") == frozenset()


def test_a_title_is_a_member_s_own_words_that_hold_the_keywords():
    text = "Hello, I write again. The app crashes at checkout every time! Thanks, Bob"
    assert title_from([text], "en", ("checkout", "crashes")) == (
        "The app crashes at checkout every time!",
        0,
    )


def test_a_long_text_is_cut_at_a_word_and_says_so():
    title, _ = title_from(["word " * 60], "en", ())
    assert len(title) <= 80
    assert title.endswith("word…")


def test_a_dense_script_gets_a_shorter_title():
    assert len(title_from(["应用在付款时崩溃了退款还没有到账" * 6], "zh", ())[0]) <= 36


def test_addresses_and_long_numbers_never_reach_a_title():
    title, _ = title_from(["mail bob@example.org or call +358 40 123 4567 about the crash"], "en", ("crash",))
    assert "@" not in title
    assert "123" not in title


@pytest.mark.parametrize("texts", [[], [""], ["   "], ["@anna"]])
def test_where_nothing_can_be_shown_the_title_is_empty(texts):
    assert title_from(texts, "en", ()) == ("", 0)
