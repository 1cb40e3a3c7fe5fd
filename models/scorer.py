"""Texts in, vectors and predictions out: the one place where encoder, heads and language meet."""

from collections.abc import Sequence
from typing import Protocol

from models.artefact import Artefact
from models.encoder.protocol import Encoder
from models.predictions import LanguageGuess, Predictions, ScoredText


class LanguageIdentification(Protocol):
    """Tells the language of texts."""

    def identify(self, texts: Sequence[str]) -> list[LanguageGuess]:
        """Return one guess a text, in order."""
        ...


class Scorer:
    """Scores texts. Stores nothing, so one instance serves all tenants.

    Args:
        encoder: Gives vectors and features.
        artefact: Its branch and its heads; `None` when none fit the encoder: then texts get a vector only.
        languages: Asked for texts whose language the caller does not give.

    Raises:
        EncoderMismatchError: The encoder cannot run the artefact's branch.
    """

    def __init__(
        self, encoder: Encoder, artefact: Artefact | None, languages: LanguageIdentification
    ) -> None:
        self._encoder = encoder.with_branch(artefact.branch if artefact else None)
        self._heads = artefact.heads if artefact else None
        self._languages = languages

    def score(self, texts: Sequence[str], languages: Sequence[str | None]) -> list[ScoredText]:
        """Score texts, in order; a text's score does not depend on its neighbours.

        Args:
            texts: Any number, also none.
            languages: One a text: the code the caller gives (it wins, with confidence 1), or `None`.

        Raises:
            ValueError: `texts` and `languages` differ in number, a text is not a `str`, or the
                encoder's features are not what the heads read.
        """
        if len(texts) != len(languages):
            raise ValueError(f"expected one language (or None) a text, got {len(languages)} for {len(texts)}")
        if not texts:
            return []
        encoding = self._encoder.encode(texts)
        guesses = self._identify(texts, languages)
        predictions: Sequence[Predictions | None] = [None] * len(texts)
        if self._heads is not None:
            predictions = self._heads.predict(encoding.features, guesses)
        return [
            ScoredText(vector=vector, language=language, predictions=prediction)
            for vector, language, prediction in zip(encoding.vectors, guesses, predictions, strict=True)
        ]

    def _identify(self, texts: Sequence[str], given: Sequence[str | None]) -> list[LanguageGuess]:
        unknown = [text for text, code in zip(texts, given, strict=True) if code is None]
        guesses = iter(self._languages.identify(unknown) if unknown else [])
        return [next(guesses) if code is None else LanguageGuess(code=code, confidence=1.0) for code in given]
