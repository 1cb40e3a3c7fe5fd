"""A branch as a torch module: what training fits and what the torch encoder runs.

Importing this takes seconds (torch); only import it where torch is loaded anyway.
"""

import copy
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from models.branch import Branch, BranchShape
from models.errors import EncoderMismatchError

_LEAST = -1e9
"""Added to the scores of filling tokens: after a softmax nothing of them is left."""


class TorchBranch(nn.Module):
    """Layers of a transformer's own class, and the poolings of their last hidden states.

    Args:
        shape: Its form.
        transformer: A Hugging Face encoder whose layers stand in ``encoder.layer``, as BERT's and XLM-R's
            do. Its layers are copied, not shared.

    Raises:
        EncoderMismatchError: The transformer has no such layers, or another width.
    """

    def __init__(self, shape: BranchShape, transformer: Any) -> None:
        super().__init__()
        found = _layers_of(transformer)
        last = shape.first_layer + shape.layers - 1
        width = int(transformer.config.hidden_size)
        if width != shape.hidden or max(last, shape.from_layer) > len(found):
            raise EncoderMismatchError(
                f"the branch needs {max(last, shape.from_layer)} layers of width {shape.hidden}, "
                f"the encoder has {len(found)} of width {width}"
            )
        self.shape = shape
        self.layers = nn.ModuleList(
            copy.deepcopy(found[place]) for place in range(shape.first_layer - 1, last)
        )
        self.queries = nn.Parameter(torch.randn(shape.queries, shape.hidden) * shape.hidden**-0.5)
        self.key = nn.Linear(shape.hidden, shape.hidden)

    @classmethod
    def from_weights(cls, branch: Branch, transformer: Any) -> Self:
        """Build a module with the weights of a branch, in float32.

        Raises:
            EncoderMismatchError: The transformer has no such layers, or they have other parameters.
        """
        module = cls(branch.shape, transformer)
        state = {
            name: torch.from_numpy(np.asarray(t, dtype=np.float32)) for name, t in branch.tensors.items()
        }
        try:
            module.load_state_dict(state)
        except RuntimeError as error:
            raise EncoderMismatchError(f"the branch does not fit the encoder's layers: {error}") from error
        return module.eval()

    def weights(self) -> Branch:
        """Return the weights, rounded to float16.

        Raises:
            ValueError: A weight is not finite, or too large for float16.
        """
        tensors = {}
        for name, tensor in self.state_dict().items():
            rounded = tensor.half()
            if (rounded.isinf() & tensor.isfinite()).any():
                raise ValueError(
                    f"{name} of the branch must lie within float16, up to {torch.finfo(torch.half).max:g}, "
                    f"got {tensor.abs().max():g}"
                )
            tensors[name] = rounded.numpy()
        return Branch(shape=self.shape, tensors=tensors)

    def forward(self, hidden: Tensor, mask: Tensor) -> list[Tensor]:
        """Pool the last hidden states by their mean and by each query.

        Args:
            hidden: What the encoder's layer `from_layer` left. *Shape:* ``(windows, tokens, hidden)``.
            mask: 1 for tokens, 0 for filling. *Shape:* ``(windows, tokens)``.

        Returns:
            The mean, then one pooling a query, none of them normalised. *Shape of each:*
            ``(windows, hidden)``, float32.
        """
        filling = (1.0 - mask.to(hidden.dtype)) * _LEAST
        for layer in self.layers:
            hidden = layer(hidden, filling[:, None, None, :])
        hidden = hidden.float()
        kept = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * kept).sum(dim=1) / kept.sum(dim=1)
        scores = self.key(hidden).float() @ self.queries.T + filling.float().unsqueeze(-1)
        pooled = torch.einsum("btq,bth->bqh", scores.softmax(dim=1), hidden)
        return [mean, *pooled.unbind(dim=1)]


def lower_states(transformer: Any, layer: int, ids: Tensor, mask: Tensor) -> Tensor:
    """Run a transformer up to a layer.

    Args:
        transformer: As for `TorchBranch`.
        layer: Counted from 1; no layer above it is run.
        ids: Token numbers. *Shape:* ``(windows, tokens)``.
        mask: 1 for tokens, 0 for filling. *Shape:* ``(windows, tokens)``.

    Returns:
        *Shape:* ``(windows, tokens, hidden)``, float32.

    Raises:
        EncoderMismatchError: The transformer has no such layer.
    """
    layers = _layers_of(transformer)
    if not 1 <= layer <= len(layers):
        raise EncoderMismatchError(f"expected a layer from 1 to {len(layers)}, got {layer}")
    with torch.inference_mode():
        hidden: Tensor = transformer.embeddings(input_ids=ids)
        filling = (1.0 - mask.to(hidden.dtype)) * _LEAST
        for place in range(layer):
            hidden = layers[place](hidden, filling[:, None, None, :])
    return hidden.float()


def _layers_of(transformer: Any) -> Any:
    found = getattr(getattr(transformer, "encoder", None), "layer", None)
    if found is None:
        raise EncoderMismatchError(
            f"a branch needs a transformer with layers at encoder.layer, got {type(transformer).__name__}"
        )
    return found
