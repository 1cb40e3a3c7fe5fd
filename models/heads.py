"""Linear heads on an encoder's features: sentiment, urgency, topics."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from models.arrays import Floats1d, Floats2d
from models.calibration import Calibration, Logits, Probabilities, sequential, sigmoid, softmax
from models.labels import kind_of
from models.predictions import LabelPrediction, LanguageGuess, Predictions, TopicPrediction

HeadKind = Literal["softmax", "sequential", "sigmoid"]
_SQUASH = {"softmax": softmax, "sequential": sequential, "sigmoid": sigmoid}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearHead:
    """One linear layer with its labels and its calibration.

    Attributes:
        kind: `softmax` for exclusive labels, `sequential` for ordered ones, `sigmoid` for
            independent ones.
        labels: Closed label set, in the order of the probabilities.
        weight: *Shape:* ``(logits, width)``, float32; as many logits as labels, one fewer when
            `sequential`.
        bias: *Shape:* ``(logits,)``, float32.
        calibration: Applied to the logits.
        abstain_below: Confidence 0..1 below which a person should look.
        thresholds: Probability from which each label applies (`sigmoid` only).
    """

    kind: HeadKind
    labels: tuple[str, ...]
    weight: Floats2d
    bias: Floats1d
    calibration: Calibration = field(default_factory=Calibration)
    abstain_below: float = 0.0
    thresholds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        expected = len(self.labels) - (self.kind == "sequential")
        if self.weight.ndim != 2 or len(self.weight) != expected or self.bias.shape != (expected,):  # noqa: PLR2004
            raise ValueError(
                f"a {self.kind} head of {len(self.labels)} labels needs {expected} rows of weights and "
                f"biases, got weights {self.weight.shape} and biases {self.bias.shape}"
            )
        if not (np.isfinite(self.weight).all() and np.isfinite(self.bias).all()):
            raise ValueError("weights and biases must be finite")
        for name, values in (
            ("temperature", self.calibration.temperature),
            ("shift", self.calibration.shift),
        ):
            if len(values) not in {1, expected}:
                raise ValueError(f"{name} needs 1 or {expected} values, got {len(values)}")
        if self.thresholds and len(self.thresholds) != len(self.labels):
            raise ValueError(f"expected {len(self.labels)} thresholds, got {len(self.thresholds)}")

    def logits(self, features: Floats2d) -> Logits:
        """Return raw logits, before calibration.

        Args:
            features: *Shape:* ``(texts, width)``, float32.

        Returns:
            *Shape:* ``(texts, logits)``, float64.
        """
        return np.asarray(features @ self.weight.T + self.bias, dtype=np.float64)

    def probabilities(self, features: Floats2d) -> Probabilities:
        """Return calibrated probabilities of the labels.

        Args:
            features: *Shape:* ``(texts, width)``, float32.

        Returns:
            *Shape:* ``(texts, labels)``, float64, 0..1; rows sum to 1 unless the kind is `sigmoid`.
        """
        return _SQUASH[self.kind](self.calibration.apply(self.logits(features)))

    def choose(self, probabilities: Probabilities) -> LabelPrediction:
        """Read one row of probabilities of exclusive labels as a choice.

        Args:
            probabilities: *Shape:* ``(labels,)``.
        """
        best = int(probabilities.argmax())
        confidence = float(probabilities[best])
        return LabelPrediction(
            label=self.labels[best],
            confidence=confidence,
            probabilities=dict(zip(self.labels, probabilities.tolist(), strict=True)),
            abstained=confidence < self.abstain_below,
        )

    def apply_thresholds(self, probabilities: Probabilities) -> TopicPrediction:
        """Read one row of probabilities of independent labels as the labels that apply.

        Args:
            probabilities: *Shape:* ``(labels,)``.
        """
        thresholds = self.thresholds or (0.5,) * len(self.labels)
        order = np.argsort(-probabilities, kind="stable").tolist()
        return TopicPrediction(
            probabilities=dict(zip(self.labels, probabilities.tolist(), strict=True)),
            applied=tuple(self.labels[i] for i in order if probabilities[i] >= thresholds[i]),
            best=self.labels[order[0]],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """The three heads that read the same features.

    Attributes:
        sentiment: Of kind `softmax`.
        urgency: Of kind `softmax` or `sequential`; labels from least to most urgent.
        topics: Of kind `sigmoid`.
    """

    sentiment: LinearHead
    urgency: LinearHead
    topics: LinearHead

    def __post_init__(self) -> None:
        widths = {head.weight.shape[1] for head in (self.sentiment, self.urgency, self.topics)}
        if len(widths) != 1:
            raise ValueError(f"heads must read features of one width, got {sorted(widths)}")
        for name, head, kinds in (
            ("sentiment", self.sentiment, ("softmax", "sequential")),
            ("urgency", self.urgency, ("softmax", "sequential")),
            ("topics", self.topics, ("sigmoid",)),
        ):
            if head.kind not in kinds:
                raise ValueError(f"the {name} head must be of kind {' or '.join(kinds)}, got {head.kind}")

    @property
    def width(self) -> int:
        """Length of a row of features."""
        return int(self.sentiment.weight.shape[1])

    def predict(self, features: Floats2d, languages: Sequence[LanguageGuess]) -> list[Predictions]:
        """Score texts from their features.

        Args:
            features: *Shape:* ``(texts, width)``, float32.
            languages: One guess a text, passed on.

        Raises:
            ValueError: `features` has another width, or another number of rows than `languages`.
        """
        if features.shape != (len(languages), self.width):
            raise ValueError(
                f"expected features of shape {(len(languages), self.width)}, got {features.shape}"
            )
        sentiments = self.sentiment.probabilities(features)
        urgencies = self.urgency.probabilities(features)
        topics = self.topics.probabilities(features)
        predictions = []
        for row, language in enumerate(languages):
            sentiment = self.sentiment.choose(sentiments[row])
            topic = self.topics.apply_thresholds(topics[row])
            predictions.append(
                Predictions(
                    language=language,
                    sentiment=sentiment,
                    urgency=self.urgency.choose(urgencies[row]),
                    topics=topic,
                    kind=kind_of(topic.best, sentiment.label),
                )
            )
        return predictions
