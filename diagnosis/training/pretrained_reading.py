"""The pretrained I3ResNet-152 on the regions of a cohort: frozen features, and its last stage trained on.

It is read once, in bfloat16 with its batch norms folded into the convolutions (cosine .9999 to float32), and what it
said is kept in the work folder. Two views of each region: the slab that the bundle's own encoder sees, and the whole
crop that is kept around a nodule.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from diagnosis.networks.pretrained_resnet import N_FEATURES, PretrainedResNet, as_pretrained_input, folded
from diagnosis.networks.volume_encoder import N_RATING_STEPS, standard_size
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.progress import OpenBar
from diagnosis.training.augmentation import centered
from diagnosis.training.cohort import Cohort, TrainingCase
from diagnosis.training.config import TrainConfig
from diagnosis.training.losses import soft_bce
from diagnosis.training.trainer import save_tensors
from diagnosis.training.volume_stage import malignancy_logit, targets_of

PCA_WIDTH = 32
"""Directions of the frozen features that the ridge reads beside the diameter."""
SIZE_WEIGHT = 3.0
"""Standard deviations that the log diameter counts beside whitened directions: the ridge should not shrink it away."""
STAGE_EPOCHS, STAGE_BATCH, STAGE_RATE = 6, 16, 1e-4
READ_AT_ONCE = 4
Floats = npt.NDArray[np.float64]


@final
@dataclass(frozen=True)
class PretrainedView:
    """What the pretrained network is shown of a region.

    Attributes:
        kind: the slab of the bundle's own encoder, or the whole crop.
        size: voxels along x, y, z to which it is enlarged, of 0.3 to 0.5 mm: what two processors can afford.
    """

    kind: Literal["slab", "crop"]
    size: tuple[int, int, int]

    def volumes(self, config: TrainConfig, cases: Sequence[TrainingCase]) -> Tensor:
        """(case,1,depth,height,width) in [0,1]."""
        view = FieldOfView(config.data.shape, config.data.spacing_mm, config.network.volume_encoder.hu_range)
        regions = [case.region for case in cases if case.region is not None]
        if self.kind == "slab":
            return torch.stack([centered(region, view) for region in regions])
        return torch.stack([torch.from_numpy(view.to_unit(r.hu.astype(np.float32)))[None] for r in regions])


SLAB, CROP = PretrainedView("slab", (96, 96, 16)), PretrainedView("crop", (96, 96, 32))


@final
@dataclass(frozen=True, eq=False)
class PretrainedReading:
    """What the network made of the regions.

    Attributes:
        features: (case,2048) of the frozen network.
        middle: float16 (case,1024,x,y,z), the maps after its third stage; None for the whole crop, where they are
            large and nothing is trained on them.
    """

    features: Tensor
    middle: Tensor | None


def read_with_pretrained(
    config: TrainConfig, cases: Sequence[TrainingCase], view: PretrainedView, open_bar: OpenBar
) -> PretrainedReading:
    """Put every region through the frozen network, or load what it said before.

    Raises:
        MissingDependencyError: the weights are not installed.
        BundleError: they are not the published ones.
    """
    names = " ".join(case.case_id for case in cases)
    key = hashlib.sha256(f"{names} {config.data} {view}".encode()).hexdigest()[:16]
    kept = Path(config.work) / "encoders" / f"i3resnet152_{view.kind}_{key}.pt"
    if kept.is_file():
        return PretrainedReading(**torch.load(kept, weights_only=True))
    volumes = view.volumes(config, cases)
    network = PretrainedResNet()
    early, late = (folded(part, torch.channels_last_3d) for part in (network.early, network.late))
    bar = open_bar(f"Reading regions with the pretrained network ({view.kind})")
    features, middles = [], []
    with torch.inference_mode():
        for chunk in torch.split(volumes, READ_AT_ONCE):
            enlarged = as_pretrained_input(chunk, config.network.volume_encoder.hu_range, view.size)
            middle = early(enlarged.bfloat16().contiguous(memory_format=torch.channels_last_3d))
            features.append(late(middle).float().mean(dim=(2, 3, 4)))
            middles += [middle.half().contiguous()] if view.kind == "slab" else []
            bar(min(len(features) * READ_AT_ONCE, len(volumes)), len(volumes))
    reading = PretrainedReading(torch.cat(features), torch.cat(middles) if middles else None)
    kept.parent.mkdir(parents=True, exist_ok=True)
    save_tensors(vars(reading), kept)
    return reading


def linear_probe(
    features: Tensor, diameters: Tensor | None, cases: Sequence[TrainingCase], cohort: Cohort, seed: int
) -> Floats:
    """(case,) out-of-fold answers of a ridge on the leading directions of features and, where told, the diameter.

    Learned from the cases whose target is known.
    """
    from sklearn.decomposition import PCA
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import StandardScaler

    values = features.double().numpy()
    size = np.zeros((len(values), 0))
    if diameters is not None:
        size = SIZE_WEIGHT * _log_size(diameters).double().numpy()
    targets = np.array([targets_of(case).steps.mean().item() for case in cases])
    answers = np.full(len(cases), np.nan)
    for fold in cohort.folds:
        inside = np.array([case.fold == fold for case in cases])
        learned = ~inside & np.isfinite(targets)
        width = min(PCA_WIDTH, int(learned.sum()), values.shape[1])
        scale, leading = StandardScaler(), PCA(width, whiten=True, random_state=seed)
        seen = leading.fit_transform(scale.fit_transform(values[learned]))
        unseen = leading.transform(scale.transform(values[inside]))
        ridge = RidgeCV(np.logspace(-1, 4, 11)).fit(np.hstack([seen, size[learned]]), targets[learned])
        answers[inside] = ridge.predict(np.hstack([unseen, size[inside]]))
    return answers


def tuned_last_stage(
    config: TrainConfig, cohort: Cohort, cases: Sequence[TrainingCase], middle: Tensor, open_bar: OpenBar
) -> Floats:
    """(case,) logits of the fourth stage trained on from its pretrained weights, on maps of the frozen third."""
    size = _log_size(torch.tensor([case.diameter_mm or np.nan for case in cases]))
    steps = torch.stack([targets_of(case).steps for case in cases])
    logits = np.full(len(cases), np.nan)
    bar = open_bar("Training the last stage of the pretrained network")
    for done, fold in enumerate(cohort.folds):
        kept = Path(config.work) / "encoders" / f"i3resnet152_last_stage_{fold}.pt"
        outside = [i for i, case in enumerate(cases) if case.fold != fold]
        inside = [i for i, case in enumerate(cases) if case.fold == fold]
        if not kept.is_file():
            save_tensors(_tune(middle, size, steps, (outside, inside), config.seed), kept)
        logits[inside] = torch.load(kept, weights_only=True).double().numpy()
        bar(done + 1, len(cohort.folds))
    return logits


def _log_size(diameters: Tensor) -> Tensor:
    return standard_size(diameters.float(), torch.zeros(len(diameters)))[:, :1]


def _tune(middle: Tensor, size: Tensor, steps: Tensor, split: tuple[list[int], list[int]], seed: int) -> Tensor:
    """Train on some cases; the malignancy logits (case,) of the others."""
    outside, inside = split
    torch.manual_seed(seed)
    late = PretrainedResNet().late.requires_grad_(requires_grad=True)
    head = nn.Linear(N_FEATURES + 1, N_RATING_STEPS)
    optimizer = torch.optim.AdamW([*late.parameters(), *head.parameters()], STAGE_RATE, weight_decay=0.05)
    n_at_once = min(STAGE_BATCH, len(outside))
    n_batches = len(outside) // n_at_once
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, STAGE_RATE, STAGE_EPOCHS * n_batches, pct_start=0.2)

    def answer(rows: list[int]) -> Tensor:
        # The normalization stays as it was learned on whole scans: the network is in evaluation mode.
        with torch.autocast("cpu", torch.bfloat16):
            pooled = late(middle[rows].float()).mean(dim=(2, 3, 4))
        dropped = nn.functional.dropout(pooled.float(), 0.3, torch.is_grad_enabled())
        logits: Tensor = head(torch.cat([dropped, size[rows]], dim=1))
        return logits

    for epoch in range(STAGE_EPOCHS):
        order = np.random.default_rng((seed, epoch)).permutation(outside)
        for start in range(0, n_batches * n_at_once, n_at_once):
            rows = order[start : start + n_at_once].tolist()
            optimizer.zero_grad()
            torch.autograd.backward(soft_bce(answer(rows), steps[rows]))
            optimizer.step()
            cycle.step()
    with torch.inference_mode():
        return malignancy_logit(torch.cat([answer(inside[i : i + 32]) for i in range(0, len(inside), 32)]))
