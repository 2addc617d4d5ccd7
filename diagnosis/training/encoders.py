"""Stages 1 and 2 on a cohort: one text reader, a volume encoder for each fold and for each pair of folds."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diagnosis.networks.heads import make_constant
from diagnosis.networks.measurements import MeasuredReading
from diagnosis.networks.text_encoder import FrozenBert, load_tokenizer
from diagnosis.networks.text_reader import TextReader, TextSummary, make_text_reader
from diagnosis.networks.volume_encoder import LOG_CENTER, VolumeEncoder
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.progress import OpenBar
from diagnosis.settings import process_count
from diagnosis.training.augmentation import RegionAugmentation, centered
from diagnosis.training.cohort import Cohort, TrainingCase
from diagnosis.training.config import TrainConfig
from diagnosis.training.fusion_stage import CtReadouts
from diagnosis.training.processes import is_first, wait_for_all
from diagnosis.training.text_bank import encode_texts
from diagnosis.training.text_stage import TextBatches, TextStage, make_synthetic_texts
from diagnosis.training.trainer import (
    VALIDATION_SHARE,
    FirstEpoch,
    fit_stage,
    save_tensors,
    validation_patients,
)
from diagnosis.training.volume_stage import (
    RegionDataset,
    VolumeStage,
    VolumeTargets,
    rating_of,
    region_batches,
    targets_of,
    watched_batches,
)

RIDGE_PENALTY = 200.0
"""In cases, of which a fold has about 1,300 with their second look; 100 to 400 measured the same within 0.001."""
READ_NOISE_HU = 10.0
"""Most noise in the views that the fusion learns from: the encoders have learned to bear more."""
DIAMETER_NOISE = 0.1
"""Standard deviation of the log diameter between two who measure a lesion."""


def train_text_reader(config: TrainConfig, bert: FrozenBert, open_bar: OpenBar) -> TextReader | TextSummary:
    """Stage 2; one reader for all folds, since it sees no patient. A summary has nothing to learn before the fusion."""
    torch.manual_seed(config.seed)
    reader = make_text_reader(config.network.text_reader, bert.width, config.network.embed_dim)
    if isinstance(reader, TextSummary):
        return reader.eval()
    folder = Path(config.work) / "text"
    stage = TextStage(reader, config.text, config.seed)
    batches: Any = ()
    validation: Any = None
    if not (folder / "final.pt").is_file():
        bar = open_bar("Reading made-up descriptions with the BERT")
        batches = _text_batches(config, config.synthetic_texts, config.seed, (bert, bar))
        if config.text.patience:
            n_kept = max(config.text.batch_size, round(VALIDATION_SHARE * config.synthetic_texts))
            validation = FirstEpoch(_text_batches(config, n_kept, config.seed + 1, (bert, bar)))
    fit_stage(stage, batches, config, folder, open_bar("Training the text reader"), validation)
    return reader.eval()


def _text_batches(config: TrainConfig, n_texts: int, seed: int, how: tuple[FrozenBert, Any]) -> TextBatches:
    """Batches of made-up descriptions, already read by the BERT."""
    bert, bar = how
    truth = make_synthetic_texts(n_texts, seed, config.family)
    encoder = config.network.text_encoder
    bank = encode_texts(truth.texts, bert, load_tokenizer(encoder), encoder.max_tokens, bar)
    return TextBatches(bank, truth, config.text, config.seed)


def excluded_sets(folds: Sequence[str]) -> list[tuple[str, ...]]:
    """What volume encoders are trained without: each fold, and each pair of folds.

    The encoder without folds j and k says what the fusion of fold k learns from the cases of fold j, and the other way
    round: neither it nor the fusion has seen the cases that fold k is measured on.
    """
    return [(fold,) for fold in folds] + list(combinations(folds, 2))


def train_volume_encoders(config: TrainConfig, cohort: Cohort, open_bar: OpenBar) -> None:
    """Stage 1 for every excluded set, `config.workers` at a time, each in a process of its own.

    Where torchrun has started several processes, all of them train one encoder after the other together.
    """
    todo = [e for e in excluded_sets(cohort.folds) if not (volume_folder(config, e) / "measured.pt").is_file()]
    bar = open_bar("Training volume encoders")
    if config.workers == 1 or process_count() > 1:
        for done, excluded in enumerate(todo):
            train_volume_encoder(config, cohort.cases, excluded)
            bar(done + 1, len(todo))
        return
    with ProcessPoolExecutor(
        config.workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(config, cohort.cases)
    ) as pool:
        futures = [pool.submit(_train_in_worker, excluded) for excluded in todo]
        for done, future in enumerate(as_completed(futures)):
            future.result()
            bar(done + 1, len(todo))


_worker: dict[str, Any] = {}
"""What a worker process was started with; sent once, not with each job."""


def _start_worker(config: TrainConfig, cases: tuple[TrainingCase, ...]) -> None:
    torch.set_num_threads(1)
    _worker.update(config=config, cases=cases)


def _train_in_worker(excluded: tuple[str, ...]) -> None:
    train_volume_encoder(_worker["config"], _worker["cases"], excluded)


def volume_folder(config: TrainConfig, excluded: tuple[str, ...]) -> Path:
    """Where the encoder trained without these folds lies."""
    return Path(config.work) / "volume" / ("without_" + "_".join(sorted(excluded)))


def train_volume_encoder(config: TrainConfig, cases: Sequence[TrainingCase], excluded: tuple[str, ...]) -> None:
    """Stage 1 without some folds."""
    seed = config.seed + sum(ord(c) for fold in excluded for c in fold)
    torch.manual_seed(seed)
    encoder = VolumeEncoder(config.network.volume_encoder, config.network.embed_dim)
    dataset = RegionDataset([case for case in cases if case.fold not in excluded], config, seed)
    _leave_untaught(encoder, dataset.targets)
    learned, validation = dataset, None
    if config.volume.patience:
        kept = validation_patients([case.patient_id for case in dataset.cases], seed)
        learned = RegionDataset([case for case in dataset.cases if case.patient_id not in kept], config, seed)
        watched = RegionDataset([case for case in dataset.cases if case.patient_id in kept], config, seed)
        validation = watched_batches(watched, config.volume)
    batches = region_batches(learned, config.volume, seed)
    folder = volume_folder(config, excluded)
    fit_stage(VolumeStage(encoder, config.volume, seed), batches, config, folder, _silent, validation)
    measured = {}
    if encoder.measured is not None:
        fit_measured(encoder.measured, dataset.cases, config, seed)
        measured = encoder.measured.state_dict()
    if is_first():
        save_tensors(measured, folder / "measured.pt")
    wait_for_all()


def _leave_untaught(encoder: VolumeEncoder, targets: Sequence[VolumeTargets]) -> None:
    """Heads that no case has a target for are constant: the fusion must not learn from what they say at random."""
    if not any(torch.isfinite(t.descriptors).any() for t in targets):
        make_constant(encoder.descriptors.linear, 0.0)
    if not any(torch.isfinite(t.log_diameter) for t in targets):
        make_constant(encoder.log_diameter, LOG_CENTER)


def fit_measured(reading: MeasuredReading, cases: Sequence[TrainingCase], config: TrainConfig, seed: int) -> None:
    """Fit the measured reading on the centered views, with the diameter as it is and as another might measure it."""
    view = FieldOfView(config.data.shape, config.data.spacing_mm, config.network.volume_encoder.hu_range)
    chosen = [case for case in cases if case.region is not None and case.diameter_mm]
    if not chosen:
        return
    volumes = torch.stack([centered(case.region, view) for case in chosen if case.region is not None])
    diameters = torch.tensor([case.diameter_mm for case in chosen]).float()
    ratings = torch.stack([torch.tensor([rating_of(c), *targets_of(c).descriptors.tolist()]) for c in chosen])
    weights = torch.tensor([max(1, len(case.readers)) for case in chosen]).float().sqrt()
    noise = torch.randn(len(chosen), generator=torch.Generator().manual_seed(seed)) * DIAMETER_NOISE
    measured = [reading.measure(volumes, diameters), reading.measure(volumes, diameters * noise.exp())]
    reading.fit(torch.cat(measured), ratings.repeat(2, 1), weights.repeat(2), RIDGE_PENALTY)


def _silent(_done: int, _total: int) -> None:
    """A worker has no bar of its own."""


def load_volume_encoder(config: TrainConfig, excluded: tuple[str, ...]) -> VolumeEncoder:
    """A trained encoder, in evaluation mode; its token layers are still as they were made: the fusion trains them."""
    encoder = VolumeEncoder(config.network.volume_encoder, config.network.embed_dim)
    folder = volume_folder(config, excluded)
    trained = torch.load(folder / "final.pt", weights_only=True)
    kept = {name: value for name, value in encoder.state_dict().items() if name.startswith(("tokens.", "measured."))}
    encoder.load_state_dict({**trained, **kept})
    if encoder.measured is not None:
        encoder.measured.load_state_dict(torch.load(folder / "measured.pt", weights_only=True))
    return encoder.eval()


@torch.inference_mode()
def read_regions(
    encoder: VolumeEncoder, cases: Sequence[TrainingCase], config: TrainConfig, n_views: int
) -> CtReadouts:
    """Readouts of regions: the centered view alone for `n_views` = 1, else as many random views."""
    view = FieldOfView(config.data.shape, config.data.spacing_mm, config.network.volume_encoder.hu_range)
    augment = RegionAugmentation(
        replace(config.augmentation, noise_hu=min(config.augmentation.noise_hu, READ_NOISE_HU)), view
    )
    diameters = torch.tensor([case.diameter_mm or np.nan for case in cases]).float()
    readouts, log_diameters = [], []
    for turn in range(n_views):
        values = torch.stack(
            [
                torch.zeros(1, *view.shape)
                if case.region is None
                else (centered(case.region, view) if n_views == 1 else augment(case.region, (config.seed, turn, i))[0])
                for i, case in enumerate(cases)
            ]
        )
        parts = []
        for chunk, diameter in zip(torch.split(values, 64), torch.split(diameters, 64), strict=True):
            middle, features = encoder.backbone(encoder.windowed(chunk))
            unknown = encoder.read(chunk, middle, features, torch.full_like(diameter, torch.nan))
            known = encoder.read(chunk, middle, features, diameter)
            parts.append((torch.stack([unknown.readouts, known.readouts], dim=1), known.log_diameter))
        readouts.append(torch.cat([p[0] for p in parts]))
        log_diameters.append(torch.cat([p[1] for p in parts]))
    is_there = torch.tensor([case.region is not None for case in cases])
    return CtReadouts(torch.stack(readouts, dim=2), torch.stack(log_diameters, dim=1), is_there)
