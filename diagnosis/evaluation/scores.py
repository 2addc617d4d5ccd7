"""Scores of one subset of modalities on a set of cases: what every table and figure of an evaluation is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.calibration import Calibrator, cross_fit_probabilities, fit_calibrator
from diagnosis.evaluation.checks import FloatArray, LabelArray, as_labels, as_probabilities, as_values
from diagnosis.evaluation.conformal import ConformalThreshold, fit_conformal
from diagnosis.evaluation.thresholds import fit_threshold
from diagnosis.vocabulary import fullest_subset

COVERAGE = 0.9
HEADLINE_OF_EACH_CLASS = 10


@final
@dataclass(frozen=True, eq=False)
class SubsetScores:
    """Scores by case, none of them made by a network, calibrator or threshold that saw the case.

    Attributes:
        case_ids: pseudonyms, each once.
        patient_ids: pseudonym of each case's patient.
        labels: 0 or 1, shape (cases,).
        logits: the network's output, shape (cases,).
        probabilities: calibrated, in [0,1], shape (cases,).
        folds: name of each case's fold, or one name for all where the cases are a set by itself.
        thresholds: probability at or above which each case is flagged, shape (cases,).
        prediction_sets: columns as `conformal.ANSWERS`, shape (cases, 2); None where there is no conformal calibration.
        coverage: what the prediction sets promise.

    Raises:
        ConfigurationError: lengths that differ, a case twice, or values outside their range.
    """

    case_ids: tuple[str, ...]
    patient_ids: tuple[str, ...]
    labels: LabelArray
    logits: FloatArray
    probabilities: FloatArray
    folds: tuple[str, ...]
    thresholds: FloatArray
    prediction_sets: NDArray[np.bool_] | None = field(default=None, repr=False)
    coverage: float = COVERAGE

    def __post_init__(self) -> None:
        count = len(self.case_ids)
        as_labels(self.labels, count)
        as_probabilities(self.probabilities)
        as_values("logits", self.logits)
        optional = () if self.prediction_sets is None else (self.prediction_sets,)
        by_case = (self.patient_ids, self.logits, self.probabilities, self.folds, self.thresholds, *optional)
        lengths = [len(values) for values in by_case]
        if any(length != count for length in lengths):
            msg = f"scores: {count} cases, but columns of {sorted(set(lengths))} entries; pass one entry a case"
            raise ConfigurationError(msg)
        if len(set(self.case_ids)) != count:
            msg = f"scores: {count - len(set(self.case_ids))} cases come twice; pass each case once"
            raise ConfigurationError(msg)

    @classmethod
    def cross_fitted(
        cls,
        case_ids: Sequence[str],
        patient_ids: Sequence[str],
        labels: ArrayLike,
        logits: ArrayLike,
        folds: Sequence[str],
        *,
        kind: str = "platt",
        coverage: float = COVERAGE,
        by_class: bool = False,
    ) -> Self:
        """Scores of pooled folds: calibrator, threshold and prediction sets of a fold come from the other folds.

        Args:
            case_ids: pseudonyms.
            patient_ids: pseudonym of each case's patient.
            labels: 0 or 1.
            logits: of each case by a network that was not trained on its fold.
            folds: name of each case's fold.
            kind: of calibration.
            coverage: of the prediction sets.
            by_class: whether the sets keep their promise for each class by itself.

        Raises:
            ConfigurationError: a patient in two folds (its row is named), or as `fit_calibrator`.
        """
        require_patients_in_one_fold(patient_ids, folds)
        z = as_values("logits", logits)
        y = as_labels(labels, z.size)
        names = tuple(str(fold) for fold in folds)
        p = cross_fit_probabilities(z, y, names, kind)
        thresholds = np.empty_like(p)
        sets = np.zeros((z.size, 2), dtype=bool)
        for fold in sorted(set(names)):
            is_own = np.array([name == fold for name in names])
            # The others are calibrated by this fold's calibrator, which never saw this fold: no label comes back.
            others = fit_calibrator(z[~is_own], y[~is_own], kind).probability(z[~is_own])
            thresholds[is_own] = fit_threshold(others, y[~is_own])
            sets[is_own] = fit_conformal(others, y[~is_own], coverage, by_class=by_class).includes(p[is_own])
        return cls(tuple(case_ids), tuple(patient_ids), y, z, p, names, thresholds, sets, coverage)

    @classmethod
    def of_bundle(
        cls,
        case_ids: Sequence[str],
        patient_ids: Sequence[str],
        labels: ArrayLike,
        logits: ArrayLike,
        calibrator: Calibrator,
        *,
        threshold: float = 0.5,
        conformal: ConformalThreshold | None = None,
    ) -> Self:
        """Scores of new cases, by what a finished bundle holds.

        Args:
            case_ids: pseudonyms.
            patient_ids: pseudonym of each case's patient.
            labels: 0 or 1.
            logits: the bundle's output.
            calibrator: the bundle's, for this subset.
            threshold: the bundle's.
            conformal: the bundle's, for this subset.
        """
        z = as_values("logits", logits)
        p = calibrator.probability(z)
        y = as_labels(labels, z.size)
        return cls(
            tuple(case_ids),
            tuple(patient_ids),
            y,
            z,
            p,
            ("all",) * z.size,
            np.full(z.size, threshold),
            conformal.includes(p) if conformal else None,
            conformal.coverage if conformal else COVERAGE,
        )

    @property
    def is_flagged(self) -> NDArray[np.bool_]:
        """Whether each case is flagged, shape (cases,)."""
        return np.asarray(self.probabilities >= self.thresholds)

    def select(self, indices: NDArray[np.int64]) -> Self:
        """The cases at these positions, shape (kept,), in this order."""
        return type(self)(
            tuple(self.case_ids[i] for i in indices),
            tuple(self.patient_ids[i] for i in indices),
            self.labels[indices],
            self.logits[indices],
            self.probabilities[indices],
            tuple(self.folds[i] for i in indices),
            self.thresholds[indices],
            None if self.prediction_sets is None else self.prediction_sets[indices],
            self.coverage,
        )


def headline_subset(scores: Mapping[str, SubsetScores]) -> str:
    """The subset that a reader is shown first: the one with the most parts that enough cases have.

    Where none has ten cases of each class it is the one with the most cases; all three parts of three cases tell less
    than one part of thirty.
    """

    def n_of_rarer_class(name: str) -> int:
        positives = int(scores[name].labels.sum())
        return min(positives, len(scores[name].labels) - positives)

    measured = [name for name in scores if n_of_rarer_class(name) >= HEADLINE_OF_EACH_CLASS]
    if measured:
        return fullest_subset(measured)
    return max(scores, key=lambda name: (len(scores[name].case_ids), name.count("+")))


def common_cases(scores: Sequence[SubsetScores]) -> tuple[SubsetScores, ...]:
    """The same cases in the same order in each, so that they can be compared case by case.

    Raises:
        ConfigurationError: no case in common, or labels that differ.
    """
    shared = set(scores[0].case_ids).intersection(*(s.case_ids for s in scores[1:]))
    if not shared:
        msg = "scores: the subsets have no case in common; compare scores of the same cases"
        raise ConfigurationError(msg)
    order = [case_id for case_id in scores[0].case_ids if case_id in shared]
    aligned = []
    for one in scores:
        position = {case_id: index for index, case_id in enumerate(one.case_ids)}
        aligned.append(one.select(np.array([position[case_id] for case_id in order])))
    if any((one.labels != aligned[0].labels).any() for one in aligned):
        msg = "scores: the same cases have different labels in two subsets; score them against one set of labels"
        raise ConfigurationError(msg)
    return tuple(aligned)


def require_patients_in_one_fold(patient_ids: Sequence[str], folds: Sequence[str]) -> None:
    """Refuse folds that share a patient.

    Raises:
        ConfigurationError: names the row at which a patient appears in a second fold.
    """
    seen: dict[str, str] = {}
    for row, (patient, fold) in enumerate(zip(patient_ids, folds, strict=True)):
        if seen.setdefault(patient, fold) != fold:
            msg = f"folds: the patient of row {row} is in {seen[patient]} and in {fold}; split by patient"
            raise ConfigurationError(msg)
