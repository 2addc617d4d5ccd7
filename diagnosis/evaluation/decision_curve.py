"""Whether acting on the probabilities does more good than harm (Vickers and Elkin, Med Decis Making 2006;26:565).

At a threshold t a clinician accepts (1−t)/t needless actions for one needed. Net benefit counts the needed ones a case,
less the needless ones at that rate; it is compared with acting on everybody and on nobody.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.checks import FloatArray, LabelArray, as_labels, as_probabilities
from diagnosis.evaluation.resampling import Interval, PatientResampling, percentile_interval

THRESHOLDS = np.round(np.arange(0.02, 0.81, 0.02), 2)
TABLE_THRESHOLDS = (0.1, 0.2, 0.3, 0.5)


@final
@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """Net benefit, in true positives a case, at each threshold.

    Attributes:
        thresholds: rising, shape (thresholds,).
        model: of acting where the probability reaches the threshold, shape (thresholds,).
        everyone: of acting on every case; acting on nobody is 0 throughout.
    """

    thresholds: FloatArray
    model: FloatArray
    everyone: FloatArray


def decision_curve(probability: ArrayLike, labels: ArrayLike, thresholds: ArrayLike = THRESHOLDS) -> DecisionCurve:
    """Net benefit of the model and of acting on everyone.

    Raises:
        ConfigurationError: arrays that do not fit, or a threshold outside (0,1).
    """
    p = as_probabilities(probability)
    y = as_labels(labels, p.size)
    t = _as_thresholds(thresholds)
    ones = np.ones((1, p.size))
    model = weighted_net_benefit(p, y, t, ones)[:, 0]
    return DecisionCurve(t, model, weighted_net_benefit(np.ones_like(p), y, t, ones)[:, 0])


def net_benefit_gain(
    probability: ArrayLike,
    labels: ArrayLike,
    resampling: PatientResampling,
    thresholds: ArrayLike = TABLE_THRESHOLDS,
) -> dict[float, Interval]:
    """Net benefit of the model less that of the better of everyone and nobody, by threshold, with intervals.

    Raises:
        ConfigurationError: as `decision_curve`.
    """
    p = as_probabilities(probability)
    y = as_labels(labels, p.size)
    t = _as_thresholds(thresholds)
    resampling.require_cases(p.size)
    model = resampling.values(lambda w: weighted_net_benefit(p, y, t, w))
    everyone = resampling.values(lambda w: weighted_net_benefit(np.ones_like(p), y, t, w))
    rows = model - np.maximum(everyone, 0.0)
    return {float(threshold): percentile_interval(row) for threshold, row in zip(t, rows, strict=True)}


def weighted_net_benefit(
    probability: FloatArray, labels: LabelArray, thresholds: FloatArray, weights: FloatArray
) -> FloatArray:
    """Net benefit under weights of shape (draws, cases): shape (thresholds, draws)."""
    is_flagged = probability[:, None] >= thresholds[None, :]
    gain = np.where(labels[:, None] == 1, 1.0, -(thresholds / (1 - thresholds))[None, :])
    return np.asarray((weights @ (is_flagged * gain)).T / weights.sum(axis=1))


def _as_thresholds(thresholds: ArrayLike) -> FloatArray:
    """Thresholds inside (0,1), shape (thresholds,)."""
    t = np.atleast_1d(np.asarray(thresholds, dtype=np.float64))
    if not ((t > 0) & (t < 1)).all():
        msg = f"decision curve: thresholds from {t.min():g} to {t.max():g} must lie between 0 and 1, without either"
        raise ConfigurationError(msg)
    return t
