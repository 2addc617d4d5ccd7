"""Intervals by drawing patients again, quick enough to put one behind every figure.

A bootstrap draw of patients is a whole number of copies of each patient (Field and Welsh, J R Stat Soc B 2007;69:369),
so a draw is a row of weights, and a metric of 2,000 draws is a few matrix products. The first row is all ones: the
figure itself. The same `PatientResampling` behind two metrics pairs their draws.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.checks import FloatArray, as_groups

REPLICATES = 2000
LEVEL = 0.95

MAX_WEIGHTS_AT_ONCE = 4_000_000
"""32 MB of weights: larger sets are taken in several bites."""

WeightedMetric = Callable[[FloatArray], FloatArray]
"""From weights of shape (draws, cases) to one value a draw, shape (draws,), or several, shape (figures, draws)."""


@final
@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval; nan where it is not defined."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        """`value`, `low`, `high`; None for nan, which JSON does not know."""
        pairs = (("value", self.value), ("low", self.low), ("high", self.high))
        return {name: None if np.isnan(number) else float(number) for name, number in pairs}

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@final
@dataclass(frozen=True, eq=False)
class PatientResampling:
    """How often each patient is drawn in each draw.

    Attributes:
        counts: whole numbers, shape (1 + replicates, patients); the first row is all ones.
        patient_of_case: index of each case's patient, shape (cases,).
    """

    counts: NDArray[np.uint8]
    patient_of_case: NDArray[np.int64]

    @classmethod
    def draw(cls, patient_ids: Sequence[object], replicates: int = REPLICATES, seed: int = 0) -> Self:
        """Draws of the patients, with replacement, as many as there are.

        Args:
            patient_ids: patient (pseudonym) of each case, length cases.
            replicates: how many draws.
            seed: of the random draws.

        Raises:
            ConfigurationError: no cases, or fewer than one draw.
        """
        if not len(patient_ids) or replicates < 1:
            msg = f"bootstrap: {len(patient_ids)} cases and {replicates} draws; at least one of each is needed"
            raise ConfigurationError(msg)
        codes = as_groups("patients", patient_ids, len(patient_ids))
        patients = int(codes.max()) + 1
        counts = np.ones((replicates + 1, patients), dtype=np.uint8)
        rng = np.random.default_rng(seed)
        for row in counts[1:]:
            row[:] = np.bincount(rng.integers(patients, size=patients), minlength=patients)
        return cls(counts, codes)

    @property
    def patients(self) -> int:
        """How many patients there are."""
        return int(self.counts.shape[1])

    def require_cases(self, count: int) -> None:
        """Refuse draws that are of other cases than a metric's.

        Raises:
            ConfigurationError: another number of cases.
        """
        if self.patient_of_case.size != count:
            own = self.patient_of_case.size
            msg = f"bootstrap: {own} cases in the draws, {count} in the metric; draw for the same cases"
            raise ConfigurationError(msg)

    def values(self, metric: WeightedMetric) -> FloatArray:
        """The metric of the cases as they are, then of each draw: shape (1 + replicates,), or (figures, ...)."""
        rows = max(1, MAX_WEIGHTS_AT_ONCE // self.patient_of_case.size)
        starts = range(0, len(self.counts), rows)
        bites = (self.counts[start : start + rows, self.patient_of_case].astype(np.float64) for start in starts)
        return np.concatenate([metric(weights) for weights in bites], axis=-1)

    def interval(self, metric: WeightedMetric) -> Interval:
        """The metric with its percentile interval."""
        return percentile_interval(self.values(metric))

    def restricted_to(self, is_kept: NDArray[np.bool_]) -> "PatientResampling":
        """The same draws of the patients, over the kept cases only; `is_kept` has shape (cases,)."""
        return PatientResampling(self.counts, self.patient_of_case[is_kept])


def percentile_interval(values: FloatArray, level: float = LEVEL) -> Interval:
    """Interval from the first value (the figure) and the others (its draws), leaving out draws that have none.

    Args:
        values: shape (1 + replicates,).
        level: share of the draws inside.
    """
    value, draws = float(values[0]), values[1:][~np.isnan(values[1:])]
    if np.isnan(value) or not draws.size:
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def centered_interval(values: FloatArray, level: float = LEVEL) -> Interval:
    """As `percentile_interval` of shape (1 + replicates,), the draws moved so that their mean is the figure; cut at 0.

    For calibration error, which is an absolute value: drawing again adds noise, noise adds error, and the plain
    interval of a well-calibrated model would lie above its own figure.
    """
    draws = values[1:]
    shifted = np.concatenate([values[:1], draws - np.nanmean(draws) + values[0]]) if draws.size else values
    plain = percentile_interval(shifted, level)
    return Interval(plain.value, max(plain.low, 0.0), max(plain.high, plain.value))
