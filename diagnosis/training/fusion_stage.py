"""Stage 3: the fusion, trained in seconds on what the frozen encoders say.

For each training case and step a view of its CT, a note by one reader and a dictation by another are drawn, parts are
hidden at random, and the target is what the *remaining* readers think: nobody who describes also labels. The CT's
readouts come from an encoder that was trained without the case, so that the fusion learns how far to trust a CT it has
not seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self, final

import numpy as np
import torch
from torch import Tensor

from diagnosis.networks.classifier import FusionClassifier
from diagnosis.networks.model_input import ModalityTokens
from diagnosis.networks.volume_encoder import standard_size
from diagnosis.preprocessing.batch import SILENT_FRAMES
from diagnosis.training.cohort import N_DESCRIPTORS, TrainingCase, soft_malignancy
from diagnosis.training.config import FusionLossConfig, StageConfig
from diagnosis.training.losses import alignment_loss, descriptor_loss, soft_bce
from diagnosis.training.trainer import EpochBatches, Stage
from diagnosis.vocabulary import MODALITIES

UNKNOWN_DIAMETER = 0.3
"""Share of training steps in which the diameter is not told."""


@final
@dataclass(frozen=True, eq=False)
class CtReadouts:
    """What an encoder that has not seen them says of the cases' regions, in several random views.

    Attributes:
        readouts: (case,2,view,place,readout); the second axis is whether the diameter was told.
        log_diameter: (case,view) as read from the image.
        is_there: (case,) whether the case has a CT.
    """

    readouts: Tensor
    log_diameter: Tensor
    is_there: Tensor

    def select(self, rows: list[int]) -> Self:
        """Readouts of some cases."""
        return replace(
            self, readouts=self.readouts[rows], log_diameter=self.log_diameter[rows], is_there=self.is_there[rows]
        )


@final
@dataclass(frozen=True, eq=False)
class CaseTexts:
    """Texts of one case: for each reader (or for -1, the case's own) the rows of its notes and of its dictations."""

    notes: dict[int, list[int]]
    voices: dict[int, list[int]]


class FusionBatch(NamedTuple):
    """What stage 3 sees in a step; a tuple, since Lightning moves tuples between devices and refuses frozen classes."""

    readouts: Tensor
    log_diameter: Tensor
    diameter_mm: Tensor
    note: Tensor
    voice: Tensor
    is_present: Tensor
    targets: Tensor
    branch_targets: Tensor
    descriptors: Tensor
    sounds: tuple[Tensor, ...] = ()
    """(mel,frame) of each case for an acoustic branch; without elements where there is no recording."""


@final
class FusionBatches(EpochBatches):
    """Draws batches from (seed, epoch)."""

    def __init__(
        self,
        cases: Sequence[TrainingCase],
        ct: CtReadouts,
        texts: Sequence[CaseTexts],
        answers: Tensor,
        schedule: StageConfig,
        options: tuple[FusionLossConfig, int],
    ) -> None:
        self.cases, self.ct, self.texts, self.answers = cases, ct, texts, answers
        self.batch_size = min(schedule.batch_size, len(cases))
        self.options, self.seed = options
        self.descriptors = torch.stack([_mean_descriptors(case) for case in cases])
        self.diameters = torch.tensor([case.diameter_mm or np.nan for case in cases]).float()

    def __len__(self) -> int:
        return len(self.cases) // self.batch_size

    def draw(self, epoch: int) -> Iterator[FusionBatch]:
        """The batches of an epoch."""
        rng = np.random.default_rng((self.seed, epoch))
        order = rng.permutation(len(self.cases))
        for start in range(0, len(order) - self.batch_size + 1, self.batch_size):
            yield self._batch(order[start : start + self.batch_size], rng)

    def _batch(self, chosen: "np.ndarray[tuple[int], np.dtype[np.int64]]", rng: np.random.Generator) -> FusionBatch:
        drawn = [self._draw(int(index), rng) for index in chosen]
        n_views = self.ct.readouts.shape[2]
        view = rng.integers(0, n_views, len(chosen))
        is_told = rng.random(len(chosen)) >= UNKNOWN_DIAMETER
        diameter = torch.where(torch.from_numpy(is_told), self.diameters[chosen], torch.nan)
        told = torch.isfinite(diameter).long()
        rows = torch.from_numpy(chosen)
        return FusionBatch(
            readouts=self.ct.readouts[rows, told, torch.from_numpy(view)].float(),
            log_diameter=self.ct.log_diameter[rows, torch.from_numpy(view)].float(),
            diameter_mm=diameter,
            note=self.answers[[max(d.note, 0) for d in drawn]].float(),
            voice=self.answers[[max(d.voice, 0) for d in drawn]].float(),
            is_present=torch.tensor([d.is_present for d in drawn]),
            targets=torch.tensor([d.target for d in drawn]).float(),
            branch_targets=torch.tensor([d.branch_targets for d in drawn]).float(),
            descriptors=self.descriptors[rows],
            sounds=sounds_of([self.cases[int(index)] for index in chosen]),
        )

    def _draw(self, index: int, rng: np.random.Generator) -> "_Draw":
        case, texts = self.cases[index], self.texts[index]
        note_reader, voice_reader = _two_readers(texts, rng)
        is_there = [bool(self.ct.is_there[index]), note_reader is not None, voice_reader is not None]
        kept = [there and rng.random() >= self.options.modality_dropout for there in is_there]
        if not any(kept):
            kept = [False] * len(MODALITIES)
            kept[int(rng.choice(np.flatnonzero(is_there)))] = True
        describing = {r for r, k in ((note_reader, kept[1]), (voice_reader, kept[2])) if k and r is not None}
        none = [np.nan] * len(case.soft_targets)
        return _Draw(
            note=int(rng.choice(texts.notes[note_reader])) if note_reader is not None else -1,
            voice=int(rng.choice(texts.voices[voice_reader])) if voice_reader is not None else -1,
            is_present=kept,
            target=targets_without(case, describing),
            branch_targets=[
                targets_without(case, set()) if kept[0] else none,
                targets_without(case, {note_reader}) if kept[1] and note_reader is not None else none,
                targets_without(case, {voice_reader}) if kept[2] and voice_reader is not None else none,
            ],
        )


def sounds_of(cases: Sequence[TrainingCase]) -> tuple[Tensor, ...]:
    """(mel,frame) of each case, without elements where it has no recording."""
    return tuple(torch.zeros(0) if case.sound is None else torch.from_numpy(case.sound) for case in cases)


@final
@dataclass(frozen=True)
class _Draw:
    note: int
    voice: int
    is_present: list[bool]
    target: list[float]
    branch_targets: list[list[float]]


def _two_readers(texts: CaseTexts, rng: np.random.Generator) -> tuple[int | None, int | None]:
    """Who writes the note and who dictates: two different readers where there are two, else one of them alone."""
    writers, speakers = list(texts.notes), list(texts.voices)
    if writers == [-1] or speakers == [-1]:
        return (-1 if writers else None), (-1 if speakers else None)
    if not writers and not speakers:
        return None, None
    note = int(rng.choice(writers)) if writers else None
    others = [r for r in speakers if r != note]
    voice = int(rng.choice(others)) if others else None
    if voice is None and rng.random() < 0.5:
        return None, note
    return note, voice


def targets_without(case: TrainingCase, describing: set[int]) -> list[float]:
    """Soft target of each finding from everybody who did not describe; NaN where nobody is left."""
    if not case.readers:
        return [np.nan if t is None else t for t in case.soft_targets]
    rest = [r.malignancy for i, r in enumerate(case.readers) if i not in describing]
    return [soft_malignancy(rest) if rest else np.nan]


def _mean_descriptors(case: TrainingCase) -> Tensor:
    if not case.readers:
        return torch.full((N_DESCRIPTORS,), torch.nan)
    return torch.from_numpy(np.nanmean([r.ratings for r in case.readers], axis=0)).float()


@final
class FusionStage(Stage):
    """Trains the token layers, the fusion and the heads of a `FusionClassifier`; its encoders stay as they are."""

    def __init__(self, network: FusionClassifier, schedule: StageConfig, options: FusionLossConfig, seed: int) -> None:
        super().__init__(network, schedule, seed)
        self.options = options
        network.requires_grad_(requires_grad=False)
        for part in trained_parts(network):
            part.requires_grad_(requires_grad=True)

    def on_train_epoch_start(self) -> None:
        """Frozen encoders stay in evaluation mode."""
        super().on_train_epoch_start()
        self.network.eval()
        if isinstance(self.network, FusionClassifier):
            for part in trained_parts(self.network):
                part.train()

    def training_step(self, batch: FusionBatch, _index: int) -> Tensor:
        """The fused answer, each branch's own, the descriptors, the alignment."""
        member = self.network
        if not isinstance(member, FusionClassifier):
            msg = "the network of this stage is a FusionClassifier"
            raise TypeError(msg)
        output = member.fuse(tokens_of(member, batch))
        loss = soft_bce(output.logits.float(), batch.targets)
        loss = loss + self.options.branch * soft_bce(output.branch_logits.float(), batch.branch_targets)
        loss = loss + self.options.descriptors * descriptor_loss(output.descriptors.float(), batch.descriptors)
        if self.options.alignment != "none":
            aligned = alignment_loss(self.options.alignment, output.embeddings.float(), batch.is_present)
            loss = loss + self.options.alignment_weight * aligned
        self.log("loss", loss, batch_size=len(batch.targets))
        return loss


def trained_parts(member: FusionClassifier) -> list[torch.nn.Module]:
    """The parts of a member that stage 3 trains."""
    parts: list[torch.nn.Module] = [member.volume_encoder.tokens, member.text_reader.tokens]
    parts += [member.fusion, member.branch_heads]
    parts += [member.descriptor_head, member.align]
    return parts if member.acoustic_encoder is None else [*parts, member.acoustic_encoder]


def tokens_of(member: FusionClassifier, batch: FusionBatch) -> ModalityTokens:
    """Tokens from what the encoders said."""
    size = standard_size(batch.diameter_mm, batch.log_diameter)
    voice = member.text_reader.interpret(batch.voice).tokens
    if member.acoustic_encoder is not None:
        silence = voice.new_zeros(member.acoustic_encoder.config.n_mels, SILENT_FRAMES)
        # One by one: a recording must not sound otherwise beside a longer one.
        heard = [member.acoustic_encoder((s if s.numel() else silence)[None]) for s in batch.sounds]
        voice = torch.cat([voice, torch.cat(heard)], dim=1)
    return ModalityTokens(
        ct=member.volume_encoder.tokens(batch.readouts, size),
        note=member.text_reader.interpret(batch.note).tokens,
        voice=voice,
        is_present=batch.is_present,
    )
