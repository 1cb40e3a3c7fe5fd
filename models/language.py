"""Which language a text is written in."""

import re
from collections.abc import Sequence

from py3langid.langid import MODEL_FILE
from py3langid.langid import LanguageIdentifier as _Identifier

from models.predictions import LanguageGuess

UNDETERMINED = "und"

_LEAST_CONFIDENCE = 0.2
"""Where a guess begins to be right more often than wrong: of 16,600 training texts in 36 languages, half
of them under 30 letters, guesses of 0.15 to 0.20 were right in 49 %, of 0.20 to 0.25 in 54 % (2026-11-22)."""

_LONGEST_CHARACTERS = 2_000
"""More of a text changes nothing but the time it takes."""

_FOLDED = {
    # Norwegian: the model splits it by written form, and what customers write is Bokmål.
    "no": "nb",
    "nn": "nb",
    # Varieties of a language that has an ISO 639-1 code.
    "ary": "ar",
    "arz": "ar",
    "fuv": "ff",
    "grc": "el",
    "gug": "gn",
    "hbo": "he",
    "kik": "ki",
    "ltg": "lv",
    "sdh": "ku",
    "uzs": "uz",
    "wuu": "zh",
    "yue": "zh",
    # "No linguistic content".
    "zxx": UNDETERMINED,
}

_NO_LANGUAGE = re.compile(r"<url>|https?://\S+|www\.\S+|\S+@\S+\.\S+|@\w+", re.IGNORECASE)
"""Addresses and handles: they look like English, or like anything."""

_LATIN_WORD = re.compile(r"[a-z]+")
_HINDI_FUNCTION_WORDS = """
aap aapka aapki aapko abhi accha acha achha agar apna apne apni aur bahut bhai bhi bhot bohot dost gaya gaye
gayi hai hain hota hote hoti hua hue hui hum humko iska iski isko jab ka kab kaha kaisa kaise kar karna karne
karo karta karte ke ki kiya ko koi krna kuch kya kyon kyu kyun lekin liye mein mera mere meri mujhe mujhko
nahi nahin nai nhi paisa paise raha rahe rahi sab sabhi se tab tera teri tha thay thi toh tumhe unka unki
usko wala wale wali wo woh yaar ye yeh
"""
_ROMANISED_HINDI = frozenset(_HINDI_FUNCTION_WORDS.split())
"""The model knows Hindi only in Devanagari, while customers mostly write it in Latin letters."""

_HINDI_WORDS = 3
_HINDI_SHARE = 0.15
_HINDI_CONFIDENCE = 0.95


class LanguageIdentifier:
    """Names languages with py3langid's own model; loading it takes about a second and 96 MB.

    Guesses are ISO 639-1 codes, or ISO 639-3 where a language has none (`pcm`, `kab`).

    A guess is `und` when nothing but digits, symbols or addresses is left of a text, or when its
    probability is below 0.2.
    """

    def __init__(self) -> None:
        self._identifier = _Identifier.from_model_file(MODEL_FILE, norm_probs=True)

    def identify(self, texts: Sequence[str]) -> list[LanguageGuess]:
        """Name the language of each text.

        Args:
            texts: Any number of texts.

        Returns:
            One guess a text, in order.
        """
        return [self._identify(text) for text in texts]

    def _identify(self, text: str) -> LanguageGuess:
        words = _without_shouting(_NO_LANGUAGE.sub(" ", text[:_LONGEST_CHARACTERS]))
        if _is_romanised_hindi(words):
            return LanguageGuess(code="hi", confidence=_HINDI_CONFIDENCE)
        probabilities: dict[str, float] = {}
        for label, probability in self._identifier.rank(words):
            code = _FOLDED.get(label, label)
            probabilities[code] = probabilities.get(code, 0.0) + probability
        best = max(probabilities, key=probabilities.__getitem__)
        confidence = min(1.0, probabilities[best])
        if confidence < _LEAST_CONFIDENCE or not any(character.isalpha() for character in words):
            best = UNDETERMINED
        return LanguageGuess(code=best, confidence=confidence)


def _without_shouting(text: str) -> str:
    """Lower a text that is mostly capitals: the model learnt from ordinary writing."""
    capitals = sum(character.isupper() for character in text)
    return text.lower() if capitals > sum(character.islower() for character in text) else text


def _is_romanised_hindi(text: str) -> bool:
    words = _LATIN_WORD.findall(text.lower())
    found = [word for word in words if word in _ROMANISED_HINDI]
    return len(set(found)) >= _HINDI_WORDS and len(found) >= _HINDI_SHARE * len(words)
