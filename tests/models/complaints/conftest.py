from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest

from models.complaints.texts import ComplaintText

MATTERS = {
    "crash": ("the app crashes at checkout", "die App stürzt beim Bezahlen ab", "sovellus kaatuu kassalla"),
    "double": ("charged twice this month", "zweimal abgebucht diesen Monat", "veloitettu kahdesti"),
    "login": ("the login code never comes", "der Code kommt nie an", "koodi ei saavu"),
    "export": ("the export lacks the tax", "im Export fehlt die Steuer", "viennistä puuttuu vero"),
}
LANGUAGES = ("en", "de", "fi")
DIMENSIONS = 32


class Corpus:
    """Texts around matters in directions at right angles, each language shifted by one of its own."""

    def __init__(
        self, each: int = 6, seed: int = 0, noise: float = 0.08, matters: Sequence[str] = tuple(MATTERS)
    ):
        rng = np.random.default_rng(seed)
        self.texts: list[ComplaintText] = []
        self.matter: dict[str, str] = {}
        rows = []
        for matter in matters:
            place = list(MATTERS).index(matter)
            for number in range(each):
                language = LANGUAGES[number % len(LANGUAGES)]
                vector = rng.normal(size=DIMENSIONS) * noise
                vector[place] += 1
                vector[-1] += 2
                vector[10 + LANGUAGES.index(language)] += 1
                rows.append(vector / np.linalg.norm(vector))
                text = ComplaintText(
                    id=f"{seed}-{matter}-{number}",
                    text=f"{MATTERS[matter][number % 3]} {number}",
                    language=language,
                    customer=f"{seed}-{number}",
                    occurred_on=date(2026, 1, 1 + number % 28),
                )
                self.texts.append(text)
                self.matter[text.id] = matter
        self.vectors = np.array(rows, dtype="<f2").astype(np.float32)

    def __add__(self, other: "Corpus") -> "Corpus":
        joined = Corpus(each=0)
        joined.texts = self.texts + other.texts
        joined.matter = self.matter | other.matter
        joined.vectors = np.concatenate([self.vectors, other.vectors])
        return joined


@pytest.fixture
def corpus() -> Corpus:
    return Corpus()


@pytest.fixture(scope="session")
def make_corpus() -> type[Corpus]:
    return Corpus
