"""How near a predicted descriptor comes to what a reader said, beside how near another reader comes.

Ratings are levels 1..L of an ordinal scale. The agreement of two readers is the honest ceiling: a head that errs less
than a second radiologist does has nothing left to prove.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.checks import FloatArray, as_values
from diagnosis.evaluation.resampling import Interval, PatientResampling, percentile_interval

AGREEMENT_FIGURES = ("exact", "within_one", "mean_absolute_error", "weighted_kappa")


@final
@dataclass(frozen=True)
class Agreement:
    """How two ratings of the same cases agree.

    Attributes:
        exact: share of the same level.
        within_one: share at most one level apart.
        mean_absolute_error: in levels.
        weighted_kappa: quadratic weights; nan where neither rating varies.
        n: cases.
    """

    exact: Interval
    within_one: Interval
    mean_absolute_error: Interval
    weighted_kappa: Interval
    n: int

    def to_json(self) -> dict[str, object]:
        """Each figure as `value`, `low`, `high`."""
        return {name: value.to_json() if isinstance(value, Interval) else value for name, value in vars(self).items()}


def agreement(first: ArrayLike, second: ArrayLike, resampling: PatientResampling) -> Agreement:
    """Agreement of two ratings; fractional ones are rounded to the nearest level, except in the mean absolute error.

    Args:
        first: ratings of shape (cases,).
        second: other ratings of the same cases.
        resampling: draws over the same cases.

    Raises:
        ConfigurationError: arrays that do not fit.
    """
    a, b = as_values("first ratings", first), as_values("second ratings", second)
    if a.size != b.size:
        msg = f"agreement: {a.size} and {b.size} ratings; pass two for each case"
        raise ConfigurationError(msg)
    resampling.require_cases(a.size)
    rows = resampling.values(lambda w: _weighted_agreement(a, b, w))
    figures = {name: percentile_interval(row) for name, row in zip(AGREEMENT_FIGURES, rows, strict=True)}
    return Agreement(**figures, n=a.size)


def evaluate_descriptor(
    predicted: ArrayLike, reader: ArrayLike, other_reader: ArrayLike, resampling: PatientResampling
) -> dict[str, object]:
    """A head and a second reader, each against the same first reader on the same cases.

    Args:
        predicted: expected rating by the head, shape (cases,).
        reader: rating by the reader both are held to.
        other_reader: rating by the second reader.
        resampling: draws over the same cases.

    Returns:
        `head`, `reader` (as `Agreement.to_json`), and `error_difference`: mean absolute error of the head less that of
        the reader, with its interval.
    """
    head, human = agreement(predicted, reader, resampling), agreement(other_reader, reader, resampling)
    truth = as_values("ratings", reader)
    gap = np.abs(as_values("ratings", predicted) - truth) - np.abs(as_values("ratings", other_reader) - truth)
    difference = resampling.interval(lambda w: np.asarray(w @ gap / w.sum(axis=1)))
    return {"head": head.to_json(), "reader": human.to_json(), "error_difference": difference.to_json()}


def _weighted_agreement(first: FloatArray, second: FloatArray, weights: FloatArray) -> FloatArray:
    """Figures under weights of shape (draws, cases), rows as `AGREEMENT_FIGURES`: shape (4, draws).

    Quadratic kappa needs no table: 1 − E(a−b)² / (var a + var b + (mean a − mean b)²), the same number as from the
    table of counts (Krippendorff, Sociological Methodology 1970;2:139).
    """
    a, b = np.floor(first + 0.5), np.floor(second + 0.5)
    total = weights.sum(axis=1)

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(weights @ values / total)

    mean_a, mean_b = mean(a), mean(b)
    by_chance = mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2 + (mean_a - mean_b) ** 2
    disagreement = np.full(total.shape, np.nan)
    np.divide(mean((a - b) ** 2), by_chance, out=disagreement, where=by_chance > 1e-12)
    apart = np.abs(a - b)
    return np.stack([mean(apart == 0), mean(apart <= 1), mean(np.abs(first - second)), 1 - disagreement])
