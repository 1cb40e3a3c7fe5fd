import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.language import LanguageIdentifier

SENTENCES = Path(__file__).parent / "encoder" / "reference_vectors.json"
CODES = (
    "en fi sv nb da de nl fr es pt it ro pl cs ru uk tr ar he fa hi bn th vi id zh ja ko el hu sw ta".split()  # noqa: SIM905
)


@pytest.fixture(scope="session")
def identifier():
    return LanguageIdentifier()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "12345",
        "99,90 € 2026-11-22",
        "!!! ???",
        "🎉🎉😡",
        "👍🏽",
        "https://example.org/sv/hej",
        "@user",
        "<url>",
        "@user https://example.org/a?b=c 24/7",
        "somebody@example.org",
        "\u200b\u00a0",
        "\ud83d",
    ],
)
def test_what_is_no_language_is_undetermined(identifier, text):
    (guess,) = identifier.identify([text])

    assert guess.code == "und"
    assert 0 <= guess.confidence <= 1


@pytest.mark.parametrize("text", ["ok", "k", "hm", "lol", "x", "BUG"])
def test_a_very_short_text_is_never_named_with_confidence(identifier, text):
    (guess,) = identifier.identify([text])

    assert guess.code == "und" or guess.confidence < 0.8


@settings(deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_gets_one_guess_with_a_probability(identifier, text):
    (guess,) = identifier.identify([text])

    assert 2 <= len(guess.code) <= 3
    assert 0 <= guess.confidence <= 1


def test_no_texts_get_no_guesses(identifier):
    assert identifier.identify([]) == []


def test_thirty_two_languages_are_told_apart(identifier):
    texts = [row["text"] for row in json.loads(SENTENCES.read_text(encoding="utf-8"))["texts"]]

    assert [guess.code for guess in identifier.identify(texts)] == CODES


def test_both_written_forms_of_norwegian_are_one_code(identifier):
    texts = [
        "Jeg har ventet på pakken i tre uker og ingen svarer på e-postene mine.",
        "Eg har venta på pakka i tre veker, og ingen svarar på e-postane mine. Kva gjer de eigentleg?",
    ]

    assert [guess.code for guess in identifier.identify(texts)] == ["nb", "nb"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("@support https://example.org/en/contact Wann kommt endlich mein Paket an?", "de"),
        ("Meine Bestellung ist nicht da, siehe www.example.org/where-is-my-order-please", "de"),
        ("WARUM FUNKTIONIERT DIE APP SCHON WIEDER NICHT???", "de"),
        ("MIKSI SOVELLUS EI TOIMI VIELÄKÄÄN #Fail", "fi"),
        ("😡😡😡 la aplicación se cierra sola 😡😡😡", "es"),
    ],
)
def test_addresses_handles_capitals_and_emoji_do_not_mislead(identifier, text, code):
    assert identifier.identify([text])[0].code == code


@pytest.mark.parametrize(
    "text",
    [
        "Mera paisa abhi tak wapas nahi aaya hai, kya kar rahe ho",
        "bhai ye app bilkul kaam nahi kar raha hai yaar",
    ],
)
def test_hindi_in_latin_letters_is_hindi(identifier, text):
    assert identifier.identify([text])[0].code == "hi"


@pytest.mark.parametrize(
    "text", ["to je moja omiljena aplikacija", "the ho se ka test of words", "Ha-ha, ye olde shop"]
)
def test_a_few_words_that_hindi_also_has_are_not_hindi(identifier, text):
    assert identifier.identify([text])[0].code != "hi"


def test_a_very_long_text_is_named_by_its_beginning(identifier):
    german = "Die Lieferung kam leider viel zu spät an. " * 100

    assert identifier.identify([german + "The app is great. " * 10_000])[0].code == "de"


def test_two_identifiers_do_not_share_state():
    first, second = LanguageIdentifier(), LanguageIdentifier()
    texts = ["Wo ist mein Paket geblieben?", "Hvor er pakken min?"]

    assert first.identify(texts) == second.identify(texts) == first.identify(texts)


@pytest.mark.data
@pytest.mark.skipif("CLOSELOOP_DATA" not in os.environ, reason="CLOSELOOP_DATA is not set")
def test_real_feedback_is_named_right_as_often_as_measured(identifier):
    with (Path(os.environ["CLOSELOOP_DATA"]) / "gold" / "dev.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]

    guesses = identifier.identify([row["text"] for row in rows])
    outcomes = Counter(
        "undetermined" if guess.code == "und" else guess.code == row["lang"]
        for row, guess in zip(rows, guesses, strict=True)
    )

    assert outcomes[True] / len(rows) >= 0.984
    assert outcomes[True] / (outcomes[True] + outcomes[False]) >= 0.99
    assert outcomes["undetermined"] / len(rows) <= 0.02
