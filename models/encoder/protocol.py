"""What an encoder is to the rest of the system."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from models.arrays import Floats2d
from models.branch import Branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """What one forward pass over a batch of texts yields.

    Attributes:
        vectors: L2-normalised retrieval vectors.
            *Shape:* ``(texts, dimensions)``, float32.
        features: What the heads read: the poolings of the branch, if there is one, else mean-pooled
            hidden states of the encoder's `feature_layers`; each part L2-normalised, side by side.
            *Shape:* ``(texts, branch.width)`` or ``(texts, len(feature_layers) * hidden size)``, float32.
    """

    vectors: Floats2d
    features: Floats2d


class Encoder(Protocol):
    """Texts in, vectors out. A text's vector does not depend on the other texts of its batch."""

    @property
    def name(self) -> str:
        """Name with a hash of the weights, such as ``e5-small-q4:ab12cd34``: what heads are trained on."""
        ...

    @property
    def space(self) -> str:
        """Identity of the vector space: weights, precision and revision of the forward pass.

        Vectors of two spaces never meet.
        """
        ...

    @property
    def dimensions(self) -> int:
        """Length of a retrieval vector."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, special tokens and prefix included."""
        ...

    def with_branch(self, branch: Branch | None) -> Self:
        """Return this encoder with another branch, or with none; the weights are shared.

        Raises:
            EncoderMismatchError: The encoder has no such layers.
        """
        ...

    def encode(self, texts: Sequence[str]) -> Encoding:
        """Encode texts of any length, in order.

        Raises:
            ValueError: A text is not a `str`.
        """
        ...
