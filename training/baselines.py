"""What heads are compared with in the same run: a frozen linear head, a word list, the commonest label."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats2d
from models.labels import SENTIMENTS
from training.datasets.example import Example
from training.experiment import HeadName
from training.labels import EXCLUSIVE_HEADS, LABELS, labelled, truth_of
from training.logistic import Basis, Layer, fit_basis, fit_layer

Ints = NDArray[np.int64]

_C = 0.01
"""Regularisation of the frozen linear heads: fixed beforehand, not chosen."""

LEXICON_LANGUAGES = ("da", "en")
"""Languages that AFINN has word lists for."""


class FrozenLinear:
    """Logistic regression on the encoder's frozen features, trained on the rows that trained the network.

    Args:
        examples: What trains.
        features: Their frozen features. *Shape:* ``(len(examples), width)``, float32.
    """

    def __init__(self, examples: Sequence[Example], features: Floats2d) -> None:
        self._fitted: Mapping[HeadName, tuple[Basis, Layer]] = {
            head: _fit(head, examples, features) for head in EXCLUSIVE_HEADS if labelled(head, examples)
        }

    def choose(self, head: HeadName, features: Floats2d) -> Ints | None:
        """Return the index of the most probable label of each row; `None` where no row could train.

        Args:
            head: Whose labels.
            features: *Shape:* ``(rows, width)``, float32.
        """
        if head not in self._fitted:
            return None
        basis, layer = self._fitted[head]
        return np.asarray(layer.logits(basis.project(features)).argmax(axis=1), dtype=np.int64)


class Lexicon:
    """AFINN: the sum of the valences of the words and emoticons of a text.

    Source: Nielsen, "A new ANEW: Evaluation of a word list for sentiment analysis in microblogs", 2011.
    """

    def __init__(self) -> None:
        from afinn import Afinn  # noqa: PLC0415 (only evaluation needs it)

        self._lists: dict[str, Any] = {
            language: Afinn(language=language, emoticons=True) for language in LEXICON_LANGUAGES
        }

    def choose(self, examples: Sequence[Example]) -> Ints:
        """Return the index of each text's sentiment; only languages with a word list can be asked for."""
        scores = [self._lists[example.lang].score(example.text) for example in examples]
        signs = np.sign(scores).astype(np.int64)
        return np.asarray(signs + SENTIMENTS.index("neutral"), dtype=np.int64)


def commonest(truth: Ints) -> Ints:
    """Return the commonest label for every row. *Shape:* that of `truth`."""
    return np.full(len(truth), np.bincount(truth).argmax())


def _fit(head: HeadName, examples: Sequence[Example], features: Floats2d) -> tuple[Basis, Layer]:
    places = labelled(head, examples)
    rows = [examples[place] for place in places]
    basis = fit_basis(features[places])
    truth = np.eye(len(LABELS[head]))[truth_of(head, rows)]
    weights = np.array([row.weight for row in rows])
    return basis, fit_layer("softmax", basis.project(features[places]), truth, weights / weights.mean(), c=_C)
