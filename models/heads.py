"""Linear heads on an encoder's features: sentiment, urgency, topics and signals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from models.arrays import Floats1d, Floats2d
from models.calibration import Calibration, Logits, Probabilities, sequential, sigmoid, softmax
from models.labels import NON_FEEDBACK, HeadName, kind_of
from models.predictions import (
    Decision,
    LabelPrediction,
    LanguageGuess,
    Predictions,
    SignalPrediction,
    TopicPrediction,
)

HeadKind = Literal["softmax", "sequential", "sigmoid"]
HEAD_KINDS: Final[Mapping[HeadName, tuple[HeadKind, ...]]] = {
    "sentiment": ("softmax", "sequential"),
    "urgency": ("softmax", "sequential"),
    "topics": ("sigmoid",),
    "signals": ("sigmoid",),
}
"""Which kinds each head may be of."""

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
        suggest_from: Confidence 0..1 below which a person should look.
        apply_from: Confidence from which the label may be acted on unseen; not below `suggest_from`.
        thresholds: Probability from which each label applies (`sigmoid` only); one half where none are given.

    Raises:
        ValueError: Weights, biases, calibration or thresholds do not fit the kind and the number of labels,
            weights are not finite, or `apply_from` is below `suggest_from`.
    """

    kind: HeadKind
    labels: tuple[str, ...]
    weight: Floats2d
    bias: Floats1d
    calibration: Calibration = field(default_factory=Calibration)
    suggest_from: float = 0.0
    apply_from: float = 0.0
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
        if self.apply_from < self.suggest_from:
            raise ValueError(
                f"expected apply_from to be at least suggest_from, {self.suggest_from}, got {self.apply_from}"
            )

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

    def decide(self, confidence: float, *, answers: bool) -> Decision:
        """Say what a confidence is good for.

        Args:
            confidence: Of the best label, 0..1.
            answers: False when the text is no feedback: then whatever the confidence, a person should look.
        """
        if not answers or confidence < self.suggest_from:
            return "abstain"
        return "apply" if confidence >= self.apply_from else "suggest"

    def choose(self, probabilities: Probabilities, *, answers: bool = True) -> LabelPrediction:
        """Read one row of probabilities of exclusive labels as a choice.

        Args:
            probabilities: 0..1, summing to 1. *Shape:* ``(labels,)``, float64.
            answers: As for `decide`.

        Returns:
            The most probable label, the first of several; its confidence lies in ``1 / labels``..1.

        Raises:
            ValueError: There is not one probability a label.
        """
        best = int(probabilities.argmax())
        confidence = float(probabilities[best])
        return LabelPrediction(
            label=self.labels[best],
            confidence=confidence,
            probabilities=dict(zip(self.labels, probabilities.tolist(), strict=True)),
            decision=self.decide(confidence, answers=answers),
        )

    def applied(self, probabilities: Probabilities) -> tuple[str, ...]:
        """Return the independent labels that reach their thresholds, in the order of `labels`.

        Args:
            probabilities: 0..1 each. *Shape:* ``(labels,)``, float64.

        Returns:
            From none to all of `labels`.

        Raises:
            ValueError: There is not one probability a label.
        """
        thresholds = self.thresholds or (0.5,) * len(self.labels)
        rows = zip(self.labels, probabilities.tolist(), thresholds, strict=True)
        return tuple(label for label, probability, threshold in rows if probability >= threshold)

    def choose_topics(self, probabilities: Probabilities, *, answers: bool = True) -> TopicPrediction:
        """Read one row of probabilities of independent labels as topics, best first.

        Args:
            probabilities: 0..1 each. *Shape:* ``(labels,)``, float64.
            answers: As for `decide`.

        Raises:
            ValueError: There is not one probability a label.
        """
        by_label = dict(zip(self.labels, probabilities.tolist(), strict=True))
        order = sorted(self.labels, key=lambda label: -by_label[label])
        applied = set(self.applied(probabilities))
        return TopicPrediction(
            probabilities=by_label,
            applied=tuple(label for label in order if label in applied),
            best=order[0],
            decision=self.decide(by_label[order[0]], answers=answers),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """The four heads that read the same features.

    Attributes:
        sentiment: Of kind `softmax`.
        urgency: Of kind `softmax` or `sequential`; labels from least to most urgent.
        topics: Of kind `sigmoid`.
        signals: Of kind `sigmoid`; labels as `models.labels.SIGNALS`.

    Raises:
        ValueError: A head is of a kind that its name may not have, or they read features of different widths.
    """

    sentiment: LinearHead
    urgency: LinearHead
    topics: LinearHead
    signals: LinearHead

    def __post_init__(self) -> None:
        by_name: dict[HeadName, LinearHead] = {name: getattr(self, name) for name in HEAD_KINDS}
        widths = {head.weight.shape[1] for head in by_name.values()}
        if len(widths) != 1:
            raise ValueError(f"heads must read features of one width, got {sorted(widths)}")
        for name, head in by_name.items():
            kinds = HEAD_KINDS[name]
            if head.kind not in kinds:
                raise ValueError(f"the {name} head must be of kind {' or '.join(kinds)}, got {head.kind}")

    @property
    def width(self) -> int:
        """Length of a row of features."""
        return int(self.sentiment.weight.shape[1])

    def predict(self, features: Floats2d, languages: Sequence[LanguageGuess]) -> list[Predictions]:
        """Score texts from their features; what is no feedback gets labels that all abstain.

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
        signals = self.signals.probabilities(features)
        return [
            self._read(language, sentiments[row], urgencies[row], topics[row], signals[row])
            for row, language in enumerate(languages)
        ]

    def _read(
        self,
        language: LanguageGuess,
        sentiment: Probabilities,
        urgency: Probabilities,
        topics: Probabilities,
        signals: Probabilities,
    ) -> Predictions:
        present = self.signals.applied(signals)
        answers = NON_FEEDBACK not in present
        chosen = self.sentiment.choose(sentiment, answers=answers)
        topic = self.topics.choose_topics(topics, answers=answers)
        return Predictions(
            language=language,
            sentiment=chosen,
            urgency=self.urgency.choose(urgency, answers=answers),
            topics=topic,
            signals=SignalPrediction(
                probabilities=dict(zip(self.signals.labels, signals.tolist(), strict=True)),
                present=present,
            ),
            kind=kind_of(topic.best, chosen.label),
        )
