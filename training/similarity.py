"""How near two texts must be: for a text to answer a query, and for two texts to be alike."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.arrays import Floats1d, Floats2d
from models.manifest import LearntThreshold
from training.datasets.catalogue import read_data_file
from training.features import FeatureCache

FILES = (
    ("app_review_search", "judged"),
    ("app_review_search", "corpus"),
    ("banking77", "train"),
    ("tatoeba", "test"),
)
"""What the thresholds are learnt on."""

_CORPUS_TEXTS = 500
_TEXTS_OF_INTENT = 10
_PAIRS_OF_LANGUAGE = 30
_GRID = np.round(np.arange(0.0, 1.0, 0.005), 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Cosines of pairs of texts of one kind.

    Attributes:
        related: Of pairs that should be found. *Shape:* ``(pairs,)``.
        unrelated: Of pairs that should not, kind by kind; each kind counts alike.
    """

    related: Floats1d
    unrelated: Mapping[str, Floats1d]

    def balanced_accuracy(self, value: float) -> float:
        """Return the mean of the shares of related pairs found and of unrelated pairs left out."""
        left_out = [1 - _rate(cosines, value) for cosines in self.unrelated.values()]
        return (_rate(self.related, value) + float(np.mean(left_out))) / 2

    def f1(self, value: float) -> float:
        """Return the F1 of calling a pair related."""
        found = int((self.related >= value).sum())
        wrong = sum(int((cosines >= value).sum()) for cosines in self.unrelated.values())
        return 2 * found / max(found + wrong + len(self.related), 1)

    def figures(self, name: str, value: float) -> dict[str, float]:
        """Return how many pairs there are and how many of them reach a threshold."""
        kinds = {name: self.related, **self.unrelated}
        return {
            f"{kind}: {figure}": number
            for kind, cosines in kinds.items()
            for figure, number in (
                ("pairs", float(len(cosines))),
                ("median cosine", round(float(np.median(cosines)), 3)),
                ("share found", round(_rate(cosines, value), 4)),
            )
        }


def learn_relevance(root: Path, cache: FeatureCache) -> LearntThreshold:
    """Learn the cosine from which a text counts as an answer to a query.

    A query may be a word or a sentence, in the language of the texts or in another, and cosines of
    unrelated texts differ much between these. So three kinds of pairs have an equal say.

    Args:
        root: Folder of the data sets.
        cache: Encodes.

    Raises:
        DataError: A file is missing.
    """
    kinds = {
        "judged relevant reviews": _reviews(root, cache),
        "questions of one intent": _questions(root, cache),
        "translations": _translations(root, cache),
    }
    scores = [
        float(np.mean([pairs.balanced_accuracy(value) for pairs in kinds.values()]))
        for value in _GRID.tolist()
    ]
    value = float(_GRID[int(np.argmax(np.round(scores, 9)))])
    figures = {"mean balanced accuracy": round(max(scores), 4)}
    for name, pairs in kinds.items():
        figures |= pairs.figures(name, value)
    return LearntThreshold(
        value=value,
        method=(
            "highest balanced accuracy, averaged over app reviews judged against a feature query (and drawn "
            "reviews), banking77 questions of one and of two intents, and Tatoeba sentences with their own "
            "and with another translation"
        ),
        figures=figures,
    )


def learn_similar(root: Path, cache: FeatureCache) -> LearntThreshold:
    """Learn the cosine from which two texts count as saying the same.

    Questions to a bank stand for feedback: two of one intent are about the same, two of different
    intents are not, though they share trade, tone and many words.

    Args:
        root: Folder of the data sets.
        cache: Encodes.

    Raises:
        DataError: A file is missing.
    """
    pairs = _questions(root, cache)
    scores = [pairs.f1(value) for value in _GRID.tolist()]
    value = float(_GRID[int(np.argmax(np.round(scores, 9)))])
    return LearntThreshold(
        value=value,
        method="highest F1 of telling pairs of banking77 questions of one intent from all other pairs",
        figures={
            "F1": round(max(scores), 4),
            **pairs.figures("questions of one intent", value),
            **_translations(root, cache).figures("translations", value),
        },
    )


def _reviews(root: Path, cache: FeatureCache) -> Pairs:
    """Pair feature queries with reviews judged for them, and with reviews drawn from the corpus."""
    judged = read_data_file(root, "app_review_search", "judged").rows
    corpus = _drawn(read_data_file(root, "app_review_search", "corpus").rows, _CORPUS_TEXTS)
    queries = sorted({row["query"] for row in judged})
    place = {query: number for number, query in enumerate(queries)}
    asked = cache.load(queries).vectors
    reviews = cache.load([row["text"] for row in judged]).vectors
    cosines = _cosines(asked[[place[row["query"]] for row in judged]], reviews)
    relevant = np.array([row["relevant"] == "Y" for row in judged])
    drawn = (asked @ cache.load([row["text"] for row in corpus]).vectors.T).ravel()
    return Pairs(
        related=cosines[relevant],
        unrelated={"judged irrelevant reviews": cosines[~relevant], "drawn reviews": drawn},
    )


def _questions(root: Path, cache: FeatureCache) -> Pairs:
    """Pair questions to a bank with all others."""
    by_intent = _grouped(
        read_data_file(root, "banking77", "train").rows, lambda row: str(row["intent"]), _TEXTS_OF_INTENT
    )
    rows = [row for rows in by_intent.values() for row in rows]
    vectors = cache.load([row["text"] for row in rows]).vectors
    intents = np.array([row["intent"] for row in rows])
    first, second = np.triu_indices(len(rows), k=1)
    cosines = (vectors @ vectors.T)[first, second]
    same = intents[first] == intents[second]
    return Pairs(related=cosines[same], unrelated={"questions of two intents": cosines[~same]})


def _translations(root: Path, cache: FeatureCache) -> Pairs:
    """Pair sentences with their English translation, and with that of the next sentence."""
    by_language = _grouped(
        read_data_file(root, "tatoeba", "test").rows, lambda row: str(row["lang"]), _PAIRS_OF_LANGUAGE
    )
    rows = [row for rows in by_language.values() for row in rows]
    foreign = cache.load([row["text"] for row in rows]).vectors
    english = cache.load([row["text_en"] for row in rows]).vectors
    return Pairs(
        related=_cosines(foreign, english),
        unrelated={"other sentences": _cosines(foreign, np.roll(english, 1, axis=0))},
    )


def _grouped(
    rows: list[dict[str, Any]], key: Callable[[dict[str, Any]], str], limit: int
) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return {name: _drawn(groups[name], limit) for name in sorted(groups)}


def _drawn(rows: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """Return rows that depend on their texts alone, whatever their order."""
    return sorted(rows, key=lambda row: hashlib.sha256(str(row["text"]).encode()).hexdigest())[:limit]


def _cosines(left: Floats2d, right: Floats2d) -> Floats1d:
    return np.asarray((left * right).sum(axis=1), dtype=np.float32)


def _rate(cosines: Floats1d, value: float) -> float:
    return float((cosines >= value).mean())
