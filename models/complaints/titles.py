"""A title that is somebody's own words: a short, central text, or the clause of it that says most."""

import re
import unicodedata
from collections.abc import Sequence

from models.complaints.words import words

_LONGEST = 80
_SHORT = 24
"""Characters up to which a text is a title as it is."""

_LONGEST_DENSE = 36
"""Characters of a title in scripts that write a word in one or two of them."""

_DENSE = re.compile(r"[぀-ヿ㐀-鿿가-힣]")
_SENTENCE = re.compile(r"(?<=[.!?…。！？\n;])\s*")
_CLAUSE = re.compile(r"\s*(?:[,，、:;]|\s[-–—]\s)\s*")
_PRIVATE = re.compile(r"<url>|https?://\S+|www\.\S+|\S+@\S+\.\S+|@\w+|\+?\d[\d\s\-/]{6,}\d", re.IGNORECASE)
"""Addresses, handles and long numbers: a title is read by many."""

_SPACES = re.compile(r"\s+")
_EDGES = " \t\n\"'“”„»«.,;:–—-。、"


def title_from(texts: Sequence[str], language: str, keywords: Sequence[str]) -> tuple[str, int]:
    """Choose and shorten the words of one member.

    Args:
        texts: Members in one language, the most central first.
        language: Their language.
        keywords: Of the complaint in that language, best first.

    Returns:
        The title, at most 80 characters (36 in Chinese, Japanese, Korean), empty when nothing can be shown;
        and the place of the text that it is from.

    >>> title_from(["Hi there. The app crashes at checkout!"], "en", ["app", "checkout"])
    ('The app crashes at checkout!', 0)
    """
    best, most, source = "", -1.0, 0
    for rank, text in enumerate(texts):
        for place, piece in enumerate(_pieces(text)):
            worth = _worth(piece, language, keywords) - 0.2 * rank - 0.05 * place
            if worth > most:
                best, most, source = piece, worth, rank
    return best, source


def _pieces(text: str) -> list[str]:
    plain = _SPACES.sub(" ", _PRIVATE.sub(" ", unicodedata.normalize("NFC", text))).strip(" ")
    sentences = [sentence.strip(_EDGES) for sentence in _SENTENCE.split(plain)]
    if len(plain) <= _SHORT:
        sentences = [plain]
    whole = [sentence for sentence in sentences if sentence and _fits(sentence)]
    if whole:
        return whole
    clauses = [clause.strip(_EDGES) for clause in _CLAUSE.split(plain)]
    return [_shortened(clause) for clause in clauses if clause]


def _worth(piece: str, language: str, keywords: Sequence[str]) -> float:
    told = set(words(piece, language))
    if not told:
        return -0.5
    found = sum(1.0 / (1 + place) for place, keyword in enumerate(keywords) if keyword in told)
    # Two words are a topic, three to eight a matter; long ones are read by nobody.
    return found + min(len(told), 4) / 4 - max(0, len(told) - 8) / 8


def _fits(piece: str) -> bool:
    return len(piece) <= _limit(piece)


def _limit(piece: str) -> int:
    dense = len(_DENSE.findall(piece))
    return _LONGEST_DENSE if 2 * dense > len(piece) else _LONGEST


def _shortened(piece: str) -> str:
    limit = _limit(piece)
    if len(piece) <= limit:
        return piece
    cut = piece[: limit - 1]
    at = cut.rfind(" ")
    return (cut[:at] if at > limit // 2 else cut).rstrip(_EDGES) + "…"
