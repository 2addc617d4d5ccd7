"""What training needs of a case, whatever data set it came from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, final

import numpy as np
import numpy.typing as npt

from diagnosis.errors import ConfigurationError
from diagnosis.vocabulary import DESCRIPTORS

N_DESCRIPTORS = len(DESCRIPTORS)
FEWEST_FOLDS = 3
"""An encoder is trained without each pair of folds, and must learn from something."""


@final
@dataclass(frozen=True, eq=False)
class Reader:
    """What one radiologist said of a lesion.

    Attributes:
        ratings: the eight descriptors, NaN where not given.
        diameter_mm: the diameter this reader's outline has, or None.
        malignancy: rating 1 to 5; a target, never an input.
    """

    ratings: tuple[float, ...]
    diameter_mm: float | None
    malignancy: float


@final
@dataclass(frozen=True, eq=False)
class TrainingRegion:
    """The CT of a case: HU on a grid larger than the field of view, so that it can be turned and shifted.

    Attributes:
        hu: float16 (depth,height,width).
        lesion: uint8 of the same shape, 1 inside the lesion's outline, or None where there is no outline.
        is_scanned: bool of the same shape: whether a voxel lies within the scanned crop (the rest repeats its border).
        slice_spacing_mm: of the scan it came from.
    """

    hu: npt.NDArray[np.float16]
    lesion: npt.NDArray[np.uint8] | None
    is_scanned: npt.NDArray[np.bool_]
    slice_spacing_mm: float


@final
@dataclass(frozen=True, eq=False)
class TrainingCase:
    """One case.

    Attributes:
        case_id, patient_id: pseudonyms; a patient's cases share a fold.
        fold: held-out fold.
        labels: for each finding 0, 1 or None: what the case is scored against.
        soft_targets: for each finding the share of evidence for it in [0,1] or None: what the CT is trained on.
        region: the CT, or None.
        diameter_mm: largest diameter, or None.
        readers: what radiologists said, in their order; empty for a cohort without readers.
        note: the note the case is scored with, or None.
        voice: the transcript the case is scored with, or None.
        consensus: 0 or 1 where all readers agree on the side of the scale, for comparison with the literature.
        sound: (mel,frame) log-mel frames of the dictation, where there is a recording and an acoustic branch hears it.
        contents: of its parts, by which the bundle knows the case again (`bundle.training_cases.contents_of`).
    """

    case_id: str
    patient_id: str
    fold: str
    labels: tuple[int | None, ...]
    soft_targets: tuple[float | None, ...]
    region: TrainingRegion | None
    diameter_mm: float | None
    readers: tuple[Reader, ...]
    note: str | None
    voice: str | None
    consensus: int | None = None
    sound: npt.NDArray[np.float32] | None = None
    contents: tuple[str, ...] = ()


@final
@dataclass(frozen=True, eq=False)
class Cohort:
    """All cases and the names of the findings; refuses a patient in two folds.

    Raises:
        ConfigurationError: no cases, a patient in two folds, or fewer than three folds.
    """

    name: str
    findings: tuple[str, ...]
    cases: tuple[TrainingCase, ...]

    def __post_init__(self) -> None:
        fold_of: dict[str, str] = {}
        for case in self.cases:
            if fold_of.setdefault(case.patient_id, case.fold) != case.fold:
                msg = f"cohort {self.name}: the patient of case {case.case_id} stands in two folds; put all in one"
                raise ConfigurationError(msg)
        if len(self.folds) < FEWEST_FOLDS:
            msg = f"cohort {self.name}: {len(self.folds)} folds were found; three or more are needed, named in `split`"
            raise ConfigurationError(msg)

    @property
    def folds(self) -> tuple[str, ...]:
        """Names of the folds, sorted."""
        return tuple(sorted({case.fold for case in self.cases}))

    def outside(self, fold: str) -> list[int]:
        """Indices of the cases a fold's network may learn from."""
        return [i for i, case in enumerate(self.cases) if case.fold != fold]

    def inside(self, fold: str) -> list[int]:
        """Indices of the cases a fold's network is measured on."""
        return [i for i, case in enumerate(self.cases) if case.fold == fold]

    def of_main_finding(self) -> Self:
        """The same cases with the first finding alone."""
        cases = (replace(c, labels=c.labels[:1], soft_targets=c.soft_targets[:1]) for c in self.cases)
        return replace(self, findings=self.findings[:1], cases=tuple(cases))


def soft_malignancy(ratings: Sequence[float]) -> float:
    """Share of readers who lean to malignant: a rating above 3 counts 1, 3 counts one half, below 3 counts 0."""
    values = np.asarray(ratings, dtype=float)
    return float(np.mean((values > 3) + 0.5 * (values == 3)))
