"""Losses: ordinal ratings, descriptors that may be missing, and alignment between modalities."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from diagnosis.errors import ConfigurationError
from diagnosis.vocabulary import DESCRIPTORS

TEMPERATURE = 0.1
MARGIN = 0.3


def masked_mean(loss: Float[Tensor, "..."], is_known: Bool[Tensor, "..."]) -> Tensor:
    """Mean over the known entries; zero (with a gradient) where none is known."""
    return (torch.where(is_known, loss, torch.zeros_like(loss))).sum() / is_known.sum().clamp_min(1)


def soft_bce(logits: Float[Tensor, "..."], targets: Float[Tensor, "..."]) -> Tensor:
    """Binary cross-entropy against soft targets; NaN targets are left out."""
    is_known = torch.isfinite(targets)
    loss = nn.functional.binary_cross_entropy_with_logits(
        logits, torch.where(is_known, targets, torch.zeros_like(targets)), reduction="none"
    )
    return masked_mean(loss, is_known)


def descriptor_loss(predicted: Float[Tensor, "batch descriptor"], ratings: Float[Tensor, "batch descriptor"]) -> Tensor:
    """Smooth L1 between ratings, each scaled to the width of its scale; NaN ratings are left out."""
    span = torch.tensor([len(d.levels) - 1.0 for d in DESCRIPTORS], device=predicted.device)
    is_known = torch.isfinite(ratings)
    difference = (predicted - torch.where(is_known, ratings, predicted.detach())) / span
    loss = nn.functional.smooth_l1_loss(difference, torch.zeros_like(difference), beta=0.1, reduction="none")
    return masked_mean(loss, is_known)


def alignment_loss(
    kind: str, embeddings: Float[Tensor, "batch modality embed"], is_present: Bool[Tensor, "batch modality"]
) -> Tensor:
    """Draws the modalities of one case together and those of different cases apart, averaged over pairs of modalities.

    `contrastive` is InfoNCE in both directions (Radford et al. 2021, arXiv:2103.00020); `pairwise` the margin loss of
    Hadsell et al. 2006; `triplet` takes the hardest negative in the batch (Faghri et al. 2018, arXiv:1707.05612);
    `cosine` only draws together.

    Raises:
        ConfigurationError: unknown kind.
    """
    losses = []
    n_modalities = embeddings.shape[1]
    for a in range(n_modalities):
        for b in range(a + 1, n_modalities):
            rows = is_present[:, a] & is_present[:, b]
            if rows.sum() > 1:
                losses.append(_pair_loss(kind, embeddings[rows, a], embeddings[rows, b]))
    return torch.stack(losses).mean() if losses else embeddings.sum() * 0


def _pair_loss(kind: str, left: Float[Tensor, "pair embed"], right: Float[Tensor, "pair embed"]) -> Tensor:
    similarity = left @ right.T
    own = similarity.diagonal()
    others = ~torch.eye(len(left), dtype=torch.bool, device=left.device)
    if kind == "contrastive":
        target = torch.arange(len(left), device=left.device)
        logits = similarity / TEMPERATURE
        return (nn.functional.cross_entropy(logits, target) + nn.functional.cross_entropy(logits.T, target)) / 2
    if kind == "pairwise":
        return (1 - own).pow(2).mean() + (similarity[others] - MARGIN).clamp_min(0).pow(2).mean()
    if kind == "triplet":
        hardest = similarity.masked_fill(~others, -2.0)
        along_rows = (MARGIN + hardest.max(dim=1).values - own).clamp_min(0).mean()
        along_columns = (MARGIN + hardest.max(dim=0).values - own).clamp_min(0).mean()
        return (along_rows + along_columns) / 2
    if kind == "cosine":
        return (1 - own).mean()
    msg = f"alignment: {kind!r} is not known; use contrastive, pairwise, triplet, cosine or none"
    raise ConfigurationError(msg)
