"""How near two texts must be: for a text to answer a query, and for two texts to be alike."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
_GRID = np.round(np.arange(0.70, 0.995, 0.005), 3)

Flags = NDArray[np.bool_]


def learn_relevance(root: Path, cache: FeatureCache) -> LearntThreshold:
    """Learn the cosine from which a text counts as an answer to a query.

    Queries are names of app features; judged reviews do or do not speak of them. Reviews drawn from
    the rest of the corpus stand for the many texts of a store that have nothing to do with a query.

    Args:
        root: Folder of the data sets.
        cache: Encodes.

    Raises:
        DataError: A file is missing.
    """
    judged = read_data_file(root, "app_review_search", "judged").rows
    corpus = _drawn(read_data_file(root, "app_review_search", "corpus").rows, _CORPUS_TEXTS)
    queries = sorted({row["query"] for row in judged})
    of_query = {query: place for place, query in enumerate(queries)}
    query_vectors = cache.load(queries).vectors
    asked = query_vectors[[of_query[row["query"]] for row in judged]]
    cosines = _cosines(asked, cache.load([row["text"] for row in judged]).vectors)
    relevant = np.array([row["relevant"] == "Y" for row in judged])
    unrelated = (query_vectors @ cache.load([row["text"] for row in corpus]).vectors.T).ravel()
    value = _balanced_threshold(cosines[relevant], [cosines[~relevant], unrelated])
    return LearntThreshold(
        value=value,
        method=(
            "best mean of three rates on app_review_search: judged relevant pairs found (counted as two), "
            "judged irrelevant pairs left out, pairs of a query and a review drawn from the corpus left out"
        ),
        figures={
            "relevant_pairs": float(relevant.sum()),
            "irrelevant_pairs": float((~relevant).sum()),
            "drawn_pairs": float(len(unrelated)),
            "relevant_found": _rate(cosines[relevant], value),
            "irrelevant_found": _rate(cosines[~relevant], value),
            "drawn_found": _rate(unrelated, value),
            "median_cosine_relevant": _median(cosines[relevant]),
            "median_cosine_irrelevant": _median(cosines[~relevant]),
            "median_cosine_drawn": _median(unrelated),
            **_across_languages(root, cache, value),
        },
    )


def learn_similar(root: Path, cache: FeatureCache, *, non_pair_rate: float) -> LearntThreshold:
    """Learn the cosine from which two texts count as saying the same.

    Questions to a bank stand for feedback: two of one intent are about the same, two of different
    intents are not, though they share trade, tone and many words.

    Args:
        root: Folder of the data sets.
        cache: Encodes.
        non_pair_rate: Share of pairs of different intents that may reach the threshold.

    Raises:
        DataError: A file is missing.
    """
    by_intent = _grouped(
        read_data_file(root, "banking77", "train").rows, lambda row: str(row["intent"]), _TEXTS_OF_INTENT
    )
    rows = [row for rows in by_intent.values() for row in rows]
    vectors = cache.load([row["text"] for row in rows]).vectors
    intents = np.array([row["intent"] for row in rows])
    first, second = np.triu_indices(len(rows), k=1)
    cosines = (vectors @ vectors.T)[first, second]
    same = intents[first] == intents[second]
    # One step of the third decimal: what a person reads in the manifest is what is used.
    value = float(np.ceil(np.quantile(cosines[~same], 1 - non_pair_rate) * 1000) / 1000)
    return LearntThreshold(
        value=value,
        method=(
            f"cosine that {non_pair_rate:.2%} of pairs of banking77 questions with different intents reach"
        ),
        figures={
            "pairs_of_one_intent": float(same.sum()),
            "pairs_of_two_intents": float((~same).sum()),
            "one_intent_found": _rate(cosines[same], value),
            "two_intents_found": _rate(cosines[~same], value),
            "median_cosine_one_intent": _median(cosines[same]),
            "median_cosine_two_intents": _median(cosines[~same]),
            **_across_languages(root, cache, value),
        },
    )


def _across_languages(root: Path, cache: FeatureCache, value: float) -> dict[str, float]:
    """Return how often translations, and sentences that are none, reach a threshold."""
    by_language = _grouped(
        read_data_file(root, "tatoeba", "test").rows, lambda row: str(row["lang"]), _PAIRS_OF_LANGUAGE
    )
    rows = [row for rows in by_language.values() for row in rows]
    foreign = cache.load([row["text"] for row in rows]).vectors
    english = cache.load([row["text_en"] for row in rows]).vectors
    pairs = _cosines(foreign, english)
    # Each sentence beside the translation of the next one of its own language.
    others = _cosines(foreign, np.roll(english, 1, axis=0))
    return {
        "translations": float(len(rows)),
        "translations_found": _rate(pairs, value),
        "no_translations_found": _rate(others, value),
    }


def _balanced_threshold(found: Floats1d, left_out: Sequence[Floats1d]) -> float:
    scores = [
        len(left_out) * _rate(found, value) + sum(1 - _rate(cosines, value) for cosines in left_out)
        for value in _GRID.tolist()
    ]
    return float(_GRID[int(np.argmax(np.round(scores, 9)))])


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
    return round(float((cosines >= value).mean()), 4) if len(cosines) else 0.0


def _median(cosines: Floats1d) -> float:
    return round(float(np.median(cosines)), 4) if len(cosines) else 0.0
