"""From a network's logit to a probability that means what it says.

Four maps, all monotone, so that calibration never changes who is ranked above whom:

* `temperature`: p = sigmoid(slope · logit). One parameter; for networks that are only over- or under-confident.
* `platt`: p = sigmoid(slope · logit + intercept). Also moves to another prevalence (Platt, Advances in Large Margin
  Classifiers 1999).
* `beta`: p = sigmoid(slope · −softplus(−logit) + upper_slope · softplus(logit) + intercept). A different slope on the
  two sides (Kull, Silva Filho, Flach, AISTATS 2017). Needs cases on both sides.
* `isotonic`: straight lines between knots of an isotonic regression. Needs hundreds of cases.

All are fitted with Platt's softened targets (n+1)/(n+2), so that a handful of perfectly separated cases does not yield
a probability of one. A slope is never negative: where the logits point the wrong way the answer is the prevalence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diagnosis.errors import BundleError, ConfigurationError
from diagnosis.evaluation.checks import FloatArray, LabelArray, as_groups, as_labels, as_values

MIN_OF_EACH_CLASS = 5
"""Fewer cases of either class say nothing of a probability."""


class CalibrationKind(StrEnum):
    """Shape of the map, from the simplest to the most flexible."""

    TEMPERATURE = "temperature"
    PLATT = "platt"
    BETA = "beta"
    ISOTONIC = "isotonic"


@final
@dataclass(frozen=True)
class Calibrator:
    """A monotone map from logits to probabilities.

    Attributes:
        kind: which of the maps.
        slope: of the logit, not negative; for `beta` of the negative side.
        intercept: in logits.
        upper_slope: for `beta`, of the positive side; elsewhere 0.
        knot_logits: for `isotonic`, strictly rising; elsewhere empty.
        knot_probabilities: for `isotonic`, at the knots, never falling, in [0,1].

    Raises:
        ConfigurationError: a negative slope, falling knots, or a value that is not finite.
    """

    kind: CalibrationKind = CalibrationKind.TEMPERATURE
    slope: float = 1.0
    intercept: float = 0.0
    upper_slope: float = 0.0
    knot_logits: tuple[float, ...] = field(default=(), repr=False)
    knot_probabilities: tuple[float, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        numbers = (self.slope, self.intercept, self.upper_slope, *self.knot_logits, *self.knot_probabilities)
        if not np.isfinite(numbers).all():
            msg = f"calibrator: a parameter of the {self.kind} map is not finite; fit it again"
            raise ConfigurationError(msg)
        if self.slope < 0 or self.upper_slope < 0:
            msg = f"calibrator: a slope of {min(self.slope, self.upper_slope):g} turns the order of cases; fit again"
            raise ConfigurationError(msg)
        if self.kind is CalibrationKind.ISOTONIC:
            self._check_knots()

    def _check_knots(self) -> None:
        """Refuse knots that are not a monotone map into [0,1]."""
        x, p = np.asarray(self.knot_logits), np.asarray(self.knot_probabilities)
        fits = x.size == p.size > 0 and (np.diff(x) > 0).all() and (np.diff(p) >= 0).all()
        if not fits or p[0] < 0 or p[-1] > 1:
            msg = f"calibrator: its {x.size} knots are not a rising map into 0 to 1; fit it again"
            raise ConfigurationError(msg)

    def probability(self, logits: ArrayLike) -> FloatArray:
        """Calibrated probabilities of logits, same shape."""
        z = np.asarray(logits, dtype=np.float64)
        if self.kind is CalibrationKind.ISOTONIC:
            return np.interp(z, self.knot_logits, self.knot_probabilities)
        if self.kind is CalibrationKind.BETA:
            return sigmoid(self.slope * _lower_side(z) + self.upper_slope * _upper_side(z) + self.intercept)
        return sigmoid(self.slope * z + self.intercept)

    def to_json(self) -> dict[str, object]:
        """What `from_json` reads: plain numbers and lists."""
        if self.kind is CalibrationKind.ISOTONIC:
            knots = {"knot_logits": list(self.knot_logits), "knot_probabilities": list(self.knot_probabilities)}
            return {"kind": self.kind.value, **knots}
        result: dict[str, object] = {"kind": self.kind.value, "slope": self.slope}
        if self.kind is not CalibrationKind.TEMPERATURE:
            result["intercept"] = self.intercept
        if self.kind is CalibrationKind.BETA:
            result["upper_slope"] = self.upper_slope
        return result

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """The calibrator that `to_json` wrote.

        Raises:
            BundleError: an unknown kind or field, or parameters that are no monotone map.
        """
        fields = dict(data)
        try:
            kind = CalibrationKind(str(fields.pop("kind", None)))
            for name in ("knot_logits", "knot_probabilities"):
                if name in fields:
                    fields[name] = tuple(np.asarray(fields[name], dtype=np.float64).tolist())
            return cls(kind, **fields)  # type: ignore[arg-type]
        except (ValueError, TypeError, ConfigurationError) as error:
            msg = f"calibration: the bundle's entry cannot be used ({error}); build the bundle again"
            raise BundleError(msg) from error


def sigmoid(logits: ArrayLike) -> FloatArray:
    """1 / (1 + exp(−logit)) without overflow, in the same shape."""
    from scipy.special import expit

    return np.asarray(expit(np.asarray(logits, dtype=np.float64)))


def logit(probability: ArrayLike, floor: float = 1e-7) -> FloatArray:
    """Inverse of `sigmoid` in the same shape, with probabilities kept `floor` away from 0 and 1."""
    p = np.clip(np.asarray(probability, dtype=np.float64), floor, 1 - floor)
    return np.asarray(np.log(p) - np.log1p(-p))


def _lower_side(logits: FloatArray) -> FloatArray:
    """log(sigmoid(logit)): rises with the logit, flat above 0."""
    return -np.logaddexp(0.0, -logits)


def _upper_side(logits: FloatArray) -> FloatArray:
    """−log(1 − sigmoid(logit)): rises with the logit, flat below 0."""
    return np.asarray(np.logaddexp(0.0, logits))


def fit_calibrator(logits: ArrayLike, labels: ArrayLike, kind: str = "platt") -> Calibrator:
    """The map of one kind that fits best, by log-loss on softened targets.

    Args:
        logits: the network's output on cases it was not trained on, shape (cases,).
        labels: 0 or 1, shape (cases,).
        kind: a `CalibrationKind`.

    Raises:
        ConfigurationError: an unknown kind, arrays that do not fit, or fewer than `MIN_OF_EACH_CLASS` of a class.
    """
    chosen = _as_kind(kind)
    z = as_values("logits", logits)
    y = as_labels(labels, z.size)
    _require_enough(y)
    if chosen is CalibrationKind.ISOTONIC:
        return _fit_isotonic(z, y)
    if chosen is CalibrationKind.TEMPERATURE:
        (slope,) = _fit_logistic(z[:, None], y, has_intercept=False)
        return Calibrator(chosen, slope)
    if chosen is CalibrationKind.PLATT:
        slope, intercept = _fit_logistic(z[:, None], y, has_intercept=True)
        return Calibrator(chosen, slope, intercept)
    sides = np.stack([_lower_side(z), _upper_side(z)], axis=1)
    slope, upper_slope, intercept = _fit_logistic(sides, y, has_intercept=True)
    return Calibrator(chosen, slope, intercept, upper_slope)


def cross_fit_probabilities(
    logits: ArrayLike, labels: ArrayLike, folds: Sequence[object] | NDArray[np.generic], kind: str = "platt"
) -> FloatArray:
    """Probabilities of each fold by a calibrator fitted on the other folds, shape (cases,).

    No case's label has touched its own probability, so calibration error measured on the result is honest.

    Raises:
        ConfigurationError: as `fit_calibrator`, or fewer than two folds.
    """
    z = as_values("logits", logits)
    y = as_labels(labels, z.size)
    codes = as_groups("folds", folds, z.size)
    if codes.max() == 0:
        msg = "folds: all cases are in one fold; at least two are needed to fit on the others"
        raise ConfigurationError(msg)
    result = np.empty_like(z)
    for fold in range(codes.max() + 1):
        held_out = codes == fold
        result[held_out] = fit_calibrator(z[~held_out], y[~held_out], kind).probability(z[held_out])
    return result


def choose_kind(
    logits: ArrayLike,
    labels: ArrayLike,
    folds: Sequence[object] | NDArray[np.generic],
    simplest: CalibrationKind = CalibrationKind.TEMPERATURE,
) -> CalibrationKind:
    """The simplest kind, from `simplest` on, whose cross-fitted log-loss is within one standard error of the best one.

    Log-loss is proper (it is least for the true probabilities); calibration error is not, and would reward a map that
    says the prevalence of everyone. The standard error is that of the paired difference over cases.

    Raises:
        ConfigurationError: as `cross_fit_probabilities`.
    """
    y = np.asarray(labels)
    kinds = list(CalibrationKind)[list(CalibrationKind).index(simplest) :]
    losses = {kind: log_losses(cross_fit_probabilities(logits, labels, folds, kind), y) for kind in kinds}
    best = min(losses, key=lambda kind: float(losses[kind].mean()))
    for kind in kinds:
        difference = losses[kind] - losses[best]
        if difference.mean() <= difference.std(ddof=1) / np.sqrt(difference.size):
            return kind
    return best


def log_losses(probability: ArrayLike, labels: ArrayLike) -> FloatArray:
    """−log of the probability given to what was true, shape (cases,); at most 16."""
    p, y = np.asarray(probability, dtype=np.float64), np.asarray(labels)
    return -np.log(np.maximum(np.where(y == 1, p, 1 - p), 1e-7))


def _as_kind(kind: str) -> CalibrationKind:
    """The kind of that name."""
    if kind not in set(CalibrationKind):
        msg = f"calibration kind: '{kind}' is unknown; use one of {', '.join(CalibrationKind)}"
        raise ConfigurationError(msg)
    return CalibrationKind(kind)


def _require_enough(labels: LabelArray) -> None:
    """Refuse to calibrate on too few cases of a class."""
    positive = int(labels.sum())
    fewest = min(positive, labels.size - positive)
    if fewest < MIN_OF_EACH_CLASS:
        msg = (
            f"calibration: {positive} positive and {labels.size - positive} negative cases are too few; "
            f"at least {MIN_OF_EACH_CLASS} of each are needed"
        )
        raise ConfigurationError(msg)


def _softened(labels: LabelArray) -> FloatArray:
    """Platt's targets: (positives+1)/(positives+2) and 1/(negatives+2)."""
    positive = int(labels.sum())
    return np.where(labels == 1, (positive + 1) / (positive + 2), 1 / (labels.size - positive + 2))


def _fit_logistic(features: FloatArray, labels: LabelArray, *, has_intercept: bool) -> tuple[float, ...]:
    """Coefficients of least log-loss: one a feature, kept >= 0, then the intercept. Convex, so the minimum is unique.

    Args:
        features: shape (cases, features).
        labels: 0 or 1, shape (cases,).
        has_intercept: whether there is one.
    """
    from scipy.optimize import minimize

    targets = _softened(labels)
    columns = np.column_stack([features, np.ones(labels.size)]) if has_intercept else features
    scale = np.maximum(np.abs(columns).mean(axis=0), 1e-12)
    x = columns / scale

    def loss_and_gradient(w: FloatArray) -> tuple[float, FloatArray]:
        z = x @ w
        loss = np.logaddexp(0.0, z) - targets * z
        return float(loss.mean()), x.T @ (sigmoid(z) - targets) / z.size

    slopes = features.shape[1]
    bounds = [(0.0, None)] * slopes + [(None, None)] * has_intercept
    start = np.repeat([1.0, 0.0], [slopes, int(has_intercept)])
    options = {"ftol": 1e-14, "gtol": 1e-9}
    found = minimize(loss_and_gradient, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options)
    return tuple(float(v) for v in found.x / scale)


def _fit_isotonic(logits: FloatArray, labels: LabelArray) -> Calibrator:
    """Isotonic regression as knots, its ends kept off 0 and 1."""
    from sklearn.isotonic import IsotonicRegression

    soft = _softened(labels)
    fitted = IsotonicRegression(y_min=soft.min(), y_max=soft.max(), out_of_bounds="clip").fit(logits, soft)
    x, p = np.asarray(fitted.X_thresholds_, float), np.maximum.accumulate(np.asarray(fitted.y_thresholds_, float))
    return Calibrator(CalibrationKind.ISOTONIC, knot_logits=tuple(x.tolist()), knot_probabilities=tuple(p.tolist()))
