"""The texts that were written for this project, as they lie in the tree."""

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from models.labels import SENTIMENTS, TOPICS, URGENCIES
from training.datasets.near_copies import find_near_copies, plain_characters
from training.datasets.texts import CHANNELS, read_texts
from training.text_counts import render_counts

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "training" / "data" / "texts"
CARD = ROOT / "training" / "data" / "README.md"

COMMONPLACE = 24
"""Letters and digits below which two people write the same by chance: "can't log in at all"."""

ADDRESSES = {
    "web address": re.compile(r"https?://|www\.\w", re.IGNORECASE),
    "e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.\w{2,}"),
    "card number": re.compile(r"(?<!\d)\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}(?!\d)"),
    "IBAN": re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,}"),
    "placeholder": re.compile(r"\[[A-Za-z_ ]+\]|\{\w+\}"),
}


@pytest.fixture(scope="module")
def languages():
    return read_texts(FOLDER)


@pytest.fixture(scope="module")
def texts(languages):
    return [text for rows in languages.values() for text in rows]


def test_there_are_many_languages_and_each_has_enough_texts_to_count(languages):
    assert len(languages) >= 26
    assert min(map(len, languages.values())) >= 140


def test_ids_are_unique_and_carry_their_language(texts):
    assert [key for key, count in Counter(text.id for text in texts).items() if count > 1] == []
    assert [text.id for text in texts if not text.id.startswith(f"{text.lang}-")] == []


def test_every_label_occurs(texts):
    assert {text.urgency for text in texts} == set(URGENCIES)
    assert {text.sentiment for text in texts} == set(SENTIMENTS)
    assert {text.topic for text in texts} == set(TOPICS)
    assert {text.channel for text in texts} == set(CHANNELS)


def test_every_topic_occurs_at_several_urgencies(texts):
    by_topic = {topic: {text.urgency for text in texts if text.topic == topic} for topic in TOPICS}
    assert {topic for topic, urgencies in by_topic.items() if len(urgencies) < 2} <= {
        "other",
        "praise_general",
    }


def test_a_hard_pair_has_two_texts_or_more_that_differ_in_a_label(texts):
    pairs = {}
    for text in texts:
        if text.pair:
            pairs.setdefault(text.pair, []).append((text.urgency, text.sentiment, text.topics))
    alone = [pair for pair, members in pairs.items() if len(members) < 2]
    alike = [pair for pair, members in pairs.items() if len(members) > 1 and len(set(members)) == 1]
    assert (alone, alike) == ([], [])


def test_no_text_is_there_twice(texts):
    counts = Counter(plain_characters(text.text) or text.text for text in texts)
    by_language = Counter((text.lang, " ".join(text.text.casefold().split())) for text in texts)
    assert [key for key, count in by_language.items() if count > 1] == []
    assert [key for key, count in counts.items() if count > 1 and len(key) >= COMMONPLACE] == []


def test_no_text_is_a_near_copy_of_another_in_any_language_but_of_its_pair(texts):
    plain = [text.text for text in texts]
    copies = [
        (texts[copy.place].id, texts[copy.other].id)
        for copy in find_near_copies(plain, plain, least_overlap=0.6)
        if copy.place != copy.other and len(plain_characters(plain[copy.place])) >= COMMONPLACE
        if not (texts[copy.place].pair and texts[copy.place].pair == texts[copy.other].pair)
    ]
    assert copies == []


@pytest.mark.parametrize("kind", ADDRESSES)
def test_no_text_holds_an_address_or_a_number_that_could_be_somebodys(texts, kind):
    assert [text.id for text in texts if ADDRESSES[kind].search(text.text)] == []


@pytest.mark.data
@pytest.mark.slow
def test_no_text_is_a_copy_of_one_in_the_data_sets(texts, data_dir):
    plain = [text.text for text in texts]
    copies = {
        texts[copy.place].id
        for copy in find_near_copies(plain, _stored_texts(data_dir), least_overlap=0.5)
        if len(plain_characters(plain[copy.place])) >= COMMONPLACE
    }
    assert copies == set()


def test_the_data_card_shows_the_counts_as_they_are(languages):
    assert render_counts(languages) in CARD.read_text(encoding="utf-8")


def _stored_texts(root):
    for path in sorted(root.glob("*/*.jsonl*")):
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
        for line in text.split("\n"):
            row = json.loads(line) if line.strip() else {}
            yield from (row[name] for name in ("text", "text_en") if name in row)
