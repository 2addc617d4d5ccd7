"""From a fused vector to findings and descriptors."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from diagnosis.vocabulary import DESCRIPTORS


@final
class DescriptorHead(nn.Module):
    """Expected rating of each reader descriptor, kept within its scale by a sigmoid."""

    def __init__(self, embed: int) -> None:
        super().__init__()
        self.linear = nn.Linear(embed, len(DESCRIPTORS))
        top = torch.tensor([float(len(d.levels)) for d in DESCRIPTORS])
        self.span: Tensor
        self.register_buffer("span", top - 1.0, persistent=False)

    def forward(self, fused: Float[Tensor, "... embed"]) -> Float[Tensor, "... descriptor"]:
        """Ratings from 1 to the scale's top."""
        return 1.0 + torch.sigmoid(self.linear(fused)) * self.span


def make_constant(layer: nn.Linear, value: float) -> None:
    """Let a layer that nothing will be taught say the same of everything, and nothing at random."""
    nn.init.zeros_(layer.weight)
    nn.init.constant_(layer.bias, value)
