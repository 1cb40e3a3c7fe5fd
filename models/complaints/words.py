"""Words of a text for keywords: in scripts without spaces too, and without words that say nothing."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

_WORD = re.compile(r"[^\W\d_](?:[\w'’\-]*\w)?")
_NO_WORD = re.compile(r"<url>|https?://\S+|www\.\S+|\S+@\S+\.\S+|@\w+", re.IGNORECASE)
"""Addresses and handles: they name people and places, never a matter."""

_HIRAGANA_END = re.compile(r"(?<=[㐀-鿿゠-ヿa-z0-9])[぀-ゟ]+$")
"""Particles and endings behind a Japanese word that begins with another script."""

_ONLY_HIRAGANA = re.compile(r"[぀-ゟ]{1,3}")
_STOP_WORD_CODES = {"nb": "no", "nn": "no", "tl": "tl", "fil": "tl"}
_LONGEST = 40


def words(text: str, language: str) -> list[str]:
    """Cut a text into words that may be keywords, in order.

    Chinese by a dictionary (jieba), Japanese and Thai by BudouX, everything else at spaces and signs.
    Numbers, addresses, handles and the language's stop words are left out.

    Args:
        text: Any text.
        language: ISO 639 code; an unknown one is cut at spaces.

    >>> words("The app crashes at the checkout!", "en")
    ['app', 'crashes', 'checkout']
    """
    plain = _NO_WORD.sub(" ", unicodedata.normalize("NFKC", text)).casefold()
    stops = stop_words(language)
    cut = _CUTTERS.get(language, _spaced)
    return [word for word in cut(plain) if len(word) <= _LONGEST and word not in stops and _tells(word)]


@lru_cache(maxsize=128)
def stop_words(language: str) -> frozenset[str]:
    """Return the words of a language that say nothing; none where no list is known.

    Args:
        language: ISO 639 code.
    """
    import stopwordsiso  # noqa: PLC0415 (only a refit needs it)

    code = _STOP_WORD_CODES.get(language, language)
    if not stopwordsiso.has_lang(code):
        return frozenset()
    return frozenset(unicodedata.normalize("NFKC", word).casefold() for word in stopwordsiso.stopwords(code))


def _tells(word: str) -> bool:
    """A single letter tells nothing; a single character of a script of words may."""
    return len(word) > 1 or "㐀" <= word <= "鿿"


def _spaced(text: str) -> list[str]:
    return _WORD.findall(text)


def _chinese(text: str) -> list[str]:
    import rjieba  # noqa: PLC0415 (only a refit needs it)

    # One character alone is mostly a particle or a verb of many uses.
    return [word for piece in rjieba.cut(text) for word in _WORD.findall(piece) if len(word) > 1]


def _japanese(text: str) -> list[str]:
    found = []
    for phrase in _budoux("japanese")(text):
        for word in _WORD.findall(phrase):
            stem = _HIRAGANA_END.sub("", word)
            if not _ONLY_HIRAGANA.fullmatch(stem):
                found.append(stem)
    return found


def _thai(text: str) -> list[str]:
    # Thai vowels and tones are marks, which a word pattern would cut at.
    pieces = (piece.strip(" \n\t.,!?…\"'()[]:;/-") for piece in _budoux("thai")(text))
    return [piece for piece in pieces if piece and not any(letter.isdigit() for letter in piece)]


@lru_cache(maxsize=4)
def _budoux(language: str) -> Callable[[str], list[str]]:
    import budoux  # noqa: PLC0415 (only a refit needs it)

    load = {"japanese": budoux.load_default_japanese_parser, "thai": budoux.load_default_thai_parser}
    parse: Callable[[str], list[str]] = load[language]().parse
    return parse


_CUTTERS: dict[str, Callable[[str], list[str]]] = {"zh": _chinese, "ja": _japanese, "th": _thai}
