"""The aligned space: CT and words on the same nodule are drawn together, those on different nodules apart.

Two small heads (`networks.projection`) learn on what the frozen encoders read. A step sees the CTs of many nodules,
each in a random view and with its diameter told or not, and for each a note or a dictation by one of its readers. What
the encoders say of a CT comes from encoders that have not seen it (`ct_readings`).

The words are generated from the readers' descriptors (`phantom.wording`): they say what a reader saw on eight scales
and how large it was, in many phrasings, and nothing else that could tell one nodule from another. What can be found by
them is bounded by how far readers agree; `alignment_quality` measures that bound beside the recall.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

from diagnosis.networks.projection import AlignedSpace, ProjectionConfig, ct_reading
from diagnosis.training.cohort import Cohort
from diagnosis.training.ct_readings import CohortReadings
from diagnosis.training.folds import CohortTexts
from diagnosis.training.fusion_stage import CaseTexts, CtReadouts
from diagnosis.training.losses import alignment_loss

LOSSES = ("contrastive", "triplet", "cosine")
"""Those that are compared; the first is the one that ships."""
EPOCHS, BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY = 120, 256, 3e-3, 0.05
UNKNOWN_DIAMETER = 0.2
"""Share of steps in which the diameter is not told."""


@final
@dataclass(frozen=True, eq=False)
class AlignmentCases:
    """What the heads learn from.

    Attributes:
        ct: readouts of the cases, in several views.
        diameters: (case,) in mm.
        texts: for each case the rows of `text` that its readers wrote or dictated; empty where there are none.
        text: (row,reading) of all texts.
    """

    ct: CtReadouts
    diameters: Tensor
    texts: tuple[tuple[int, ...], ...]
    text: Tensor


def rows_of(texts: CaseTexts) -> tuple[int, ...]:
    """All training texts of one case."""
    return tuple(row for spoken in (texts.notes, texts.voices) for rows in spoken.values() for row in rows)


def cases_of_fold(readings: CohortReadings, fold: str, texts: CohortTexts, text: Tensor) -> AlignmentCases:
    """The cases that the heads of one fold may learn from."""
    own = readings.by_fold[fold]
    rows = tuple(rows_of(texts.training[i]) for i in own.rows)
    return AlignmentCases(own.ct, readings.diameters[list(own.rows)], rows, text)


def all_cases(readings: CohortReadings, texts: CohortTexts, text: Tensor) -> AlignmentCases:
    """All cases, for the heads that ship."""
    return AlignmentCases(readings.views, readings.diameters, tuple(rows_of(t) for t in texts.training), text)


def fit_space(cases: AlignmentCases, loss: str, seed: int) -> AlignedSpace:
    """Train both heads.

    Raises:
        ConfigurationError: an unknown loss.
    """
    torch.manual_seed(seed)
    space = AlignedSpace(ProjectionConfig(n_readouts=cases.ct.readouts.shape[-1])).train()
    rng = np.random.default_rng(seed)
    usable = np.array([i for i, rows in enumerate(cases.texts) if rows and bool(cases.ct.is_there[i])])
    size = min(BATCH_SIZE, len(usable))
    steps = EPOCHS * max(1, len(usable) // size)
    optimizer = torch.optim.AdamW(space.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps, pct_start=0.15)
    for _ in range(steps):
        chosen = rng.choice(usable, size, replace=False)
        pair = torch.stack([_draw_ct(space, cases, chosen, rng), _draw_text(space, cases, chosen, rng)], dim=1)
        value = alignment_loss(loss, pair, torch.ones(size, 2, dtype=torch.bool))
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call] # torch declares it so
        optimizer.step()
        cycle.step()
    return space.eval()


def _draw_ct(
    space: AlignedSpace,
    cases: AlignmentCases,
    chosen: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    rng: np.random.Generator,
) -> Tensor:
    rows = torch.from_numpy(chosen)
    view = torch.from_numpy(rng.integers(0, cases.ct.readouts.shape[2], len(chosen)))
    is_told = torch.from_numpy(rng.random(len(chosen)) >= UNKNOWN_DIAMETER)
    diameter = torch.where(is_told, cases.diameters[rows], torch.nan)
    told = torch.isfinite(diameter).long()
    at_region = cases.ct.readouts[rows, told, view, 0].float()
    embedded: Tensor = space.ct(ct_reading(at_region, cases.ct.log_diameter[rows, view].float(), diameter))
    return embedded


def _draw_text(
    space: AlignedSpace,
    cases: AlignmentCases,
    chosen: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    rng: np.random.Generator,
) -> Tensor:
    own = [cases.texts[index] for index in chosen.tolist()]
    rows = [texts[int(share * len(texts))] for texts, share in zip(own, rng.random(len(own)).tolist(), strict=True)]
    embedded: Tensor = space.text(cases.text[rows])
    return embedded


@torch.inference_mode()
def embed_cohort(
    space: AlignedSpace,
    cohort: Cohort,
    readings: CohortReadings,
    texts: CohortTexts,
    text: Tensor,
    *,
    is_told: bool = True,
) -> Tensor:
    """(case,modality,embed) of every case as it is assessed: centered CT, scored note and dictation; zero if absent.

    Args:
        space: the heads.
        cohort: whose cases.
        readings: of its CTs.
        texts: which rows of `text` are scored.
        text: (row,reading).
        is_told: whether the CT's diameter is told.
    """
    ct, every = readings.centered, torch.arange(len(cohort.cases))
    diameters = readings.diameters if is_told else torch.full_like(readings.diameters, torch.nan)
    at_region = ct.readouts[every, torch.isfinite(diameters).long(), 0, 0].float()
    scored = torch.tensor(texts.scored)
    parts = [space.ct(ct_reading(at_region, ct.log_diameter[:, 0].float(), diameters))]
    parts += [space.text(text[scored[:, column].clamp_min(0)]) for column in (0, 1)]
    is_there = torch.stack([ct.is_there, scored[:, 0] >= 0, scored[:, 1] >= 0], dim=1)
    return torch.where(is_there[:, :, None], torch.stack(parts, dim=1), 0.0)
