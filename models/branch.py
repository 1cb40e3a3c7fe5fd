"""A branch: the upper layers of an encoder once more, trained for the heads, beside the frozen ones."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

QUERIES = "queries"
KEY_WEIGHT = "key.weight"
KEY_BIAS = "key.bias"

Tensors = Mapping[str, NDArray[np.float16]]


class BranchShape(BaseModel):
    """What a branch is, without its weights.

    Attributes:
        from_layer: It reads the hidden states that this layer of the encoder leaves, counted from 1.
        first_layer: Its layers began as copies of the encoder's layers from this one on, counted from 1.
        layers: How many layers it has.
        queries: How many ways of pooling it has beside the mean.
        hidden: Width of its hidden states.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    from_layer: int = Field(ge=1)
    first_layer: int = Field(ge=1)
    layers: int = Field(ge=1)
    queries: int = Field(ge=1)
    hidden: int = Field(ge=1)

    @property
    def width(self) -> int:
        """Length of a row of features."""
        return self.hidden * (1 + self.queries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """The weights of a branch.

    The retrieval vector does not pass through it, so training one moves no stored vector. Its last
    hidden states are pooled by their mean and by learnt queries: token t has weight
    ``softmax_t(queries[q] @ key(hidden[t]))`` in pooling q.

    Source: Lin et al., "A Structured Self-attentive Sentence Embedding", ICLR 2017, section 2 (several
    attention poolings of one sequence).

    Attributes:
        shape: Its form.
        tensors: `queries` ``(queries, hidden)``, `key.weight` ``(hidden, hidden)``, `key.bias`
            ``(hidden,)`` and ``layers.<i>.<name>`` for every parameter of layer i; float16, finite.

    Raises:
        ValueError: A tensor or a layer is missing, or a tensor has another shape or type or is not finite.
    """

    shape: BranchShape
    tensors: Tensors

    def __post_init__(self) -> None:
        hidden, queries = self.shape.hidden, self.shape.queries
        expected = {QUERIES: (queries, hidden), KEY_WEIGHT: (hidden, hidden), KEY_BIAS: (hidden,)}
        missing = sorted(expected.keys() - self.tensors.keys())
        if missing:
            raise ValueError(f"the branch lacks the tensor {missing[0]}")
        for name, shape in expected.items():
            found = self.tensors[name].shape
            if found != shape:
                raise ValueError(f"{name} of the branch must have the shape {shape}, got {found}")
        for name, tensor in self.tensors.items():
            if tensor.dtype != np.float16:
                raise ValueError(f"{name} of the branch must be float16, got {tensor.dtype}")
            if not np.isfinite(tensor).all():
                raise ValueError(f"{name} of the branch must be finite")
        present = {name.split(".")[1] for name in self.tensors if name.startswith("layers.")}
        if present != {str(layer) for layer in range(self.shape.layers)}:
            raise ValueError(
                f"expected weights of {self.shape.layers} layers, got those of {sorted(present)}"
            )

    def digest(self) -> str:
        """Return a name for these weights: 16 hexadecimal digits."""
        digest = hashlib.sha256(self.shape.model_dump_json().encode())
        for name in sorted(self.tensors):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(self.tensors[name]).tobytes())
        return digest.hexdigest()[:16]
