"""Stage 2: the text reader learns to read descriptions of nodules from made-up ones, whose truth is known.

Unlimited random descriptors are put into words in many ways, with the errors of transcription in some; the reader must
give the descriptors and the diameter back. It sees no patient and no label here, so one reader serves all folds.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from diagnosis.networks.text_reader import LOG_MM_CENTER, LOG_MM_SPREAD, TextReader, TextReading, expected_rating
from diagnosis.phantom.free_prose import write_free_dictation, write_free_note
from diagnosis.phantom.phrases import Family
from diagnosis.phantom.rewording import reword
from diagnosis.phantom.wording import NoduleDescription, add_transcription_noise, write_dictation, write_note
from diagnosis.training.config import StageConfig
from diagnosis.training.text_bank import TextBank
from diagnosis.training.trainer import EpochBatches, Stage
from diagnosis.vocabulary import DESCRIPTORS

NATURAL_SHARES: dict[str, tuple[float, ...]] = {
    "subtlety": (1, 2, 4, 7, 9),
    "internal_structure": (96, 1.5, 1, 1.5),
    "calcification": (1, 1, 10, 2, 2, 84),
    "sphericity": (1, 5, 20, 22, 15),
    "margin": (4, 6, 10, 28, 34),
    "lobulation": (55, 24, 11, 6, 4),
    "spiculation": (65, 18, 8, 4, 5),
    "texture": (6, 3, 5, 12, 74),
}
"""Rough shares of the levels among radiologists' ratings; half of the made-up descriptions are uniform instead."""
FREE_SHARE = 0.5
"""Share of the made-up descriptions told in free prose."""


@final
@dataclass(frozen=True, eq=False)
class SyntheticTexts:
    """Texts with their truth: ratings (text,8), log diameter (text,); NaN where a text does not say."""

    texts: tuple[str, ...]
    ratings: Tensor
    log_diameter: Tensor


def make_synthetic_texts(n_texts: int, seed: int, family: Family) -> SyntheticTexts:
    """Random descriptions in random words: notes, dictations, dictations as they are misheard; half of them free prose.

    Wording that is kept out of training must stay out: free prose and plain words are of no family.
    """
    rng = random.Random(seed)  # noqa: S311 - not a secret
    texts, ratings, diameters = [], [], []
    for _ in range(n_texts):
        description = random_description(rng)
        kind = rng.choice(("note", "note", "dictation", "misheard", "misheard"))
        if family == "all" and rng.random() < FREE_SHARE:
            texts.append(render_free(description, rng, kind))
        else:
            share = rng.choice((0.0, 0.0, 0.6)) if family == "all" else 0.0
            texts.append(reword(render(description, rng, kind, family), rng, share))
        ratings.append(ratings_of(description))
        diameters.append(log_diameter_of(description))
    return SyntheticTexts(tuple(texts), torch.tensor(ratings), torch.tensor(diameters))


def ratings_of(description: NoduleDescription) -> list[float]:
    """The eight descriptors, NaN where not said."""
    return [float(getattr(description, d.name) or math.nan) for d in DESCRIPTORS]


def log_diameter_of(description: NoduleDescription) -> float:
    """Log of the diameter in mm, NaN where not said."""
    return math.log(description.diameter_mm) if description.diameter_mm else math.nan


def render(description: NoduleDescription, rng: random.Random, kind: str, family: Family) -> str:
    """A description as a note, as a dictation, or as a dictation after a transcriber's mistakes."""
    if kind == "note":
        return write_note(description, rng, family)
    spoken = write_dictation(description, rng, family)
    return add_transcription_noise(spoken, rng, rng.uniform(0.3, 2.0)) if kind == "misheard" else spoken


def render_free(description: NoduleDescription, rng: random.Random, kind: str) -> str:
    """The same in free prose."""
    if kind == "note":
        return write_free_note(description, rng)
    spoken = write_free_dictation(description, rng)
    return add_transcription_noise(spoken, rng, rng.uniform(0.3, 2.0)) if kind == "misheard" else spoken


def random_description(rng: random.Random) -> NoduleDescription:
    """What somebody might say of a nodule: levels as common as in life or uniform, some unsaid, any diameter."""
    is_uniform, unsaid = rng.random() < 0.5, rng.choice((0.0, 0.0, 0.1, 0.3, 0.6))
    ratings: dict[str, Any] = {}
    for descriptor in DESCRIPTORS:
        levels = range(1, len(descriptor.levels) + 1)
        weights = None if is_uniform or rng.random() < 0.15 else NATURAL_SHARES[descriptor.name]
        ratings[descriptor.name] = None if rng.random() < unsaid else rng.choices(levels, weights)[0]
    is_sized = rng.random() > unsaid / 2 + 0.02
    diameter = round(math.exp(rng.uniform(math.log(2.5), math.log(60))), 1) if is_sized else None
    return NoduleDescription(**ratings, diameter_mm=diameter)


@final
class TextBatches(EpochBatches):
    """Batches of texts of similar length, in an order drawn from (seed, epoch)."""

    def __init__(self, bank: TextBank, truth: SyntheticTexts, schedule: StageConfig, seed: int) -> None:
        self.bank, self.truth, self.seed = bank, truth, seed
        self.batch_size = min(schedule.batch_size, len(bank))

    def __len__(self) -> int:
        return len(self.bank) // self.batch_size

    def draw(self, epoch: int) -> Iterator[tuple[Tensor, ...]]:
        """The batches of an epoch."""
        rng = np.random.default_rng((self.seed, epoch))
        order = rng.permutation(len(self.bank))
        chunks = np.array_split(order, max(1, len(order) // (self.batch_size * 16)))
        similar = np.concatenate([chunk[np.argsort(self.bank.lengths[chunk])] for chunk in chunks])
        starts = np.arange(0, len(similar) - self.batch_size + 1, self.batch_size)
        for start in rng.permutation(starts):
            chosen = similar[start : start + self.batch_size]
            states, mask = self.bank.batch(chosen.tolist())
            yield states, mask, self.truth.ratings[chosen], self.truth.log_diameter[chosen]


@final
class TextStage(Stage):
    """Trains a `TextReader`."""

    def training_step(self, batch: tuple[Tensor, ...], _index: int) -> Tensor:
        """Descriptors and diameter against what the text says."""
        states, mask, ratings, log_diameter = batch
        reader = self.network
        if not isinstance(reader, TextReader):
            msg = "the network of this stage is a TextReader"
            raise TypeError(msg)
        loss = reading_loss(reader(states, mask), ratings, log_diameter)
        self.log("loss", loss, batch_size=len(states))
        return loss


def reading_loss(reading: TextReading, ratings: Tensor, log_diameter: Tensor) -> Tensor:
    """What was read against what the text says: level or "not said", near misses cost less than far ones, and size."""
    loss = torch.zeros(())
    for index, (descriptor, logits) in enumerate(zip(DESCRIPTORS, reading.level_logits, strict=True)):
        said = torch.isfinite(ratings[:, index])
        level = torch.nan_to_num(ratings[:, index]).round().long()  # 0 is "not said"
        loss = loss + nn.functional.cross_entropy(logits.float(), level, label_smoothing=0.05)
        if descriptor.name not in NOMINAL and said.any():
            expected = expected_rating(logits.float()[said])
            loss = loss + 0.3 * nn.functional.smooth_l1_loss(expected, ratings[said, index], beta=0.5)
    is_sized = torch.isfinite(log_diameter)
    size = reading.size.float()
    loss = loss + nn.functional.binary_cross_entropy_with_logits(size[:, 1], is_sized.float())
    if is_sized.any():
        true = (log_diameter[is_sized] - LOG_MM_CENTER) / LOG_MM_SPREAD
        loss = loss + 4 * nn.functional.smooth_l1_loss(size[is_sized, 0], true, beta=0.2)
    return loss


NOMINAL = {"internal_structure", "calcification"}
"""Descriptors whose levels have no order."""
