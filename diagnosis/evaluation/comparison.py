"""Whether one score ranks better than another on the same cases.

The paired bootstrap draws patients and is the figure to quote. The DeLong test (Biometrics 1988;44:837; by ranks after
Sun and Xu, IEEE Signal Process Lett 2014;21:1389) treats cases as independent, which several nodules of one patient are
not; it stands beside it because readers know it.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from diagnosis.evaluation.checks import FloatArray, LabelArray, as_labels, as_values
from diagnosis.evaluation.metrics import weighted_auroc
from diagnosis.evaluation.resampling import Interval, PatientResampling, percentile_interval

Z_95 = 1.959963984540054


@final
@dataclass(frozen=True)
class DeLongResult:
    """Two AUROC values, their difference (first minus second) with its 95 % interval, and the two-sided p-value.

    Interval and p-value are nan where a class has a single case, which tells nothing of how much cases vary.
    """

    first: float
    second: float
    difference: Interval
    p_value: float


def paired_auroc_difference(
    first: ArrayLike, second: ArrayLike, labels: ArrayLike, resampling: PatientResampling
) -> Interval:
    """AUROC of the first score minus that of the second, drawing the same patients for both.

    Args:
        first: scores of shape (cases,).
        second: other scores of the same cases.
        labels: 0 or 1, shape (cases,).
        resampling: draws over the same cases.

    Raises:
        ConfigurationError: arrays that do not fit, or one class only.
    """
    a, b, y = _pair(first, second, labels)
    resampling.require_cases(y.size)
    first_values = resampling.values(lambda w: weighted_auroc(a, y, w))
    second_values = resampling.values(lambda w: weighted_auroc(b, y, w))
    return percentile_interval(first_values - second_values)


def delong_test(first: ArrayLike, second: ArrayLike, labels: ArrayLike) -> DeLongResult:
    """DeLong test of two scores on the same cases; a p-value of 1 where they never differ.

    Raises:
        ConfigurationError: arrays that do not fit, or one class only.
    """
    from scipy.special import erfc

    a, b, y = _pair(first, second, labels)
    parts = [_structural_components(score, y) for score in (a, b)]
    aucs = [float(positive.mean()) for positive, _ in parts]
    differences = [parts[0][side] - parts[1][side] for side in (0, 1)]
    difference = aucs[0] - aucs[1]
    if min(side.size for side in differences) < 2:
        return DeLongResult(aucs[0], aucs[1], Interval(difference, np.nan, np.nan), np.nan)
    error = float(np.sqrt(sum(np.var(side, ddof=1) / side.size for side in differences)))
    interval = Interval(difference, difference - Z_95 * error, difference + Z_95 * error)
    p_value = float(erfc(abs(difference) / error / np.sqrt(2))) if error > 0 else float(difference == 0)
    return DeLongResult(aucs[0], aucs[1], interval, p_value)


def _pair(first: ArrayLike, second: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, FloatArray, LabelArray]:
    """Both scores and the labels, checked."""
    a, b = as_values("first scores", first), as_values("second scores", second)
    as_labels(labels, b.size)
    return a, b, as_labels(labels, a.size, both_classes=True)


def _structural_components(score: FloatArray, labels: LabelArray) -> tuple[FloatArray, FloatArray]:
    """For each positive the share of negatives below it, for each negative the share of positives above it."""
    from scipy.stats import rankdata

    positive, negative = score[labels == 1], score[labels == 0]
    together = rankdata(np.concatenate([positive, negative]))
    of_positive = (together[: positive.size] - rankdata(positive)) / negative.size
    of_negative = 1 - (together[positive.size :] - rankdata(negative)) / positive.size
    return of_positive, of_negative
