"""The trainable reader over the frozen BERT's states: a note or a transcript becomes a few text tokens.

The BERT knows language but was never trained for radiology; one attention layer and a few learned questions on top of
it learn to read the descriptors of a nodule. It is shared between notes and transcripts: a dictation says the same
things in other words.
"""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from diagnosis.networks.heads import DescriptorHead


@final
@dataclass(frozen=True)
class TextReaderConfig:
    """Shape of the text reader."""

    n_queries: int = 4
    """Learned questions, each of which becomes one text token."""
    n_layers: int = 1
    """Self-attention layers over the BERT's states."""
    n_heads: int = 4
    """Attention heads."""
    dropout: float = 0.1
    """Dropout inside the layers and on the states."""


@final
@dataclass(frozen=True, eq=False)
class TextReading:
    """Text tokens (batch,query,embed), the ratings read (batch,descriptor) and log diameter in mm (batch,)."""

    tokens: Float[Tensor, "batch query embed"]
    descriptors: Float[Tensor, "batch descriptor"]
    log_diameter: Float[Tensor, " batch"]


@final
class TextReader(nn.Module):
    """Projects BERT states, lets them attend to each other once, and asks learned questions of them."""

    def __init__(self, config: TextReaderConfig, bert_width: int, embed: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(bert_width, embed), nn.LayerNorm(embed))
        layer = nn.TransformerEncoderLayer(
            embed, config.n_heads, 2 * embed, config.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.attend = nn.TransformerEncoder(layer, config.n_layers, enable_nested_tensor=False)
        self.queries = nn.Parameter(torch.randn(config.n_queries, embed) * 0.1)
        self.ask = nn.MultiheadAttention(embed, config.n_heads, config.dropout, batch_first=True)
        self.norm = nn.LayerNorm(embed)
        self.descriptors = DescriptorHead(embed * config.n_queries)
        self.log_diameter = nn.Linear(embed * config.n_queries, 1)

    def forward(self, states: Float[Tensor, "batch token bert"], mask: Bool[Tensor, "batch token"]) -> TextReading:
        """Read a batch; rows without tokens give finite numbers that the presence mask hides later."""
        ignored = ~(mask | ~mask.any(dim=1, keepdim=True))
        hidden = self.attend(self.project(states), src_key_padding_mask=ignored)
        queries = self.queries.expand(states.shape[0], -1, -1)
        answers, _ = self.ask(queries, hidden, hidden, key_padding_mask=ignored, need_weights=False)
        tokens = self.norm(queries + answers)
        flat = tokens.flatten(1)
        return TextReading(tokens, self.descriptors(flat), self.log_diameter(flat).squeeze(1))
