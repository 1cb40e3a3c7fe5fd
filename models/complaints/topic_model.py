"""BERTopic around our clusters: its c-TF-IDF for keywords, its hierarchy for families of complaints.

The only module that imports BERTopic: only a refit imports it.
"""

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from bertopic import BERTopic
from bertopic.dimensionality import BaseDimensionalityReduction
from bertopic.vectorizers import ClassTfidfTransformer
from sklearn.feature_extraction.text import CountVectorizer

from models.arrays import Floats2d, Ints1d
from models.complaints.clusterer import ComplaintClusterer
from models.complaints.words import words

_KEYWORDS = 6
_FEWEST_TEXTS = 3
"""BERTopic's hierarchy joins two topics at least, and so do we three."""

_REPEATED_FROM = 5
"""From so many texts in a language a keyword must stand in two of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicModel:
    """What BERTopic made of the texts.

    Attributes:
        keywords: By group of the clustering part and language, best first.
        families: Each step of BERTopic's hierarchy: the groups it joins and the distance at which it does,
            nearest first.
    """

    keywords: Mapping[tuple[int, str], tuple[str, ...]]
    families: tuple[tuple[tuple[int, ...], float], ...]


def fit_topics(
    clusterer: ComplaintClusterer, texts: Sequence[str], languages: Sequence[str], vectors: Floats2d
) -> TopicModel:
    """Run BERTopic with our clustering part, precomputed vectors and no reduction of dimensions.

    Args:
        clusterer: Groups the texts; has done so afterwards.
        texts: In canonical order.
        languages: One code a text.
        vectors: Centred, on the grid. *Shape:* ``(len(texts), dimensions)``, float32.
    """
    cut = [" ".join(words(text, language)) for text, language in zip(texts, languages, strict=True)]
    if len(texts) < _FEWEST_TEXTS or not any(cut):
        clusterer.fit(vectors)
        return TopicModel(keywords={}, families=())
    model = BERTopic(
        language="multilingual",
        embedding_model=None,
        umap_model=BaseDimensionalityReduction(),
        hdbscan_model=clusterer,
        vectorizer_model=CountVectorizer(tokenizer=str.split, token_pattern=None, lowercase=False),
        ctfidf_model=ClassTfidfTransformer(reduce_frequent_words=True),
    )
    model.fit_transform(cut, vectors)
    labels = clusterer.labels_
    return TopicModel(
        keywords=_keywords(model, cut, languages, labels), families=_families(model, cut, labels)
    )


def _keywords(
    model: BERTopic, cut: Sequence[str], languages: Sequence[str], labels: Ints1d
) -> dict[tuple[int, str], tuple[str, ...]]:
    """Rank the words of each group in each language by the c-TF-IDF that BERTopic has fitted."""
    members: dict[tuple[int, str], list[str]] = {}
    for text, language, label in zip(cut, languages, labels.tolist(), strict=True):
        if label >= 0:
            members.setdefault((label, language), []).append(text)
    if not members:
        return {}
    counts = model.vectorizer_model.transform(" ".join(texts) for texts in members.values())
    scores = model.ctfidf_model.transform(counts).tocsr()
    names = model.vectorizer_model.get_feature_names_out()
    found = {}
    for row, (key, texts) in enumerate(members.items()):
        places = scores.indices[scores.indptr[row] : scores.indptr[row + 1]]
        worth = scores.data[scores.indptr[row] : scores.indptr[row + 1]].copy()
        if len(texts) >= _REPEATED_FROM:
            # How often it stands there at all is near enough to in how many texts.
            worth[np.asarray(counts[row, places].todense()).ravel() < 2] = 0  # noqa: PLR2004
        order = np.lexsort((names[places], -np.round(worth, 9)))[:_KEYWORDS]
        found[key] = tuple(str(names[places[place]]) for place in order.tolist() if worth[place] > 0)
    return found


def _families(
    model: BERTopic, cut: Sequence[str], labels: Ints1d
) -> tuple[tuple[tuple[int, ...], float], ...]:
    ours = {topic: label for topic, label in zip(model.topics_, labels.tolist(), strict=True) if label >= 0}
    if len(ours) < _FEWEST_TEXTS:
        return ()
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        tree = model.hierarchical_topics(list(cut), use_ctfidf=False)
    steps = [
        (tuple(sorted(ours[topic] for topic in topics)), float(distance))
        for topics, distance in zip(tree.Topics, tree.Distance, strict=True)
    ]
    return tuple(sorted(steps, key=lambda step: (step[1], step[0])))
