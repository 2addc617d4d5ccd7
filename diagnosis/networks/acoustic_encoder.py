"""Optional acoustic branch: how it was said, beside what was said. Log-mel frames to one token."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn


@final
@dataclass(frozen=True)
class AcousticEncoderConfig:
    """Shape of the acoustic encoder."""

    n_mels: int = 40
    """Mel bands."""
    width: int = 64
    """Channels of the convolutions and of the recurrent layer."""
    dropout: float = 0.2
    """Dropout before the projection."""


@final
class AcousticEncoder(nn.Module):
    """Two strided convolutions over time, a bidirectional GRU, and the mean over time."""

    def __init__(self, config: AcousticEncoderConfig, embed: int) -> None:
        super().__init__()
        self.config = config
        self.convolve = nn.Sequential(
            nn.Conv1d(config.n_mels, config.width, 5, stride=2, padding=2),
            nn.GELU(),
            nn.Conv1d(config.width, config.width, 5, stride=2, padding=2),
            nn.GELU(),
        )
        self.recur = nn.GRU(config.width, config.width, batch_first=True, bidirectional=True)
        self.project = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(2 * config.width, embed), nn.LayerNorm(embed)
        )

    def forward(self, mel: Float[Tensor, "batch mel frames"]) -> Float[Tensor, "batch 1 embed"]:
        """One token a recording."""
        frames = self.convolve(mel).transpose(1, 2)  # (batch, frames / 4, width)
        states, _ = self.recur(frames)
        token: Tensor = self.project(torch.mean(states, dim=1))
        return token[:, None]
