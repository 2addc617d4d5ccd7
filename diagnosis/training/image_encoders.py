"""Image encoders on the same regions and folds: what each reads, and what it costs.

============================  =====================================================================================
`slab_se_resnet`              the bundle's 3D network (`volume_encoder.kind`), trained here
`measurements`                the ridge on densities, edge and outline, alone
`resnet10`                    MONAI's own network, trained here by the same schedule
`i3resnet152`                 the pretrained I3ResNet-152, frozen: a ridge on its features and the diameter
`i3resnet152_last_stage`      the same with its fourth stage trained on
`slab_se_resnet+...`          mean of the standardized answers of two of them
============================  =====================================================================================

Every encoder is told the diameter and sees the same thin slab: annotated crops end with the nodule, and where their
padding begins tells its size (AUROC 0.88). For the same reason the pretrained network, which was made for whole scans,
cannot be given the whole volume here: there is none. It sees the slab, enlarged to `PRETRAINED_SIZE`.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from diagnosis.evaluation.metrics_file import Bootstrap, compare_with_baselines, evaluate_baselines
from diagnosis.evaluation.scores import SubsetScores
from diagnosis.explanation.memory import peak_memory
from diagnosis.networks.measurements import MeasuredReading
from diagnosis.networks.pretrained_resnet import N_FEATURES, PretrainedResNet, as_pretrained_input
from diagnosis.networks.volume_encoder import N_RATING_STEPS, VolumeEncoder, standard_size
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.training.augmentation import centered
from diagnosis.training.cohort import Cohort, TrainingCase
from diagnosis.training.config import TrainConfig
from diagnosis.training.encoders import OpenBar, fit_measured, load_volume_encoder, train_volume_encoder, volume_folder
from diagnosis.training.losses import soft_bce
from diagnosis.training.trainer import save_tensors
from diagnosis.training.volume_stage import malignancy_logit, targets_of

PRETRAINED_SIZE = (96, 96, 16)
"""Voxels along x, y, z to which the slab is enlarged; what two processors can afford."""
PCA_WIDTH = 32
"""Directions of the frozen features that the ridge reads beside the diameter."""
STAGE_EPOCHS, STAGE_BATCH, STAGE_RATE = 6, 16, 1e-4
Floats = npt.NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class EncoderAnswers:
    """An encoder's answers on cases it has not seen, and what one region costs.

    Attributes:
        logits: (case,) out of fold; NaN without a region.
        ms: milliseconds a region alone in its batch, the best of some.
        mb: megabytes of weights and of the forward pass; None where the system does not say.
    """

    logits: Floats
    ms: float
    mb: float | None


def compare_image_encoders(config: TrainConfig, cohort: Cohort, open_bar: OpenBar) -> dict[str, Any]:
    """Train or load every encoder, and compare them; what was trained is kept in the work folder."""
    cases = [case for case in cohort.cases if case.region is not None]
    answers: dict[str, EncoderAnswers] = {}
    plan: dict[str, Callable[[], EncoderAnswers]] = {
        config.network.volume_encoder.kind: lambda: trained_encoder(config, cohort, cases),
        "measurements": lambda: measurements_alone(config, cohort, cases),
        "resnet10": lambda: trained_encoder(_as_resnet10(config), cohort, cases),
        "i3resnet152": lambda: frozen_pretrained(config, cohort, cases, open_bar),
        "i3resnet152_last_stage": lambda: replace(
            answers["i3resnet152"], logits=tuned_pretrained(config, cohort, cases, open_bar)
        ),  # the same network with other weights: the same cost
    }
    bar = open_bar("Comparing image encoders")
    for done, (name, answer) in enumerate(plan.items()):
        answers[name] = answer()
        bar(done + 1, len(plan))
    shipped = config.network.volume_encoder.kind
    for other in ("measurements", "i3resnet152"):
        answers[f"{shipped}+{other}"] = _both(answers[shipped], answers[other])
    return encoder_table(cases, answers, config)


def encoder_table(
    cases: Sequence[TrainingCase], answers: dict[str, EncoderAnswers], config: TrainConfig
) -> dict[str, Any]:
    """AUROC of each encoder, its difference to the first, and its cost, on the scored cases."""
    rows = [i for i, case in enumerate(cases) if case.labels[0] is not None]
    scored = [cases[i] for i in rows]
    shipped = next(iter(answers))
    scores = SubsetScores.cross_fitted(
        [c.case_id for c in scored],
        [c.patient_id for c in scored],
        np.array([c.labels[0] for c in scored], dtype=np.float64),
        answers[shipped].logits[rows],
        [c.fold for c in scored],
    )
    bootstrap = Bootstrap(seed=config.seed)
    values = {name: answer.logits[rows] for name, answer in answers.items()}
    values["diameter"] = np.array([c.diameter_mm or np.nan for c in scored])
    measured = evaluate_baselines(scores, values, bootstrap)
    differences = compare_with_baselines(shipped, scores, values, bootstrap)
    return {
        "protocol": {
            "cases": len(scored),
            "folds": sorted({c.fold for c in scored}),
            "seed": config.seed,
            "input": f"slab of {config.data.shape} voxels at {config.data.spacing_mm} mm and the diameter",
            "pretrained_input": f"the same slab enlarged to {PRETRAINED_SIZE} voxels (x, y, z)",
            "whole_volume": "not possible: the regions are cropped around the nodule, and their padding tells its size",
            "threads": torch.get_num_threads(),
        },
        "encoders": {
            name: {
                "auroc": entry["auroc"],
                "first_minus_this": differences.get(f"{shipped}-vs-{name}"),
                "ms": round(answers[name].ms, 1) if name in answers else None,
                "mb": answers[name].mb if name in answers else None,
                "n": entry["n"],
            }
            for name, entry in measured.items()
        },
    }


def trained_encoder(config: TrainConfig, cohort: Cohort, cases: Sequence[TrainingCase]) -> EncoderAnswers:
    """A `VolumeEncoder` of the configured kind, one a fold; trained here where the work folder has none."""
    volumes, diameters = _inputs(config, cases)
    logits = np.full(len(cases), np.nan)
    encoder: VolumeEncoder | None = None
    for fold in cohort.folds:
        if not (volume_folder(config, (fold,)) / "measured.pt").is_file():
            train_volume_encoder(config, cohort.cases, (fold,))
        encoder = load_volume_encoder(config, (fold,))
        rows = _rows(cases, fold, inside=True)
        with torch.inference_mode():
            steps = encoder(volumes[rows], diameters[rows]).rating_logits
        logits[rows] = malignancy_logit(steps).double().numpy()
    if encoder is None:
        msg = "a cohort has folds"
        raise ValueError(msg)
    network = encoder.eval()
    return EncoderAnswers(logits, *cost_of(lambda: network(volumes[:1], diameters[:1]), network))


def _as_resnet10(config: TrainConfig) -> TrainConfig:
    encoder = replace(config.network.volume_encoder, kind="resnet10", measured_spacing_mm=None)
    network = replace(config.network, volume_encoder=encoder)
    return replace(config, network=network, work=str(Path(config.work) / "encoders" / "resnet10"))


def measurements_alone(config: TrainConfig, cohort: Cohort, cases: Sequence[TrainingCase]) -> EncoderAnswers:
    """The ridge on measurements, one a fold."""
    volumes, diameters = _inputs(config, cases)
    reading = MeasuredReading(config.data.spacing_mm[1], config.network.volume_encoder.hu_range)
    logits = np.full(len(cases), np.nan)
    for fold in cohort.folds:
        fit_measured(reading, [cases[i] for i in _rows(cases, fold, inside=False)], config, config.seed)
        rows = _rows(cases, fold, inside=True)
        with torch.inference_mode():
            logits[rows] = reading(volumes[rows], diameters[rows])[:, 0].double().numpy()
    return EncoderAnswers(logits, *cost_of(lambda: reading(volumes[:1], diameters[:1]), reading))


def middle_maps(config: TrainConfig, cases: Sequence[TrainingCase], open_bar: OpenBar) -> Tensor:
    """Maps of the pretrained network after its third stage, float16 (case,1024,x,y,z); kept in the work folder."""
    names = " ".join(case.case_id for case in cases)
    key = hashlib.sha256(f"{names} {config.data} {PRETRAINED_SIZE}".encode()).hexdigest()[:16]
    kept = Path(config.work) / "encoders" / f"i3resnet152_{key}.pt"
    if kept.is_file():
        maps: Tensor = torch.load(kept, weights_only=True)
        return maps
    volumes, _ = _inputs(config, cases)
    network = PretrainedResNet()
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    bar = open_bar("Reading regions with the pretrained network")
    found = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for done, chunk in enumerate(torch.split(volumes, 8)):
            enlarged = as_pretrained_input(chunk, config.network.volume_encoder.hu_range, PRETRAINED_SIZE)
            found.append(network.middle(enlarged.contiguous(memory_format=torch.channels_last_3d)).half())
            bar(min((done + 1) * 8, len(volumes)), len(volumes))
    kept.parent.mkdir(parents=True, exist_ok=True)
    save_tensors(torch.cat(found).contiguous(), kept)
    return torch.cat(found)


def frozen_pretrained(
    config: TrainConfig, cohort: Cohort, cases: Sequence[TrainingCase], open_bar: OpenBar
) -> EncoderAnswers:
    """A ridge on the leading directions of the frozen features and on the diameter."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import StandardScaler

    maps = middle_maps(config, cases, open_bar)
    network = PretrainedResNet()
    with torch.inference_mode():
        chunks = [network.late(chunk.float()).mean(dim=(2, 3, 4)) for chunk in torch.split(maps, 32)]
    features = torch.cat(chunks).double().numpy()
    volumes, diameters = _inputs(config, cases)
    size = standard_size(diameters, torch.zeros_like(diameters))[:, :1].double().numpy()
    targets = np.array([targets_of(case).steps.mean().item() for case in cases])
    logits = np.full(len(cases), np.nan)
    for fold in cohort.folds:
        outside, inside = _rows(cases, fold, inside=False), _rows(cases, fold, inside=True)
        scale, leading = StandardScaler(), PCA(PCA_WIDTH, whiten=True, random_state=config.seed)
        seen = leading.fit_transform(scale.fit_transform(features[outside]))
        ridge = RidgeCV(np.logspace(-1, 4, 11)).fit(np.hstack([seen, 3 * size[outside]]), targets[outside])
        unseen = leading.transform(scale.transform(features[inside]))
        logits[inside] = ridge.predict(np.hstack([unseen, 3 * size[inside]]))

    def forward() -> Tensor:
        enlarged = as_pretrained_input(volumes[:1], config.network.volume_encoder.hu_range, PRETRAINED_SIZE)
        found: Tensor = network(enlarged)
        return found

    return EncoderAnswers(logits, *cost_of(forward, network))


def tuned_pretrained(config: TrainConfig, cohort: Cohort, cases: Sequence[TrainingCase], open_bar: OpenBar) -> Floats:
    """(case,) logits of the fourth stage trained on from its pretrained weights, on maps of the frozen third."""
    maps = middle_maps(config, cases, open_bar)
    _, diameters = _inputs(config, cases)
    size = standard_size(diameters, torch.zeros_like(diameters))[:, :1].float()
    steps = torch.stack([targets_of(case).steps for case in cases])
    logits = np.full(len(cases), np.nan)
    bar = open_bar("Training the last stage of the pretrained network")
    for done, fold in enumerate(cohort.folds):
        kept = Path(config.work) / "encoders" / f"i3resnet152_last_stage_{fold}.pt"
        if not kept.is_file():
            rows, inside = _rows(cases, fold, inside=False), _rows(cases, fold, inside=True)
            answer = _tune(maps, size, steps, (rows, inside), config.seed)
            save_tensors(answer, kept)
        logits[_rows(cases, fold, inside=True)] = torch.load(kept, weights_only=True).double().numpy()
        bar(done + 1, len(cohort.folds))
    return logits


def _tune(maps: Tensor, size: Tensor, steps: Tensor, split: tuple[list[int], list[int]], seed: int) -> Tensor:
    """Train on some cases; the malignancy logits (case,) of the others."""
    outside, inside = split
    torch.manual_seed(seed)
    late = PretrainedResNet().late.requires_grad_(requires_grad=True)
    head = nn.Linear(N_FEATURES + 1, N_RATING_STEPS)
    optimizer = torch.optim.AdamW([*late.parameters(), *head.parameters()], STAGE_RATE, weight_decay=0.05)
    n_batches = len(outside) // STAGE_BATCH
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, STAGE_RATE, STAGE_EPOCHS * n_batches, pct_start=0.2)

    def answer(rows: list[int]) -> Tensor:
        # The normalization stays as it was learned on whole scans: the network is in evaluation mode.
        with torch.autocast("cpu", torch.bfloat16):
            pooled = late(maps[rows].float()).mean(dim=(2, 3, 4))
        logits: Tensor = head(
            torch.cat([nn.functional.dropout(pooled.float(), 0.3, torch.is_grad_enabled()), size[rows]], dim=1)
        )
        return logits

    for epoch in range(STAGE_EPOCHS):
        order = np.random.default_rng((seed, epoch)).permutation(outside)
        for start in range(0, n_batches * STAGE_BATCH, STAGE_BATCH):
            rows = order[start : start + STAGE_BATCH].tolist()
            optimizer.zero_grad()
            torch.autograd.backward(soft_bce(answer(rows), steps[rows]))
            optimizer.step()
            cycle.step()
    with torch.inference_mode():
        return malignancy_logit(torch.cat([answer(inside[i : i + 32]) for i in range(0, len(inside), 32)]))


def _both(one: EncoderAnswers, other: EncoderAnswers) -> EncoderAnswers:
    """Mean of the standardized answers of two encoders; no label is asked."""
    logits = (_standardized(one.logits) + _standardized(other.logits)) / 2
    mb = None if one.mb is None or other.mb is None else one.mb + other.mb
    return EncoderAnswers(logits, one.ms + other.ms, mb)


def _standardized(logits: Floats) -> Floats:
    return np.asarray((logits - np.nanmean(logits)) / np.nanstd(logits), dtype=np.float64)


def _inputs(config: TrainConfig, cases: Sequence[TrainingCase]) -> tuple[Tensor, Tensor]:
    """Centered views (case,1,depth,height,width) and diameters (case,)."""
    view = FieldOfView(config.data.shape, config.data.spacing_mm, config.network.volume_encoder.hu_range)
    volumes = torch.stack([centered(case.region, view) for case in cases if case.region is not None])
    return volumes, torch.tensor([case.diameter_mm or np.nan for case in cases]).float()


def _rows(cases: Sequence[TrainingCase], fold: str, *, inside: bool) -> list[int]:
    return [i for i, case in enumerate(cases) if (case.fold == fold) == inside]


@torch.inference_mode()
def cost_of(forward: Callable[[], Any], network: nn.Module, repeats: int = 5) -> tuple[float, float | None]:
    """Milliseconds of the fastest of some forward passes, and megabytes of weights and of one pass."""
    seconds = []
    forward()
    with peak_memory() as memory:
        for _ in range(repeats):
            start = time.perf_counter()
            forward()
            seconds.append(time.perf_counter() - start)
    weights = sum(p.numel() * p.element_size() for p in [*network.parameters(), *network.buffers()]) / 2**20
    return 1000 * min(seconds), None if memory.peak_mb is None else weights + memory.peak_mb
