"""The network that ranks candidates: trained on real nodules set into synthetic chests.

Positive are blobs in the middle of a lesion and of about its size; negative is everything else that is round in those
chests: branchings of vessels, the heart, the domes of the diaphragm, ribs. Real scans are kept for evaluation alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from diagnosis.candidates.finder import Proposals
from diagnosis.candidates.ranking import NetworkRanking
from diagnosis.record import RegionOfInterest

Floats = npt.NDArray[np.float64]
HIDDEN = (32, 16)
MEMBERS = 5
STEPS = 600
BATCH = 256
DROPOUT = 0.2
OFF_SIZE_WEIGHT = 0.3
"""Weight of blobs that lie in a lesion but are not the whole of it: negative, but no great mistake."""


@final
@dataclass(frozen=True, eq=False)
class BlobExamples:
    """Blobs of many chests: traits (blob,trait), is_lesion (blob,) 0 or 1, weight (blob,)."""

    traits: Floats
    is_lesion: Floats
    weight: Floats


def label_proposals(proposals: Proposals, lesions: Sequence[RegionOfInterest]) -> BlobExamples:
    """Which blobs are a lesion: middle within half its radius (or 3 mm), size within a factor of 2."""
    n = len(proposals.sized)
    centers = np.array([proposals.center_mm(i) for i in range(n)]).reshape(n, 3)
    sizes = np.array([proposals.diameter_mm(i) for i in range(n)])
    is_lesion, weight = np.zeros(n), np.ones(n)
    for lesion in lesions:
        diameter = lesion.diameter_mm or 0.0
        distance = np.linalg.norm(centers - np.array(lesion.center_mm), axis=1)
        ratio = sizes / diameter
        is_it = (distance <= max(3.0, diameter / 4)) & (ratio > 0.5) & (ratio < 2)
        is_lesion[is_it] = 1
        weight[(distance <= diameter / 2 + 2) & ~is_it] = OFF_SIZE_WEIGHT
    weight[is_lesion == 1] = 1
    return BlobExamples(proposals.traits, is_lesion, weight)


def join_examples(examples: Sequence[BlobExamples]) -> BlobExamples:
    """All in one."""
    return BlobExamples(
        np.concatenate([e.traits for e in examples]),
        np.concatenate([e.is_lesion for e in examples]),
        np.concatenate([e.weight for e in examples]),
    )


def fit_ranking(examples: BlobExamples, seed: int) -> NetworkRanking:
    """Train the ensemble; the same examples and seed give the same network."""
    center = np.median(examples.traits, axis=0)
    scale = np.maximum(examples.traits.std(axis=0), 1e-2)
    inputs = torch.tensor(np.clip((examples.traits - center) / scale, -4, 4), dtype=torch.float32)
    target = torch.tensor(examples.is_lesion, dtype=torch.float32)
    share = float(examples.is_lesion.mean())
    # Both kinds together weigh the same.
    balance = np.where(examples.is_lesion == 1, 0.5 / share, 0.5 / (1 - share))
    weight = torch.tensor(balance * examples.weight, dtype=torch.float32)
    generator = torch.Generator().manual_seed(seed)
    weights, biases = _empty_layers(inputs.shape[1], generator)
    optimizer = torch.optim.AdamW([*weights, *biases], lr=1e-2, weight_decay=0.03)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=STEPS)
    for _ in range(STEPS):
        # Each member draws blobs of its own: (member,blob).
        rows = torch.randint(len(inputs), (MEMBERS, BATCH), generator=generator)
        logits = _forward(inputs[rows], weights, biases, generator)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, target[rows], weight=weight[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch declares it so
        optimizer.step()
        schedule.step()
    return NetworkRanking(center, scale, tuple(_numpy(w) for w in weights), tuple(_numpy(b) for b in biases))


def _empty_layers(n_inputs: int, generator: torch.Generator) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Weights (member,in,out), drawn after He et al. (ICCV 2015), and biases (member,1,out) of all members at once."""
    widths = (n_inputs, *HIDDEN, 1)
    weights = [
        (torch.randn(MEMBERS, before, after, generator=generator) * (2 / before) ** 0.5).requires_grad_()
        for before, after in pairwise(widths)
    ]
    return weights, [torch.zeros(MEMBERS, 1, after, requires_grad=True) for after in widths[1:]]


def _forward(
    inputs: torch.Tensor, weights: list[torch.Tensor], biases: list[torch.Tensor], generator: torch.Generator
) -> torch.Tensor:
    """Logits while training, (member,blob,trait) to (member,blob)."""
    # Blurred traits: no single number is to be trusted to the last digit.
    hidden = inputs + 0.1 * torch.randn(inputs.shape, generator=generator)
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        hidden = torch.relu(torch.baddbmm(bias, hidden, weight))
        hidden = hidden * (torch.rand(hidden.shape, generator=generator) > DROPOUT) / (1 - DROPOUT)
    return torch.baddbmm(biases[-1], hidden, weights[-1])[..., 0]


def _numpy(tensor: torch.Tensor) -> Floats:
    return tensor.detach().numpy().astype(np.float64)
