"""Every fusion method of the field behind one switch.

A fusion turns `ModalityTokens` into `FusionOutput`. The rules that all obey, and the tests check: an absent modality's
tokens cannot change the output; any subset is valid, the empty one included (it gives the base of the Shapley values);
the order of tokens within a modality is irrelevant; weights of present modalities sum to 1.

==============  ==============================================================================================
`attention`     a learned query attends across the tokens of all present modalities (default)
`concat`        pooled vectors side by side, a learned vector in place of an absent one
`weighted`      h = a h_ct + b h_note + c h_voice with a+b+c = 1, learned, renormalized over what is present
`gated`         each modality is scaled by a gate that sees all of them (Arevalo et al. 2017, arXiv:1702.01992)
`early`         all tokens joined before the deep layers: a transformer over the joint sequence
`late`          a head for each modality; their logits averaged over what is present
`hybrid`        early and late together, averaged
`shared`        layers shared across modalities, then the mean over what is present
==============  ==============================================================================================
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from diagnosis.errors import ConfigurationError
from diagnosis.networks.model_input import ModalityTokens
from diagnosis.vocabulary import MODALITIES

N_MODALITIES = len(MODALITIES)


@final
@dataclass(frozen=True, eq=False)
class FusionOutput:
    """Logits (batch,out), the fused vector (batch,embed) and the weight of each modality (batch,modality)."""

    logits: Float[Tensor, "batch out"]
    fused: Float[Tensor, "batch embed"]
    weights: Float[Tensor, "batch modality"]


@final
@dataclass(frozen=True)
class FusionConfig:
    """How modalities are joined."""

    method: str = "attention"
    """One of `FUSIONS`."""
    n_heads: int = 4
    """Attention heads, where the method has attention."""
    n_layers: int = 1
    """Attention layers, where the method has several."""
    dropout: float = 0.1
    """Dropout inside the fusion."""


class Fusion(nn.Module, ABC):
    """Joins the tokens of the modalities that are present."""

    @abstractmethod
    def forward(self, tokens: ModalityTokens) -> FusionOutput:
        """Fuse a batch."""


def _mlp(n_in: int, n_hidden: int, n_out: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, n_hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(n_hidden, n_out))


def presence_weights(
    scores: Float[Tensor, "batch modality"], is_present: Bool[Tensor, "batch modality"]
) -> Float[Tensor, "batch modality"]:
    """Softmax over the present modalities; zero for absent ones, and a zero row where nothing is present."""
    weights = torch.softmax(scores.masked_fill(~is_present, torch.finfo(scores.dtype).min), dim=1)
    return weights * is_present


@final
class AttentionFusion(Fusion):
    """Pre-norm cross-attention from a learned query onto the tokens of all present modalities.

    The query starts as a learned vector plus a learned vector for each absent modality: the network knows what it was
    not given. Where nothing is present, attention adds nothing and the query alone speaks.
    """

    def __init__(self, config: FusionConfig, embed: int, n_out: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.randn(embed) * 0.02)
        self.absent = nn.Parameter(torch.randn(N_MODALITIES, embed) * 0.02)
        self.modality = nn.Parameter(torch.randn(N_MODALITIES, embed) * 0.02)
        self.token_norm = nn.LayerNorm(embed)
        self.layers = nn.ModuleList(CrossAttentionLayer(config, embed) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(embed)
        self.head = _mlp(embed, embed, n_out, config.dropout)

    def forward(self, tokens: ModalityTokens) -> FusionOutput:
        """Fuse a batch."""
        joined, mask, owner = _joined(tokens, self.modality)  # (batch,token,embed) (batch,token) (token,)
        joined = self.token_norm(joined)
        query = self.query + (~tokens.is_present).to(joined.dtype) @ self.absent  # (batch,embed)
        weights = torch.zeros_like(mask, dtype=joined.dtype)
        for layer in self.layers:
            query, weights = layer(query, joined, mask)
        fused = self.norm(query)
        per_modality = weights @ nn.functional.one_hot(owner, N_MODALITIES).to(weights.dtype)
        return FusionOutput(self.head(fused), fused, per_modality)


@final
class CrossAttentionLayer(nn.Module):
    """One query per sample attends over tokens; the weights are returned, averaged over heads."""

    def __init__(self, config: FusionConfig, embed: int) -> None:
        super().__init__()
        self.n_heads = config.n_heads
        self.norm = nn.LayerNorm(embed)
        self.to_query, self.to_key, self.to_value, self.to_out = (nn.Linear(embed, embed) for _ in range(4))
        self.feed_norm = nn.LayerNorm(embed)
        self.feed = _mlp(embed, 2 * embed, embed, config.dropout)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        query: Float[Tensor, "batch embed"],
        tokens: Float[Tensor, "batch token embed"],
        mask: Bool[Tensor, "batch token"],
    ) -> tuple[Float[Tensor, "batch embed"], Float[Tensor, "batch token"]]:
        """Attend; a row whose mask is empty passes through the feed-forward part alone."""
        batch, n_tokens, embed = tokens.shape
        per_head = embed // self.n_heads
        q = self.to_query(self.norm(query)).view(batch, self.n_heads, 1, per_head)
        k = self.to_key(tokens).view(batch, n_tokens, self.n_heads, per_head).transpose(1, 2)
        v = self.to_value(tokens).view(batch, n_tokens, self.n_heads, per_head).transpose(1, 2)
        scores = (q @ k.transpose(2, 3)).squeeze(2) / per_head**0.5  # (batch,head,token)
        scores = scores.masked_fill(~mask[:, None, :], torch.finfo(scores.dtype).min)
        weights = torch.softmax(scores, dim=-1) * mask[:, None, :]  # an empty row becomes zero, not uniform
        attended = (weights[:, :, None, :] @ v).reshape(batch, embed)
        query = query + self.dropout(self.to_out(attended)) * mask.any(dim=1, keepdim=True)
        query = query + self.dropout(self.feed(self.feed_norm(query)))
        return query, weights.mean(dim=1)


def _joined(tokens: ModalityTokens, modality: Float[Tensor, "modality embed"]) -> tuple[Tensor, Tensor, Tensor]:
    """All tokens in one sequence, with their modality's embedding; their mask; the modality each belongs to."""
    parts = [part + modality[m] for m, part in enumerate(tokens.by_modality())]
    counts = [part.shape[1] for part in parts]
    owner = torch.repeat_interleave(torch.arange(N_MODALITIES), torch.tensor(counts)).to(modality.device)
    return torch.cat(parts, dim=1), tokens.is_present[:, owner], owner


def _even_weights(is_present: Bool[Tensor, "batch modality"]) -> Float[Tensor, "batch modality"]:
    return presence_weights(torch.zeros(is_present.shape, device=is_present.device), is_present)


@final
class ConcatFusion(Fusion):
    """Pooled vectors side by side through an MLP; a learned vector stands in for an absent modality."""

    def __init__(self, config: FusionConfig, embed: int, n_out: int) -> None:
        super().__init__()
        self.absent = nn.Parameter(torch.randn(N_MODALITIES, embed) * 0.02)
        self.deep = _mlp(N_MODALITIES * embed, 2 * embed, embed, config.dropout)
        self.head = nn.Linear(embed, n_out)

    def forward(self, tokens: ModalityTokens) -> FusionOutput:
        """Fuse a batch."""
        pooled = torch.where(tokens.is_present[:, :, None], tokens.pooled(), self.absent)
        fused = torch.tanh(self.deep(pooled.flatten(1)))
        return FusionOutput(self.head(fused), fused, _even_weights(tokens.is_present))


@final
class WeightedFusion(Fusion):
    """A learned convex combination of the pooled vectors, renormalized over what is present."""

    def __init__(self, config: FusionConfig, embed: int, n_out: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(N_MODALITIES))
        self.project = nn.ModuleList(nn.Linear(embed, embed) for _ in range(N_MODALITIES))
        self.head = _mlp(embed, embed, n_out, config.dropout)

    def forward(self, tokens: ModalityTokens) -> FusionOutput:
        """Fuse a batch."""
        weights = presence_weights(self.scores.expand_as(tokens.is_present.to(self.scores.dtype)), tokens.is_present)
        pooled = tokens.pooled()
        projected = torch.stack([layer(pooled[:, m]) for m, layer in enumerate(self.project)], dim=1)
        fused = (weights[:, :, None] * projected).sum(dim=1)
        return FusionOutput(self.head(fused), fused, weights)


@final
class GatedFusion(Fusion):
    """Gated multimodal unit: each modality's gate sees all pooled vectors and which of them are present."""

    def __init__(self, config: FusionConfig, embed: int, n_out: int) -> None:
        super().__init__()
        self.project = nn.ModuleList(nn.Linear(embed, embed) for _ in range(N_MODALITIES))
        self.gate = nn.Linear(N_MODALITIES * (embed + 1), N_MODALITIES * embed)
        self.head = _mlp(embed, embed, n_out, config.dropout)

    def forward(self, tokens: ModalityTokens) -> FusionOutput:
        """Fuse a batch."""
        pooled = tokens.pooled()
        batch, n_modalities, embed = pooled.shape
        seen = torch.cat([pooled.flatten(1), tokens.is_present.to(pooled.dtype)], dim=1)
        gates = torch.sigmoid(self.gate(seen)).view(batch, n_modalities, embed) * tokens.is_present[:, :, None]
        hidden = torch.stack([torch.tanh(layer(pooled[:, m])) for m, layer in enumerate(self.project)], dim=1)
        fused = (gates * hidden).sum(dim=1)
        strength = gates.mean(dim=2)
        weights = strength / strength.sum(dim=1, keepdim=True).clamp_min(1e-9)
        return FusionOutput(self.head(fused), fused, weights)


@final
class EarlyFusion(Fusion):
    """All tokens joined into one sequence before the deep layers: a transformer with a summary token."""

    def __init__(self, config: FusionConfig, embed: int, n_out: int) -> None:
        super().__init__()
        self.summary = nn.Parameter(torch.randn(embed) * 0.02)
        self.modality = nn.Parameter(torch.randn(N_MODALITIES, embed) * 0.02)
        layer = nn.TransformerEncoderLayer(
            embed, config.n_heads, 2 * embed, config.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.deep = nn.TransformerEncoder(layer, config.n_layers + 1, enable_nested_tensor=False)
        self.head = nn.Linear(embed, n_out)

    def forward(self, tokens: ModalityTokens) -> FusionOutput:
        """Fuse a batch."""
        joined, mask, _ = _joined(tokens, self.modality)
        summary = self.summary.expand(joined.shape[0], 1, -1)
        hidden_mask = torch.cat([torch.zeros_like(mask[:, :1]), ~mask], dim=1)  # True is ignored
        fused = self.deep(torch.cat([summary, joined], dim=1), src_key_padding_mask=hidden_mask)[:, 0]
        return FusionOutput(self.head(fused), fused, _even_weights(tokens.is_present))


@final
class LateFusion(Fusion):
    """A head for each modality; logits averaged over what is present, plus a learned base."""

    def __init__(self, config: FusionConfig, embed: int, n_out: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(_mlp(embed, embed, n_out, config.dropout) for _ in range(N_MODALITIES))
        self.base = nn.Parameter(torch.zeros(n_out))
        # Evidence adds up: the sum of what is present is scaled by a learned factor for each number of parts.
        self.log_scale = nn.Parameter(torch.zeros(N_MODALITIES + 1))

    def forward(self, tokens: ModalityTokens) -> FusionOutput:
        """Fuse a batch."""
        pooled = tokens.pooled()
        logits = torch.stack([head(pooled[:, m]) for m, head in enumerate(self.heads)], dim=1)
        weights = _even_weights(tokens.is_present)
        n_present = tokens.is_present.sum(dim=1)
        mean = (weights[:, :, None] * logits).sum(dim=1)
        fused = (weights[:, :, None] * pooled).sum(dim=1)
        return FusionOutput(self.base + mean * self.log_scale[n_present].exp()[:, None], fused, weights)


@final
class HybridFusion(Fusion):
    """Early and late fusion side by side; their logits averaged."""

    def __init__(self, config: FusionConfig, embed: int, n_out: int) -> None:
        super().__init__()
        self.early = EarlyFusion(config, embed, n_out)
        self.late = LateFusion(config, embed, n_out)

    def forward(self, tokens: ModalityTokens) -> FusionOutput:
        """Fuse a batch."""
        early, late = self.early(tokens), self.late(tokens)
        return FusionOutput((early.logits + late.logits) / 2, early.fused, late.weights)


@final
class SharedFusion(Fusion):
    """The same layers for every modality, then the mean over what is present."""

    def __init__(self, config: FusionConfig, embed: int, n_out: int) -> None:
        super().__init__()
        self.base = nn.Parameter(torch.zeros(embed))
        self.shared = _mlp(embed, 2 * embed, embed, config.dropout)
        self.head = nn.Linear(embed, n_out)

    def forward(self, tokens: ModalityTokens) -> FusionOutput:
        """Fuse a batch."""
        pooled = tokens.pooled()
        hidden = (pooled + self.shared(pooled)) * tokens.is_present[:, :, None]
        weights = _even_weights(tokens.is_present)
        fused = torch.tanh(self.base + (weights[:, :, None] * hidden).sum(dim=1))
        return FusionOutput(self.head(fused), fused, weights)


FUSIONS: dict[str, type[Fusion]] = {
    "attention": AttentionFusion,
    "concat": ConcatFusion,
    "weighted": WeightedFusion,
    "gated": GatedFusion,
    "early": EarlyFusion,
    "late": LateFusion,
    "hybrid": HybridFusion,
    "shared": SharedFusion,
}


def make_fusion(config: FusionConfig, embed: int, n_out: int) -> Fusion:
    """The fusion that `config.method` names.

    Raises:
        ConfigurationError: unknown method, or heads that do not divide the width.
    """
    if config.method not in FUSIONS:
        msg = f"fusion: {config.method!r} is not known; use one of {', '.join(FUSIONS)}"
        raise ConfigurationError(msg)
    if embed % config.n_heads:
        msg = f"fusion: {config.n_heads} heads do not divide a width of {embed}; change n_heads or embed_dim"
        raise ConfigurationError(msg)
    return FUSIONS[config.method](config, embed, n_out)
