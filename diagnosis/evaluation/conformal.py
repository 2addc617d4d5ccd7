"""Prediction sets with a promise: at least the stated share of cases has its true answer in the set.

Split conformal prediction with the score 1 − p(answer) (least ambiguous sets: Sadinle, Lei, Wasserman, JASA
2019;114:223). The threshold is the ⌈(n+1)·coverage⌉-th smallest score of n calibration cases. A set of both answers is
an abstention: the case is too uncertain to call. An empty set is one too: no answer is as typical as the calibration
cases were, which only happens where the model is right more often than the coverage asks.

By class (Mondrian; Vovk, Gammerman, Shafer 2005) the promise holds for positives and negatives each by themselves,
where the plain one may be kept by doing well on the larger class only. The promise assumes that new cases are
exchangeable with the calibration cases: another hospital, or a patient with many nodules, weakens it.
"""

from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diagnosis.errors import BundleError, ConfigurationError
from diagnosis.evaluation.checks import FloatArray, LabelArray, as_labels, as_probabilities

ANSWERS = ("negative", "positive")


@final
@dataclass(frozen=True)
class ConformalThreshold:
    """The largest score 1 − p(answer) with which an answer still belongs in the set.

    Attributes:
        coverage: the promised share, in (0,1).
        negative: threshold for the answer "negative", in [0,1]; 1 always includes it.
        positive: threshold for the answer "positive".
        by_class: whether the two were found on each class by itself.
        n: calibration cases.

    Raises:
        ConfigurationError: a coverage or a threshold outside its range.
    """

    coverage: float
    negative: float
    positive: float
    by_class: bool
    n: int

    def __post_init__(self) -> None:
        _check_coverage(self.coverage)
        if not (0 <= self.negative <= 1 and 0 <= self.positive <= 1):
            msg = (
                f"conformal thresholds: {self.negative:g} and {self.positive:g} must both lie in 0 to 1; fit them again"
            )
            raise ConfigurationError(msg)

    def includes(self, probability: ArrayLike) -> NDArray[np.bool_]:
        """Whether each answer is in the set: shape (cases, 2), columns as `ANSWERS`."""
        p = np.atleast_1d(np.asarray(probability, dtype=np.float64))
        return np.stack([p <= self.negative, 1 - p <= self.positive], axis=1)

    def prediction_set(self, probability: float) -> tuple[str, ...]:
        """The answers that cannot be ruled out at the stated coverage, a subset of `ANSWERS` in that order."""
        (row,) = self.includes(probability)
        return tuple(answer for answer, is_in in zip(ANSWERS, row, strict=True) if is_in)

    def to_json(self) -> dict[str, object]:
        """What `from_json` reads."""
        thresholds = {"negative": self.negative, "positive": self.positive}
        return {"coverage": self.coverage, **thresholds, "by_class": self.by_class, "n": self.n}

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """The thresholds that `to_json` wrote.

        Raises:
            BundleError: a missing or unknown field, or a value outside its range.
        """
        try:
            return cls(**data)  # type: ignore[arg-type]
        except (TypeError, ConfigurationError) as error:
            msg = f"conformal: the bundle's entry cannot be used ({error}); build the bundle again"
            raise BundleError(msg) from error


@final
@dataclass(frozen=True)
class ConformalResult:
    """What the sets did on cases that did not set the threshold.

    Attributes:
        nominal: the promised coverage.
        coverage: share of cases whose true answer was in the set.
        coverage_negative: the same over true negatives.
        coverage_positive: the same over true positives.
        abstention: share of cases with both answers or none.
        decided_accuracy: share of right ones among sets of one answer; nan where there are none.
        n: cases.
    """

    nominal: float
    coverage: float
    coverage_negative: float
    coverage_positive: float
    abstention: float
    decided_accuracy: float
    n: int


def fit_conformal(
    probability: ArrayLike, labels: ArrayLike, coverage: float = 0.9, *, by_class: bool = False
) -> ConformalThreshold:
    """Thresholds that keep the promise on exchangeable cases.

    Args:
        probability: calibrated, of cases that did not train the network, shape (cases,).
        labels: 0 or 1, shape (cases,).
        coverage: share of cases that shall have their true answer in the set.
        by_class: keep the promise for each class by itself.

    Raises:
        ConfigurationError: arrays that do not fit, a coverage outside (0,1), or no case of a class.
    """
    _check_coverage(coverage)
    p = as_probabilities(probability)
    y = as_labels(labels, p.size, both_classes=by_class)
    scores = np.where(y == 1, 1 - p, p)
    if not by_class:
        threshold = _quantile(scores, coverage)
        return ConformalThreshold(coverage, threshold, threshold, by_class=False, n=p.size)
    negative, positive = (_quantile(scores[y == answer], coverage) for answer in (0, 1))
    return ConformalThreshold(coverage, negative, positive, by_class=True, n=p.size)


def evaluate_sets(sets: NDArray[np.bool_], labels: ArrayLike, nominal: float) -> ConformalResult:
    """Coverage and abstention of prediction sets.

    Args:
        sets: as `ConformalThreshold.includes` returns them, shape (cases, 2).
        labels: 0 or 1, shape (cases,).
        nominal: the promised coverage.
    """
    y: LabelArray = as_labels(labels, len(sets))
    is_covered = sets[np.arange(y.size), y]
    is_decided = sets.sum(axis=1) == 1
    return ConformalResult(
        nominal=nominal,
        coverage=_share(is_covered),
        coverage_negative=_share(is_covered[y == 0]),
        coverage_positive=_share(is_covered[y == 1]),
        abstention=_share(~is_decided),
        decided_accuracy=_share(is_covered[is_decided]),
        n=y.size,
    )


def _quantile(scores: FloatArray, coverage: float) -> float:
    """The ⌈(n+1)·coverage⌉-th smallest score; 1 (everything conforms) where there are too few for the promise."""
    # The small step back keeps 0.9 · 10 = 9.000000000000002 from becoming 10.
    rank = int(np.ceil((scores.size + 1) * coverage - 1e-9))
    return 1.0 if rank > scores.size else float(np.sort(scores)[rank - 1])


def _check_coverage(coverage: float) -> None:
    """Refuse a promise of nothing or of everything."""
    if not 0 < coverage < 1:
        msg = f"conformal coverage: {coverage:g} is not between 0 and 1; 0.9 is usual"
        raise ConfigurationError(msg)


def _share(flags: NDArray[np.bool_]) -> float:
    """Share of true flags; nan of none."""
    return float(flags.mean()) if flags.size else float("nan")
