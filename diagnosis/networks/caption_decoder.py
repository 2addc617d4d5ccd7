"""A small attention decoder from CT tokens to words: says of a nodule what readers would say of it.

The tokens are made, as for the fusion, of what the volume encoder read of the region, at its places, and of its size.
Words are those of `drafting.wording`; a start and an end sign stand before and after them.
"""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from diagnosis.networks.volume_encoder import VolumeEncoderConfig, VolumeTokens

PAD, START, END = 0, 1, 2
N_SIGNS = 3


@final
@dataclass(frozen=True)
class CaptionConfig:
    """Shape of the decoder."""

    words: tuple[str, ...]
    """Its vocabulary, without the signs."""
    embed: int = 64
    """Width of tokens and words."""
    n_layers: int = 2
    """Decoder layers."""
    n_heads: int = 4
    """Attention heads."""
    dropout: float = 0.2
    """While training."""
    longest: int = 64
    """Most words of a caption, the signs included."""


@final
class CaptionDecoder(nn.Module):
    """Words attend to earlier words and to the CT's tokens."""

    def __init__(self, config: CaptionConfig, volume_encoder: VolumeEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = VolumeTokens(volume_encoder, config.embed)
        self.words = nn.Embedding(len(config.words) + N_SIGNS, config.embed, padding_idx=PAD)
        self.places = nn.Parameter(torch.randn(config.longest, config.embed) * 0.02)
        layer = nn.TransformerDecoderLayer(
            config.embed, config.n_heads, 4 * config.embed, config.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerDecoder(layer, config.n_layers, nn.LayerNorm(config.embed))
        self.out = nn.Linear(config.embed, len(config.words) + N_SIGNS)
        known = {word: number for number, word in enumerate(config.words, start=N_SIGNS)}
        self._number_of = known

    def forward(
        self,
        readouts: Float[Tensor, "batch place readout"],
        size: Float[Tensor, "batch 2"],
        numbers: Int[Tensor, "batch word"],
    ) -> Float[Tensor, "batch word vocabulary"]:
        """Logits of the next word after each of `numbers`."""
        length = numbers.shape[1]
        words = self.words(numbers) + self.places[:length]
        later: Bool[Tensor, "word word"] = torch.ones(length, length, dtype=torch.bool).triu(1)
        read = self.layers(words, self.tokens(readouts, size), tgt_mask=later, tgt_key_padding_mask=numbers == PAD)
        logits: Tensor = self.out(read)
        return logits

    def numbers_of(self, text: str) -> list[int]:
        """A text as word numbers between the signs.

        Raises:
            ValueError: a word outside the vocabulary, or too many words.
        """
        words = text.split()
        unknown = [word for word in words if word not in self._number_of]
        if unknown or len(words) + 2 > self.config.longest:
            msg = f"caption: {len(words)} words, of which {len(unknown)} are not in the vocabulary; use its wording"
            raise ValueError(msg)
        return [START, *(self._number_of[word] for word in words), END]

    @torch.inference_mode()
    def write(self, readouts: Float[Tensor, "batch place readout"], size: Float[Tensor, "batch 2"]) -> list[str]:
        """The likeliest next word, again and again."""
        numbers = torch.full((len(readouts), 1), START)
        is_done = torch.zeros(len(readouts), dtype=torch.bool)
        for _ in range(self.config.longest - 1):
            chosen = self(readouts, size, numbers)[:, -1].argmax(dim=1)
            chosen = torch.where(is_done, torch.full_like(chosen, PAD), chosen)
            numbers = torch.cat([numbers, chosen[:, None]], dim=1)
            is_done |= chosen == END
            if bool(is_done.all()):
                break
        return [" ".join(self.config.words[n - N_SIGNS] for n in row if n >= N_SIGNS) for row in numbers.tolist()]
