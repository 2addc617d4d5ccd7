"""What readers and a ruler say of the same cases: the baselines of a model, and how near its descriptors come."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from diagnosis.evaluation import subgroups
from diagnosis.evaluation.metrics import weighted_auroc
from diagnosis.evaluation.metrics_file import Bootstrap
from diagnosis.evaluation.ordinal import evaluate_descriptor
from diagnosis.evaluation.resampling import PatientResampling
from diagnosis.evaluation.scores import SubsetScores
from diagnosis.training.cohort import Cohort, Reader, TrainingCase, soft_malignancy
from diagnosis.training.folds import OutOfFold
from diagnosis.vocabulary import DESCRIPTORS

TRUTH, COMPARED = 2, 0
"""Places of two readers: a descriptor is held to what the third said, and the first is held to the same."""
Values = npt.NDArray[np.float64]


def baseline_scores(cases: Sequence[TrainingCase]) -> dict[str, Values]:
    """What a clinician would use instead, a number a case: diameter, and where there are readers their ratings.

    `descriptors_of_reader_1` and `descriptors_of_readers_1_and_2` are logistic regressions on the eight descriptors and
    the log diameter, each fold's fitted on the labels of the other folds.
    """
    values: dict[str, Values] = {}
    if any(c.diameter_mm for c in cases):
        values["diameter"] = np.array([c.diameter_mm or np.nan for c in cases])
    if not all(len(c.readers) >= 2 for c in cases):
        return values
    pairs = [(c.readers[0].malignancy, c.readers[1].malignancy) for c in cases]
    values["reader_1_malignancy_rating"] = np.array([first for first, _ in pairs])
    values["readers_1_and_2_mean_rating"] = np.mean(pairs, axis=1)
    if all(c.diameter_mm for c in cases):
        values["descriptors_of_reader_1"] = _described(cases, (0,))
        values["descriptors_of_readers_1_and_2"] = _described(cases, (0, 1))
    return values


def _described(cases: Sequence[TrainingCase], readers: tuple[int, ...]) -> Values:
    size = [[np.log(c.diameter_mm or np.nan)] for c in cases]
    x = np.hstack([size, *([c.readers[r].ratings for c in cases] for r in readers)])
    labels = np.array([c.labels[0] for c in cases])
    return _cross_fitted(x, labels, np.array([c.fold for c in cases]))


def _cross_fitted(x: Values, labels: npt.NDArray[Any], folds: npt.NDArray[Any]) -> Values:
    """Scores (case,) of logistic regressions on (case,feature), each fold's learned from the others."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    score = np.zeros(len(x))
    for fold in np.unique(folds):
        own = folds == fold
        model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
        score[own] = model.fit(x[~own], labels[~own]).decision_function(x[own])
    return score


def limits_of_words(cohort: Cohort, ct_logits: Values, bootstrap: Bootstrap) -> dict[str, object]:
    """What a perfect reader of words could make of the note and of the dictation: from the ratings themselves.

    A logistic regression on the describing reader's eight ratings and own diameter; each fold's is learned from every
    reader's description in the other folds against the shares of the *other* readers who lean to malignant, as the
    fusion is. Scored on the first reader's description (the note) and on the second's (the dictation). Empty where a
    cohort has no scored cases with two readers or more.

    `ct+note+voice` is what could be made of all parts: a regression on the network's answer to the CT alone and on both
    of these, each fold's learned from the others.

    Args:
        cohort: whose readers described its cases.
        ct_logits: (case,) out-of-fold answers to the CT alone, NaN where there is none.
        bootstrap: of the intervals.
    """
    rows = [i for i, c in enumerate(cohort.cases) if c.labels[0] is not None and len(c.readers) >= 2]
    cases = [cohort.cases[i] for i in rows]
    if len({c.labels[0] for c in cases}) < 2:
        return {}
    labels = np.array([c.labels[0] for c in cases])
    draws = PatientResampling.draw([c.patient_id for c in cases], bootstrap.replicates, bootstrap.seed)
    by_part: dict[str, Values] = {}
    for part, place in (("note", 0), ("voice", 1)):
        scores = np.zeros(len(cases))
        for fold in cohort.folds:
            own = [i for i, case in enumerate(cases) if case.fold == fold]
            described = np.array([_description(cases[i].readers[place]) for i in own])
            scores[own] = _of_descriptions([c for c in cohort.cases if c.fold != fold]).decision_function(described)
        by_part[part] = scores
    joined = np.stack([ct_logits[rows], *by_part.values()], axis=1)
    if np.isfinite(joined).all():
        by_part["ct+note+voice"] = _cross_fitted(joined, labels, np.array([case.fold for case in cases]))
    return {
        part: {"auroc": draws.interval(partial(weighted_auroc, scores, labels)).to_json(), "n": len(cases)}
        for part, scores in by_part.items()
    }


def _of_descriptions(cases: Sequence[TrainingCase]) -> Any:  # noqa: ANN401 - scikit-learn is untyped
    """A regression of what a reader's description says of the other readers' opinions."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pairs = [
        (_description(reader), soft_malignancy(others))
        for case in cases
        for i, reader in enumerate(case.readers)
        if (others := [other.malignancy for j, other in enumerate(case.readers) if j != i])
    ]
    x = np.array([described for described, _ in pairs])
    share = np.array([leaning for _, leaning in pairs])
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    y, weights = np.repeat([1, 0], len(x)), np.concatenate([share, 1 - share])
    return model.fit(np.vstack([x, x]), y, logisticregression__sample_weight=weights)


def _description(reader: Reader) -> list[float]:
    """Ratings, log diameter, and whether there is calcium of each kind, since its levels have no order."""
    calcium = reader.ratings[[d.name for d in DESCRIPTORS].index("calcification")]
    return [*reader.ratings, float(np.log(reader.diameter_mm or np.nan)), *(float(calcium == k) for k in range(1, 6))]


def descriptor_figures(cohort: Cohort, out_of_fold: OutOfFold, subset: str, bootstrap: Bootstrap) -> dict[str, object]:
    """Each descriptor as read by the network from `subset`, and by the first reader, against the third reader."""
    predicted = out_of_fold.descriptors[subset]
    found: dict[str, object] = {}
    for index, descriptor in enumerate(DESCRIPTORS):
        rows = [
            i
            for i, case in enumerate(cohort.cases)
            if len(case.readers) > TRUTH
            and np.isfinite([predicted[i, index], *(case.readers[r].ratings[index] for r in (TRUTH, COMPARED))]).all()
        ]
        if len(rows) < 2:
            continue
        cases = [cohort.cases[i] for i in rows]
        truth, other = (np.array([c.readers[r].ratings[index] for c in cases]) for r in (TRUTH, COMPARED))
        draws = PatientResampling.draw([c.patient_id for c in cases], bootstrap.replicates, bootstrap.seed)
        found[descriptor.name] = evaluate_descriptor(predicted[rows, index], truth, other, draws)
    return found


def cohort_subgroups(cohort: Cohort, scores: SubsetScores, bootstrap: Bootstrap) -> list[dict[str, object]]:
    """Figures by size and slice spacing, which the cohort states of every case with a CT."""
    by_id = {case.case_id: case for case in cohort.cases}
    cases = [by_id[case_id] for case_id in scores.case_ids]
    spacings = [case.region.slice_spacing_mm if case.region else None for case in cases]
    attributes = {
        "size": subgroups.band([case.diameter_mm for case in cases], subgroups.SIZE_EDGES_MM, "mm"),
        "slice spacing": subgroups.band(spacings, subgroups.SLICE_SPACING_EDGES_MM, "mm"),
    }
    return [row.to_json() for row in subgroups.subgroup_metrics(scores, attributes, bootstrap.of(scores))]
