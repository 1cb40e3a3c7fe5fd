"""What the models say about one text."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.arrays import Floats1d

Decision = Literal["apply", "suggest", "abstain"]
"""What a confidence is good for.

`apply`: right so often that it may be acted on unseen; `suggest`: worth showing to a person who
decides; `abstain`: a person should look, the label is a guess. The thresholds, with the accuracy and
the coverage of each, stand in the model's manifest.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageGuess:
    """The language a text is written in.

    Attributes:
        code: ISO 639-1 code, or `und` when the identifier is not sure.
        confidence: Probability of `code`, 0..1 (of the best guess when `code` is `und`).
    """

    code: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPrediction:
    """A calibrated choice among exclusive labels.

    Attributes:
        label: The most probable label.
        confidence: Its calibrated probability, 0..1.
        probabilities: Every label with its probability; they sum to 1.
        decision: What `confidence` is good for.
    """

    label: str
    confidence: float
    probabilities: dict[str, float]
    decision: Decision

    @property
    def abstained(self) -> bool:
        """True when a person should look."""
        return self.decision == "abstain"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicPrediction:
    """Calibrated, non-exclusive topics.

    Attributes:
        probabilities: Every topic with the probability that it applies, 0..1, independent of each other.
        applied: Topics above their thresholds, best first; may be empty.
        best: The most probable topic.
        decision: What the probability of `best` is good for.
    """

    probabilities: dict[str, float]
    applied: tuple[str, ...]
    best: str
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalPrediction:
    """Calibrated, independent signals beside the labels.

    Attributes:
        probabilities: Every signal of `models.labels.SIGNALS` with its probability, 0..1.
        present: Signals above their thresholds, in the order of `SIGNALS`.
    """

    probabilities: dict[str, float]
    present: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """Everything the heads and the language identifier say about one text."""

    language: LanguageGuess
    sentiment: LabelPrediction
    urgency: LabelPrediction
    topics: TopicPrediction
    signals: SignalPrediction
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredText:
    """One text with its retrieval vector and its predictions.

    Attributes:
        vector: L2-normalised retrieval vector.
            *Shape:* ``(dimensions,)``, float32.
        language: The language it is written in, told without heads too.
        predictions: `None` when no heads fit the encoder.
    """

    vector: Floats1d
    language: LanguageGuess
    predictions: Predictions | None

    def stored_vector(self) -> bytes:
        """Return the vector as little-endian float16 bytes, the form the database keeps."""
        return self.vector.astype("<f2").tobytes()


def vector_from_stored(stored: bytes) -> Floats1d:
    """Read a vector back from its stored float16 bytes.

    Args:
        stored: Little-endian float16 bytes.

    Returns:
        float32 vector. *Shape:* ``(len(stored) // 2,)``.
    """
    return np.frombuffer(stored, dtype="<f2").astype(np.float32)
