"""Image encoders on the same regions and folds: what each reads, and what it costs.

============================  =====================================================================================
`slab_se_resnet`              the bundle's 3D network (`volume_encoder.kind`): one a fold, from the work folder of a
                              run, else from the bundle that `out` names, else trained here
`measurements`                the ridge on densities, edge and outline, alone
`resnet10`                    MONAI's own network, trained here by the same schedule
`i3resnet152`                 the pretrained I3ResNet-152, frozen: a ridge on its features and the diameter
`i3resnet152_whole_crop`      the same on the whole crop and not on the slab
`i3resnet152_last_stage`      the same on the slab, with its fourth stage trained on
`slab_se_resnet+...`          mean of the standardized answers of two of them
============================  =====================================================================================

Every encoder is told the diameter; where it can do without, the second figure is what it reads untold. All but one see
the same thin slab: annotated crops end with the nodule, and where their padding begins tells its size. How much that
is, is measured: `padding` are trees that are shown the pattern of the padding and nothing else, on the slab (0.5: it
tells nothing) and on the whole crop. The whole scan cannot be given: the data set keeps crops.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from diagnosis.bundle.checksums import METADATA
from diagnosis.bundle.folder import load_bundle
from diagnosis.evaluation.metrics_file import Bootstrap, compare_with_baselines, evaluate_baselines
from diagnosis.evaluation.scores import SubsetScores
from diagnosis.explanation.memory import peak_memory
from diagnosis.networks.measurements import MeasuredReading
from diagnosis.networks.pretrained_resnet import PretrainedResNet, as_pretrained_input
from diagnosis.networks.volume_encoder import VolumeEncoder
from diagnosis.progress import OpenBar
from diagnosis.training.cohort import Cohort, TrainingCase
from diagnosis.training.config import TrainConfig
from diagnosis.training.encoders import fit_measured, load_volume_encoder, train_volume_encoder, volume_folder
from diagnosis.training.pretrained_reading import (
    CROP,
    SLAB,
    PretrainedView,
    linear_probe,
    read_with_pretrained,
    tuned_last_stage,
)
from diagnosis.training.volume_stage import malignancy_logit

Floats = npt.NDArray[np.float64]
N_TREES = 300


@final
@dataclass(frozen=True, eq=False)
class EncoderAnswers:
    """An encoder's answers on cases it has not seen, and what one region costs.

    Attributes:
        logits: (case,) out of fold; NaN without a region.
        ms: milliseconds a region alone in its batch, the best of some.
        mb: megabytes of weights and of the forward pass; None where the system does not say.
        untold: (case,) the same without the diameter, or None where there is no such answer.
    """

    logits: Floats
    ms: float
    mb: float | None
    untold: Floats | None = None


@final
@dataclass(eq=False)
class _Comparison:
    """A configuration, its cohort's cases with a region, and the encoders asked so far."""

    config: TrainConfig
    cohort: Cohort
    open_bar: OpenBar
    answers: dict[str, EncoderAnswers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cases = [case for case in self.cohort.cases if case.region is not None]
        self.diameters = torch.tensor([case.diameter_mm or np.nan for case in self.cases]).float()

    def pretrained(self, view: PretrainedView) -> EncoderAnswers:
        """A ridge on the features of the frozen network."""
        features = read_with_pretrained(self.config, self.cases, view, self.open_bar).features
        probe = partial(linear_probe, cases=self.cases, cohort=self.cohort, seed=self.config.seed)
        network = PretrainedResNet()
        volume = view.volumes(self.config, self.cases[:1])

        def forward() -> Tensor:
            hu_range = self.config.network.volume_encoder.hu_range
            found: Tensor = network(as_pretrained_input(volume, hu_range, view.size))
            return found

        cost = cost_of(forward, network)
        return EncoderAnswers(probe(features, self.diameters), *cost, probe(features, None))

    def tuned(self) -> EncoderAnswers:
        """The frozen network's fourth stage trained on; other weights, so the cost is the same."""
        middle = read_with_pretrained(self.config, self.cases, SLAB, self.open_bar).middle
        if middle is None:
            msg = "the maps of the slab are kept"
            raise ValueError(msg)
        logits = tuned_last_stage(self.config, self.cohort, self.cases, middle, self.open_bar)
        return replace(self.answers["i3resnet152"], logits=logits, untold=None)


def compare_image_encoders(config: TrainConfig, cohort: Cohort, open_bar: OpenBar) -> dict[str, Any]:
    """Train or load every encoder, and compare them; what was trained is kept in the work folder."""
    run = _Comparison(config, cohort, open_bar)
    cases, answers = run.cases, run.answers
    plan: dict[str, Callable[[], EncoderAnswers]] = {
        config.network.volume_encoder.kind: lambda: trained_encoder(config, cohort, cases),
        "measurements": lambda: measurements_alone(config, cohort, cases),
        "resnet10": lambda: trained_encoder(_as_resnet10(config), cohort, cases),
        "i3resnet152": lambda: run.pretrained(SLAB),
        "i3resnet152_whole_crop": lambda: run.pretrained(CROP),
        "i3resnet152_last_stage": run.tuned,
    }
    bar = open_bar("Comparing image encoders")
    for done, (name, answer) in enumerate(plan.items()):
        answers[name] = answer()
        bar(done + 1, len(plan))
    shipped = config.network.volume_encoder.kind
    for other in ("measurements", "i3resnet152", "i3resnet152_last_stage"):
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
    untold = {name: answer.untold[rows] for name, answer in answers.items() if answer.untold is not None}
    padding = {place: padding_alone(scored, config, place) for place in ("slab", "crop")}
    measured = evaluate_baselines(scores, values, bootstrap)
    differences = compare_with_baselines(shipped, scores, values, bootstrap)
    without = evaluate_baselines(scores, untold, bootstrap)
    return {
        "protocol": _protocol(scored, config),
        "encoders": {
            name: {
                "auroc": entry["auroc"],
                "first_minus_this": differences.get(f"{shipped}-vs-{name}"),
                "auroc_without_diameter": without[name]["auroc"] if name in without else None,
                "ms": round(answers[name].ms, 1) if name in answers else None,
                "mb": answers[name].mb if name in answers else None,
                "n": entry["n"],
            }
            for name, entry in measured.items()
        },
        "padding": {place: e["auroc"] for place, e in evaluate_baselines(scores, padding, bootstrap).items()},
    }


def _protocol(scored: Sequence[TrainingCase], config: TrainConfig) -> dict[str, Any]:
    return {
        "cases": len(scored),
        "folds": sorted({c.fold for c in scored}),
        "seed": config.seed,
        "input": f"slab of {config.data.shape} voxels at {config.data.spacing_mm} mm and the diameter",
        "pretrained_input": f"the same slab enlarged to {SLAB.size} voxels (x, y, z)",
        "whole_crop": f"all that is kept around a nodule, with its padding, enlarged to {CROP.size} voxels",
        "threads": torch.get_num_threads(),
    }


def padding_alone(cases: Sequence[TrainingCase], config: TrainConfig, place: str) -> Floats:
    """(case,) out-of-fold answers of trees that see which voxels were scanned, and nothing else.

    Args:
        cases: with a region and a label.
        config: names the field of view.
        place: `slab`, what the network sees: the cylinder inscribed in the field of view; `crop`, all that is kept.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    patterns = np.stack([_pattern(case, config, place) for case in cases])
    labels = np.array([case.labels[0] for case in cases])
    folds = np.array([case.fold for case in cases])
    answers = np.full(len(cases), np.nan)
    for fold in sorted(set(folds)):
        trees = ExtraTreesClassifier(N_TREES, min_samples_leaf=5, random_state=config.seed)
        trees.fit(patterns[folds != fold], labels[folds != fold])
        answers[folds == fold] = trees.predict_proba(patterns[folds == fold])[:, 1]
    return answers


def _pattern(case: TrainingCase, config: TrainConfig, place: str) -> npt.NDArray[np.bool_]:
    """Which voxels were scanned, flat."""
    if case.region is None:
        msg = f"case {case.case_id} has no region"
        raise ValueError(msg)
    scanned = case.region.is_scanned
    if place == "crop":
        return scanned.ravel()
    low = [(have - want) // 2 for have, want in zip(scanned.shape, config.data.shape, strict=True)]
    block = scanned[tuple(slice(a, a + n) for a, n in zip(low, config.data.shape, strict=True))]
    y, x = (np.abs(np.arange(n) - (n - 1) / 2) / (n / 2) for n in config.data.shape[1:])
    return np.asarray(block[:, np.hypot(y[:, None], x[None]) <= 1].ravel())


def trained_encoder(config: TrainConfig, cohort: Cohort, cases: Sequence[TrainingCase]) -> EncoderAnswers:
    """A `VolumeEncoder` of the configured kind, one a fold; trained here where neither run nor bundle has one."""
    volumes, diameters = _inputs(config, cases)
    logits, untold = np.full(len(cases), np.nan), np.full(len(cases), np.nan)
    encoders = _encoders_of_folds(config, cohort)
    for fold, encoder in encoders.items():
        rows = _rows(cases, fold, inside=True)
        for answers, told in ((logits, diameters[rows]), (untold, torch.full((len(rows),), torch.nan))):
            with torch.inference_mode():
                answers[rows] = malignancy_logit(encoder(volumes[rows], told).rating_logits).double().numpy()
    network = encoders[cohort.folds[0]]
    return EncoderAnswers(logits, *cost_of(lambda: network(volumes[:1], diameters[:1]), network), untold)


def _encoders_of_folds(config: TrainConfig, cohort: Cohort) -> dict[str, VolumeEncoder]:
    """The encoder that was trained without each fold."""
    folders = {fold: volume_folder(config, (fold,)) for fold in cohort.folds}
    missing = [fold for fold, folder in folders.items() if not (folder / "measured.pt").is_file()]
    if missing:
        shipped = encoders_of_bundle(config, cohort.folds)
        if shipped is not None:
            return shipped
    for fold in missing:
        train_volume_encoder(config, cohort.cases, (fold,))
    return {fold: load_volume_encoder(config, (fold,)) for fold in cohort.folds}


def encoders_of_bundle(config: TrainConfig, folds: Sequence[str]) -> dict[str, VolumeEncoder] | None:
    """Those of the bundle that `out` names: its members are the folds' networks, in the order of the folds.

    None where there is no bundle, or one of other folds, another encoder or another field of view.
    """
    if not config.out or not (Path(config.out) / METADATA).is_file():
        return None
    bundle = load_bundle(Path(config.out))
    members = bundle.network.classifiers()
    view = bundle.metadata.inputs.contract().view
    fits = (
        bundle.network.config.volume_encoder == config.network.volume_encoder
        and (view.shape, view.spacing_mm) == (config.data.shape, config.data.spacing_mm)
        and len(members) == len(folds)
    )
    if not fits:
        return None
    return {fold: member.volume_encoder.eval() for fold, member in zip(folds, members, strict=True)}


def _as_resnet10(config: TrainConfig) -> TrainConfig:
    """The same schedule in float32: in bfloat16 this network's loss stops being a number in its third epoch."""
    encoder = replace(config.network.volume_encoder, kind="resnet10", measured_spacing_mm=None)
    network = replace(config.network, volume_encoder=encoder)
    work = str(Path(config.work) / "encoders" / "resnet10")
    return replace(config, network=network, precision="32-true", work=work)


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


def _both(one: EncoderAnswers, other: EncoderAnswers) -> EncoderAnswers:
    """Mean of the standardized answers of two encoders; no label is asked."""
    logits = (_standardized(one.logits) + _standardized(other.logits)) / 2
    mb = None if one.mb is None or other.mb is None else one.mb + other.mb
    untold = None
    if one.untold is not None and other.untold is not None:
        untold = (_standardized(one.untold) + _standardized(other.untold)) / 2
    return EncoderAnswers(logits, one.ms + other.ms, mb, untold)


def _standardized(logits: Floats) -> Floats:
    return np.asarray((logits - np.nanmean(logits)) / np.nanstd(logits), dtype=np.float64)


def _inputs(config: TrainConfig, cases: Sequence[TrainingCase]) -> tuple[Tensor, Tensor]:
    """Centered views (case,1,depth,height,width) and diameters (case,)."""
    return SLAB.volumes(config, cases), torch.tensor([case.diameter_mm or np.nan for case in cases]).float()


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
