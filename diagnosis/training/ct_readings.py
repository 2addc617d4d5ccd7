"""What encoders say of CTs that they have not seen: for everything that is learned on top of the frozen encoders."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from diagnosis.progress import OpenBar
from diagnosis.training.cohort import Cohort
from diagnosis.training.config import TrainConfig
from diagnosis.training.encoders import load_volume_encoder, read_regions
from diagnosis.training.folds import training_readouts
from diagnosis.training.fusion_stage import CtReadouts


@final
@dataclass(frozen=True, eq=False)
class FoldReadings:
    """What the learner of one fold may see.

    Attributes:
        rows: of the cohort's cases outside the fold.
        ct: their readouts, each by an encoder that has seen neither the case nor the fold, in several random views.
    """

    rows: tuple[int, ...]
    ct: CtReadouts


@final
@dataclass(frozen=True, eq=False)
class CohortReadings:
    """All readings of a cohort.

    Attributes:
        centered: every case as it would be assessed, by the encoder of its own fold, which has not seen it.
        views: every case in several random views, by an encoder that has not seen it: what the final learner, which is
            measured on nothing, may see.
        by_fold: what the learner of each fold may see.
        diameters: (case,) in mm, NaN where unknown.
    """

    centered: CtReadouts
    views: CtReadouts
    by_fold: dict[str, FoldReadings]
    diameters: Tensor


def read_cohort_readings(config: TrainConfig, cohort: Cohort, open_bar: OpenBar) -> CohortReadings:
    """Read every CT of the cohort with the encoders of a finished run.

    Raises:
        OSError: the work folder holds no finished run of this configuration.
    """
    bar = open_bar("Reading CTs")
    centered: list[CtReadouts] = []
    order: list[int] = []
    by_fold = {}
    for done, fold in enumerate(cohort.folds):
        encoder = load_volume_encoder(config, (fold,))
        inside, outside = cohort.inside(fold), cohort.outside(fold)
        cases = [cohort.cases[i] for i in inside]
        centered.append(read_regions(encoder, cases, config, 1))
        order += inside
        by_fold[fold] = FoldReadings(tuple(outside), training_readouts(config, cohort, fold, outside))
        bar(done + 1, len(cohort.folds))
    diameters = torch.tensor([case.diameter_mm or torch.nan for case in cohort.cases]).float()
    return CohortReadings(_in_order(centered, order), _views(cohort, by_fold), by_fold, diameters)


def _views(cohort: Cohort, by_fold: dict[str, FoldReadings]) -> CtReadouts:
    """What the learner of the first fold sees of the cases outside it, and that of the second of those inside."""
    first, second = (by_fold[fold] for fold in cohort.folds[:2])
    inside = cohort.inside(cohort.folds[0])
    position = {row: place for place, row in enumerate(second.rows)}
    return _in_order([first.ct, _taken(second.ct, [position[i] for i in inside])], [*first.rows, *inside])


def _taken(ct: CtReadouts, rows: list[int]) -> CtReadouts:
    return CtReadouts(ct.readouts[rows], ct.log_diameter[rows], ct.is_there[rows])


def _in_order(parts: list[CtReadouts], order: list[int]) -> CtReadouts:
    """Parts of several folds as one table in the cohort's order."""
    back = torch.argsort(torch.tensor(order))
    return CtReadouts(
        torch.cat([p.readouts for p in parts])[back],
        torch.cat([p.log_diameter for p in parts])[back],
        torch.cat([p.is_there for p in parts])[back],
    )
