"""Stage 1: the volume encoder learns from pixels.

Targets, all soft: the malignancy ratings of all readers as cumulative steps, the mean of their descriptors, the
diameter, and where the lesion is. The malignancy is asked twice, once with the diameter known and once without, so that
either is a valid input later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

from diagnosis.networks.volume_encoder import N_RATING_STEPS, VolumeEncoder
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.settings import process_count, process_rank
from diagnosis.training.augmentation import RegionAugmentation
from diagnosis.training.cohort import N_DESCRIPTORS, TrainingCase
from diagnosis.training.config import StageConfig, TrainConfig
from diagnosis.training.losses import descriptor_loss, soft_bce
from diagnosis.training.trainer import EpochSampler, Stage

DESCRIPTOR_WEIGHT, DIAMETER_WEIGHT, LESION_WEIGHT = 1.0, 0.3, 0.5


@final
@dataclass(frozen=True, eq=False)
class VolumeTargets:
    """Targets of one case or of a batch: (4,) rating steps, (8,) descriptors, log diameter; NaN where unknown."""

    steps: Tensor
    descriptors: Tensor
    log_diameter: Tensor


def targets_of(case: TrainingCase) -> VolumeTargets:
    """What all readers together say; for a cohort without readers, its soft label at every step, or several labels."""
    if case.readers:
        ratings = np.array([r.malignancy for r in case.readers])
        steps = [(ratings > step).mean() for step in range(1, N_RATING_STEPS + 1)]
        descriptors = np.nanmean([r.ratings for r in case.readers], axis=0)
    else:
        soft = [np.nan if target is None else target for target in case.soft_targets]
        steps = soft * N_RATING_STEPS if len(soft) == 1 else soft
        descriptors = np.full(N_DESCRIPTORS, np.nan)
    return VolumeTargets(
        torch.tensor(steps).float(),
        torch.from_numpy(descriptors).float(),
        torch.tensor(np.log(case.diameter_mm) if case.diameter_mm else np.nan).float(),
    )


def rating_of(case: TrainingCase) -> float:
    """Mean malignancy rating of all readers, 1 to 5; for a cohort without readers its main label on that scale."""
    if case.readers:
        return float(np.mean([reader.malignancy for reader in case.readers]))
    main = case.soft_targets[0]
    return np.nan if main is None else 1 + N_RATING_STEPS * main


@final
class RegionDataset(Dataset[tuple[Tensor, ...]]):
    """Cases with a region; an item is asked for by (epoch, index) and always the same for the same question."""

    def __init__(self, cases: Sequence[TrainingCase], config: TrainConfig, seed: int) -> None:
        self.cases = [case for case in cases if case.region is not None]
        self.targets = [targets_of(case) for case in self.cases]
        view = FieldOfView(config.data.shape, config.data.spacing_mm, config.network.volume_encoder.hu_range)
        self.augment = RegionAugmentation(config.augmentation, view)
        self.seed = seed

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, question: tuple[int, int]) -> tuple[Tensor, ...]:
        epoch, index = question
        case, targets = self.cases[index], self.targets[index]
        if case.region is None:
            msg = f"case {case.case_id} has no region"
            raise ValueError(msg)
        values, lesion = self.augment(case.region, (self.seed, epoch, index))
        has_lesion = torch.tensor(case.region.lesion is not None)
        diameter = torch.tensor(case.diameter_mm if case.diameter_mm else np.nan).float()
        return values, lesion, has_lesion, diameter, targets.steps, targets.descriptors, targets.log_diameter


def region_batches(dataset: RegionDataset, schedule: StageConfig, seed: int) -> DataLoader[Any]:
    """Batches of random views; the last incomplete batch of an epoch is left out (batch norm).

    Several processes share a batch: each takes its part of the cases. Where there are fewer cases than a batch takes,
    all of them are one.
    """
    sampler = EpochSampler(len(dataset), seed, process_rank(), process_count())
    size = max(2, min(schedule.batch_size // process_count(), len(sampler)))
    return DataLoader(dataset, size, sampler=sampler, drop_last=True)


def watched_batches(dataset: RegionDataset, schedule: StageConfig) -> DataLoader[Any]:
    """The same view of each region at every epoch, for early stopping."""
    questions: Any = [(0, index) for index in range(len(dataset))]
    return DataLoader(Subset(dataset, questions), schedule.batch_size)


@final
class VolumeStage(Stage):
    """Trains a `VolumeEncoder`."""

    def training_step(self, batch: list[Tensor], _index: int) -> Tensor:
        """Sum of all losses on one batch."""
        values, lesion, has_lesion, diameter, steps, descriptors, log_diameter = batch
        encoder = self.network
        if not isinstance(encoder, VolumeEncoder):
            msg = "the network of this stage is a VolumeEncoder"
            raise TypeError(msg)
        channels = encoder.windowed(values).contiguous(memory_format=torch.channels_last_3d)
        middle, features = encoder.backbone(channels)
        known = encoder.read(values, middle, features, diameter)
        unknown = encoder.read(values, middle, features, torch.full_like(diameter, float("nan")))
        loss = soft_bce(known.rating_logits, steps) + soft_bce(unknown.rating_logits, steps)
        loss = loss + DESCRIPTOR_WEIGHT * descriptor_loss(known.descriptors, descriptors)
        is_known = torch.isfinite(log_diameter)
        if is_known.any():
            loss = loss + DIAMETER_WEIGHT * nn.functional.smooth_l1_loss(
                known.log_diameter[is_known], log_diameter[is_known], beta=0.1
            )
        if has_lesion.any():
            depth, height, width = known.lesion_logits.shape[2:]
            target = nn.functional.adaptive_avg_pool3d(lesion, (depth, height, width))
            loss = loss + LESION_WEIGHT * nn.functional.binary_cross_entropy_with_logits(
                known.lesion_logits[has_lesion], target[has_lesion]
            )
        self.log("loss", loss, batch_size=len(values))
        return loss


def finding_logits(rating_logits: Tensor, n_findings: int) -> Tensor:
    """(case,finding): one logit made of the steps of a rating, or the logits of several findings as they are."""
    return malignancy_logit(rating_logits)[:, None] if n_findings == 1 else rating_logits.float()


def malignancy_logit(rating_logits: Tensor) -> Tensor:
    """One logit from the cumulative steps: the logit of their mean probability."""
    mean = torch.sigmoid(rating_logits.float()).mean(dim=1).clamp(1e-4, 1 - 1e-4)
    return torch.logit(mean)
