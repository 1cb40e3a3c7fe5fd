"""What training fits: a branch (if the experiment has one) and a linear head a label set."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from models.encoder.torch_branch import TorchBranch
from models.labels import SENTIMENTS, SIGNALS, TOPICS, URGENCIES
from training.experiment import HeadName
from training.logistic import Layer

LOGITS: Mapping[HeadName, int] = {
    "sentiment": len(SENTIMENTS),
    # One fewer than labels: "above label k, given that it is not below".
    "urgency": len(URGENCIES) - 1,
    "topics": len(TOPICS),
    "signals": len(SIGNALS),
}

STRETCH = 5.0
"""What features are multiplied by while heads learn: parts of length 1 would need large weights, and those
take many steps to grow. About a quarter of the root of the width, by measurement."""

_FIRST_WEIGHTS = 0.01


class Network(nn.Module):
    """Features as the encoder will give them, and heads as `models.heads` will read them.

    Args:
        branch: Trained along; `None` to train heads on frozen features alone.
        frozen_width: Length of the frozen part of the features.
        dropout: Share of features left out in training.
    """

    def __init__(self, branch: TorchBranch | None, *, frozen_width: int, dropout: float) -> None:
        super().__init__()
        self.branch = branch
        width = frozen_width + (branch.shape.width if branch else 0)
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(width, logits) for name, logits in LOGITS.items()})
        for head in self.heads.children():
            nn.init.normal_(head.weight, std=_FIRST_WEIGHTS)  # type: ignore[arg-type]
            nn.init.zeros_(head.bias)  # type: ignore[arg-type]

    def forward(self, frozen: Tensor, states: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Return raw logits.

        Args:
            frozen: Frozen features, part by part L2-normalised. *Shape:* ``(rows, frozen_width)``.
            states: What the branch reads. *Shape:* ``(rows, tokens, hidden)``; not looked at without one.
            mask: 1 for tokens, 0 for filling. *Shape:* ``(rows, tokens)``.

        Returns:
            A tensor a head. *Shape:* ``(rows, logits)``, float32.
        """
        parts = [frozen]
        if self.branch is not None:
            parts += [nn.functional.normalize(part, dim=1) for part in self.branch(states, mask)]
        features = self.dropout(torch.cat(parts, dim=1))
        return {name: head(features * STRETCH).float() for name, head in self.heads.items()}

    def linear_layers(self) -> dict[str, Layer]:
        """Return each head's layer as it reads features that are not stretched."""
        return {
            name: Layer(
                weight=(head.weight.detach() * STRETCH).numpy(),  # type: ignore[operator]
                bias=head.bias.detach().numpy(),  # type: ignore[operator]
            )
            for name, head in self.heads.items()
        }
