import pytest

from models.labels import TOPICS, URGENCIES
from training.datasets.aspects import CAR, HOTEL, RESTAURANT, mentioned, topics_of_mentions
from training.datasets.catalogue import DataFile
from training.datasets.intents import INTENTS
from training.datasets.readers import examples_of_use, gold_examples
from training.errors import DataError
from training.experiment import Use


def read(source, split, rows, heads=("sentiment", "urgency", "topics"), limit=None, **changes):
    file = DataFile(source=source, split=split, sha256="0" * 64, rows=rows)
    return examples_of_use(
        file, Use(source=source, split=split, heads=heads, limit=limit, **changes), "train"
    )


def gold(**changes):
    row = {
        "id": "g1",
        "text": "a",
        "lang": "en",
        "urgency": "low",
        "topic": "other",
        "topics": ["praise_general", "other"],
        "sentiment": "neutral",
        "permissive": True,
    }
    return gold_examples(DataFile(source="gold", split="dev", sha256="", rows=[row | changes]))[0]


def test_row_without_its_label_is_refused():
    with pytest.raises(DataError, match=r"umsab/train has a row of another form: KeyError\('sentiment'\)"):
        read("umsab", "train", [{"text": "a", "lang": "en"}])


def test_intent_nobody_has_mapped_is_refused():
    with pytest.raises(DataError, match="juggling"):
        read("banking77", "train", [{"text": "a", "lang": "en", "intent": "juggling"}])


def test_source_whose_labels_nobody_reads_is_refused():
    with pytest.raises(DataError, match="nobody has said how to read labels from gitbugs/hadoop"):
        read("gitbugs", "hadoop", [{"text": "a", "lang": "en"}])


def test_gold_row_without_permission_to_say_is_refused():
    file = DataFile(source="gold", split="dev", sha256="", rows=[{"id": "g1"}])
    with pytest.raises(DataError, match="gold/dev has a row without"):
        gold_examples(file)


def test_only_the_labels_asked_for_are_kept():
    row = {"text": "a", "lang": "cs", "sentiment": "positive", "aspects": [["x", "FOOD#QUALITY", "positive"]]}
    found = read("csrest", "train", [row], heads=("topics",))[0]
    assert (found.sentiment, found.topics) == (None, ("product_quality",))


def test_limit_holds_for_each_language_and_does_not_depend_on_order():
    rows = [{"text": f"{lang} {n}", "lang": lang, "sentiment": "neutral"} for lang in "ab" for n in range(9)]
    there, back = (read("umsab", "train", order, limit=3) for order in (rows, rows[::-1]))
    assert [example.lang for example in there].count("a") == 3
    assert {example.text for example in there} == {example.text for example in back}
    assert len(there) == 6


def test_limit_holds_for_each_intent():
    rows = [
        {"text": f"{intent} {n}", "lang": "en", "intent": intent}
        for intent in ("age_limit", "change_pin")
        for n in range(5)
    ]
    assert len(read("banking77", "train", rows, limit=2)) == 4


def test_permissive_gold_trains_and_the_rest_validates():
    assert gold().role == "train"
    assert gold(permissive=False).role == "validation"


def test_a_tweet_of_the_open_stream_is_low_and_off_topic():
    found = read("umsab", "train", [{"text": "a", "lang": "en", "sentiment": "negative"}])[0]
    assert (found.sentiment, found.urgency, found.topics) == ("negative", "low", ("other",))


def test_rows_carry_the_weight_of_their_use_and_nobody_looked_for_signals():
    found = read("umsab", "train", [{"text": "a", "lang": "en", "sentiment": "neutral"}], weight=0.3)[0]
    assert (found.weight, found.signals) == (0.3, None)


def test_a_text_that_is_there_twice_is_read_once():
    row = {"text": "a", "lang": "en", "sentiment": "neutral"}
    assert len(read("umsab", "train", [row, row])) == 1


def test_translation_is_of_the_group_of_its_original():
    assert gold(id="g2", translated_from="g1").group == gold().group


def test_main_topic_comes_first():
    assert gold().topics == ("other", "praise_general")


def test_every_intent_and_aspect_maps_to_labels_of_the_closed_sets():
    assert len(INTENTS) == 77
    assert {urgency for urgency, _ in INTENTS.values()} <= set(URGENCIES)
    assert {topic for _, topics in INTENTS.values() for topic in topics} <= set(TOPICS)
    assert {topic for table in (RESTAURANT, CAR, HOTEL) for topic in table.values()} <= set(TOPICS)


def test_aspects_without_a_counterpart_say_nothing():
    assert topics_of_mentions(["RESTAURANT#GENERAL"], RESTAURANT) is None
    assert topics_of_mentions([], CAR) is None


def test_aspect_marked_neutral_is_not_mentioned():
    assert mentioned({"ac": "neutral", "wifi": "negative", "tv": "mixed"}) == ["wifi", "tv"]
