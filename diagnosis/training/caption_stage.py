"""The caption decoder: from what encoders say of a CT that they have not seen to what its readers said of it."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from diagnosis.drafting.wording import PHRASES, describe
from diagnosis.networks.caption_decoder import PAD, CaptionConfig, CaptionDecoder
from diagnosis.networks.volume_encoder import VolumeEncoderConfig, standard_size
from diagnosis.training.cohort import Reader, TrainingCase
from diagnosis.training.fusion_stage import CtReadouts
from diagnosis.vocabulary import DESCRIPTORS

EPOCHS, BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY, LABEL_SMOOTHING = 30, 64, 2e-3, 0.05, 0.05
UNKNOWN_DIAMETER = 0.2
"""Share of steps in which the diameter is not told."""


def vocabulary() -> tuple[str, ...]:
    """Every word that `drafting.wording.describe` can use."""
    phrases = [phrase for levels in PHRASES.values() for phrase in levels]
    return tuple(sorted({word for phrase in [*phrases, ", nodule with"] for word in phrase.split()}))


def caption_of(reader: Reader) -> str:
    """What a reader said, in the wording of drafts."""
    ratings = {d.name: v for d, v in zip(DESCRIPTORS, reader.ratings, strict=True) if np.isfinite(v)}
    return describe({name: ratings[name] for name in PHRASES if name in ratings})


@final
@dataclass(frozen=True, eq=False)
class CaptionCases:
    """What a decoder learns from: readouts in several views, diameters, and the readers' captions of each case."""

    ct: CtReadouts
    diameters: Tensor
    captions: tuple[tuple[str, ...], ...]


def captions_of(cases: list[TrainingCase]) -> tuple[tuple[str, ...], ...]:
    """Each case's captions, one a reader."""
    return tuple(tuple(caption_of(reader) for reader in case.readers) for case in cases)


def fit_decoder(cases: CaptionCases, volume_encoder: VolumeEncoderConfig, seed: int) -> CaptionDecoder:
    """Train a decoder; each step shows a random view of each CT and what one of its readers said."""
    torch.manual_seed(seed)
    decoder = CaptionDecoder(CaptionConfig(vocabulary()), volume_encoder).train()
    rng = np.random.default_rng(seed)
    usable = np.array([i for i, said in enumerate(cases.captions) if said and bool(cases.ct.is_there[i])])
    size = min(BATCH_SIZE, len(usable))
    steps = EPOCHS * (len(usable) // size)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps, pct_start=0.15)
    for _ in range(steps):
        chosen = rng.choice(usable, size, replace=False)
        readouts, sizes = _views(cases, torch.from_numpy(chosen), rng)
        numbers = _padded([decoder.numbers_of(str(rng.choice(cases.captions[int(i)]))) for i in chosen])
        logits = decoder(readouts, sizes, numbers[:, :-1])
        loss = nn.functional.cross_entropy(
            logits.flatten(0, 1), numbers[:, 1:].flatten(), ignore_index=PAD, label_smoothing=LABEL_SMOOTHING
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch declares it so
        nn.utils.clip_grad_norm_(decoder.parameters(), 2.0)
        optimizer.step()
        cycle.step()
    return decoder.eval()


def _views(cases: CaptionCases, rows: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    view = torch.from_numpy(rng.integers(0, cases.ct.readouts.shape[2], len(rows)))
    is_told = torch.from_numpy(rng.random(len(rows)) >= UNKNOWN_DIAMETER)
    diameter = torch.where(is_told, cases.diameters[rows], torch.nan)
    told = torch.isfinite(diameter).long()
    readouts = cases.ct.readouts[rows, told, view].float()
    return readouts, standard_size(diameter, cases.ct.log_diameter[rows, view].float())


def _padded(numbers: list[list[int]]) -> Tensor:
    longest = max(len(row) for row in numbers)
    return torch.tensor([row + [PAD] * (longest - len(row)) for row in numbers])


def write_captions(decoder: CaptionDecoder, ct: CtReadouts, diameters: Tensor) -> list[str]:
    """Captions of centered CTs with their diameters told."""
    every = torch.arange(len(diameters))
    readouts = ct.readouts[every, torch.isfinite(diameters).long(), 0].float()
    return decoder.write(readouts, standard_size(diameters, ct.log_diameter[:, 0].float()))
