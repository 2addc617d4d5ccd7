"""Figures of merit for a yes-or-no finding, each computable under weights so that `resampling` can put intervals on it.

Every `weighted_*` function takes one value a case and weights of shape (draws, cases), and returns shape (draws,): nan
for a draw in which the figure is not defined (no case of a class). Ties count half in AUROC and are taken together in
AUPRC (average precision), as in scikit-learn, against which both are tested.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diagnosis.evaluation.checks import FloatArray, LabelArray, as_labels, as_probabilities, as_values
from diagnosis.evaluation.reliability import weighted_ece
from diagnosis.evaluation.resampling import Interval, PatientResampling, centered_interval, percentile_interval

CALL_METRICS = ("accuracy", "sensitivity", "specificity", "precision", "f1")


@final
@dataclass(frozen=True)
class BinaryMetrics:
    """What is known of one set of probabilities. `sensitivity` is also called recall.

    Attributes:
        auroc: area under the ROC curve, of the score that ranks.
        auprc: average precision.
        brier: mean squared difference of probability and label.
        ece: expected calibration error over ten bins of equal width.
        ece_equal_mass: the same over ten bins of equally many cases.
        accuracy: share of right calls at the threshold.
        sensitivity: share of positives that are flagged.
        specificity: share of negatives that are not.
        precision: share of flagged cases that are positive.
        f1: harmonic mean of precision and sensitivity.
        n: cases.
        positives: positive cases.
        patients: patients.
    """

    auroc: Interval
    auprc: Interval
    brier: Interval
    ece: Interval
    ece_equal_mass: Interval
    accuracy: Interval
    sensitivity: Interval
    specificity: Interval
    precision: Interval
    f1: Interval
    n: int
    positives: int
    patients: int

    def to_json(self) -> dict[str, object]:
        """Each figure as `value`, `low`, `high`; counts as they are. `recall` repeats the sensitivity."""
        fields = {name: value.to_json() if isinstance(value, Interval) else value for name, value in vars(self).items()}
        return {**fields, "recall": self.sensitivity.to_json()}


def binary_metrics(
    probability: ArrayLike,
    labels: ArrayLike,
    resampling: PatientResampling,
    *,
    threshold: ArrayLike = 0.5,
    ranking: ArrayLike | None = None,
) -> BinaryMetrics:
    """All figures of one set of calibrated probabilities.

    Args:
        probability: in [0,1], shape (cases,).
        labels: 0 or 1, shape (cases,).
        resampling: draws over the same cases.
        threshold: at or above which a case is flagged; one for all, or one a case, shape (cases,).
        ranking: score that ranks for AUROC and AUPRC, shape (cases,); the probability if None.

    Raises:
        ConfigurationError: arrays that do not fit.
    """
    p = as_probabilities(probability)
    y = as_labels(labels, p.size)
    resampling.require_cases(p.size)
    score = p if ranking is None else as_values("ranking", ranking)
    is_flagged = p >= np.broadcast_to(np.asarray(threshold, dtype=np.float64), p.shape)
    errors = resampling.values(lambda w: np.stack([weighted_ece(p, y, w), weighted_ece(p, y, w, equal_mass=True)]))
    return BinaryMetrics(
        auroc=resampling.interval(lambda w: weighted_auroc(score, y, w)),
        auprc=resampling.interval(lambda w: weighted_auprc(score, y, w)),
        brier=resampling.interval(lambda w: weighted_brier(p, y, w)),
        ece=centered_interval(errors[0]),
        ece_equal_mass=centered_interval(errors[1]),
        **call_metrics(is_flagged, y, resampling),
        n=p.size,
        positives=int(y.sum()),
        patients=np.unique(resampling.patient_of_case).size,
    )


def call_metrics(
    is_flagged: NDArray[np.bool_], labels: LabelArray, resampling: PatientResampling
) -> dict[str, Interval]:
    """Figures of calls, shape (cases,), by the names in `CALL_METRICS`, with intervals."""
    rows = resampling.values(lambda w: weighted_calls(is_flagged, labels, w))
    return {name: percentile_interval(row) for name, row in zip(CALL_METRICS, rows, strict=True)}


def weighted_auroc(score: FloatArray, labels: LabelArray, weights: FloatArray) -> FloatArray:
    """Chance that a positive ranks above a negative, ties counting half. Shape (draws,)."""
    positive, negative = _by_distinct_score(score, labels, weights)
    below = np.cumsum(negative, axis=1) - negative / 2
    return _ratio((positive * below).sum(axis=1), positive.sum(axis=1) * negative.sum(axis=1))


def weighted_auprc(score: FloatArray, labels: LabelArray, weights: FloatArray) -> FloatArray:
    """Average precision: precision at each distinct score, weighted by the recall it adds. Shape (draws,)."""
    positive, negative = (a[:, ::-1] for a in _by_distinct_score(score, labels, weights))
    found = np.cumsum(positive, axis=1)
    flagged = found + np.cumsum(negative, axis=1)
    precision = np.divide(found, flagged, out=np.zeros_like(found), where=flagged > 0)
    return _ratio((positive * precision).sum(axis=1), positive.sum(axis=1))


def weighted_brier(probability: FloatArray, labels: LabelArray, weights: FloatArray) -> FloatArray:
    """Mean squared difference of probability and label. Shape (draws,)."""
    return weighted_mean((probability - labels) ** 2, weights)


def weighted_mean(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Mean of one value a case. Shape (draws,)."""
    return _ratio(weights @ values, weights.sum(axis=1))


def weighted_calls(is_flagged: NDArray[np.bool_], labels: LabelArray, weights: FloatArray) -> FloatArray:
    """Figures of calls, rows as `CALL_METRICS`. Shape (figures, draws)."""
    is_positive = labels == 1
    true_positive = weights @ (is_flagged & is_positive)
    false_positive = weights @ (is_flagged & ~is_positive)
    false_negative = weights @ (~is_flagged & is_positive)
    true_negative = weights @ (~is_flagged & ~is_positive)
    return np.stack(
        [
            _ratio(true_positive + true_negative, weights.sum(axis=1)),
            _ratio(true_positive, true_positive + false_negative),
            _ratio(true_negative, true_negative + false_positive),
            _ratio(true_positive, true_positive + false_positive),
            _ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative),
        ]
    )


def auroc(score: ArrayLike, labels: ArrayLike) -> float:
    """Area under the ROC curve of the cases as they are."""
    s = as_values("scores", score)
    return float(weighted_auroc(s, as_labels(labels, s.size), np.ones((1, s.size)))[0])


def auprc(score: ArrayLike, labels: ArrayLike) -> float:
    """Average precision of the cases as they are."""
    s = as_values("scores", score)
    return float(weighted_auprc(s, as_labels(labels, s.size), np.ones((1, s.size)))[0])


def _by_distinct_score(score: FloatArray, labels: LabelArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weight of positives and of negatives at each distinct score, rising: shapes (draws, distinct scores)."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf) > 0)
    ordered = weights[:, order]
    y = labels[order]
    return np.add.reduceat(ordered * y, starts, axis=1), np.add.reduceat(ordered * (1 - y), starts, axis=1)


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Quotient, nan where the denominator is 0."""
    result = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
