"""How many lesions does a candidate finder propose, and how much else?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.reliability import wilson_interval
from diagnosis.record import RegionOfInterest

LEAST_TOLERANCE_MM = 5.0
"""A candidate hits a lesion when its center lies within the lesion's radius (as in LUNA16), or within this."""


@final
@dataclass(frozen=True)
class CandidateStudy:
    """One study: what was proposed, best first, and the lesions that are there."""

    proposed: tuple[RegionOfInterest, ...]
    lesions: tuple[RegionOfInterest, ...]


@final
@dataclass(frozen=True)
class FrocPoint:
    """What the first `n_candidates` of every study find.

    Attributes:
        n_candidates: at most so many of each study.
        sensitivity: share of the lesions that are hit, in [0,1].
        low, high: its 95 % interval (Wilson, JASA 1927;22:209).
        false_per_study: mean number of candidates that hit no lesion.
    """

    n_candidates: int
    sensitivity: float
    low: float
    high: float
    false_per_study: float


@final
@dataclass(frozen=True)
class CandidateFigures:
    """Figures over studies.

    Attributes:
        sensitivity: share of the lesions that a candidate hits, in [0,1].
        false_per_study: mean number of candidates that hit no lesion.
        n_lesions, n_studies: out of how many.
        ranks: for each lesion the rank of its first candidate, from 1, or None where it is missed.
        froc: the same when only the first, the first two ... of each study are shown.
    """

    sensitivity: float
    false_per_study: float
    n_lesions: int
    n_studies: int
    ranks: tuple[int | None, ...]
    froc: tuple[FrocPoint, ...] = ()


def evaluate_candidates(studies: Sequence[CandidateStudy]) -> CandidateFigures:
    """Compare candidates with the truth.

    Raises:
        ConfigurationError: no study, or no lesion in any.
    """
    ranks = tuple(_rank(study.proposed, lesion) for study in studies for lesion in study.lesions)
    if not ranks:
        msg = "candidates: no study has a known lesion, so that there is no sensitivity; add studies with truth"
        raise ConfigurationError(msg)
    is_false = [[not any(hits(c, lesion) for lesion in s.lesions) for c in s.proposed] for s in studies]
    most = max((len(s.proposed) for s in studies), default=0)
    froc = tuple(_froc_point(n, ranks, is_false) for n in range(1, most + 1))
    found = sum(rank is not None for rank in ranks)
    false = float(np.mean([sum(row) for row in is_false]))
    return CandidateFigures(found / len(ranks), false, len(ranks), len(studies), ranks, froc)


def hits(candidate: RegionOfInterest, lesion: RegionOfInterest) -> bool:
    """Whether the candidate's center lies within the lesion's radius."""
    distance = float(np.linalg.norm(np.subtract(candidate.center_mm, lesion.center_mm)))
    return distance <= max(LEAST_TOLERANCE_MM, (lesion.diameter_mm or 0.0) / 2)


def _rank(proposed: Sequence[RegionOfInterest], lesion: RegionOfInterest) -> int | None:
    return next((rank for rank, candidate in enumerate(proposed, start=1) if hits(candidate, lesion)), None)


def _froc_point(n: int, ranks: tuple[int | None, ...], is_false: list[list[bool]]) -> FrocPoint:
    found = sum(rank is not None and rank <= n for rank in ranks)
    low, high = wilson_interval(found, len(ranks))
    false = float(np.mean([sum(row[:n]) for row in is_false]))
    return FrocPoint(n, found / len(ranks), low, high, false)
