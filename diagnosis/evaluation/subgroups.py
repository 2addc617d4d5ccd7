"""For whom it works: the same figures by sex, age, size, slice spacing, or any other grouping of the cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np
from numpy.typing import NDArray

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.checks import FloatArray
from diagnosis.evaluation.metrics import CALL_METRICS, weighted_auroc, weighted_calls, weighted_mean
from diagnosis.evaluation.resampling import Interval, PatientResampling, percentile_interval
from diagnosis.evaluation.scores import SubsetScores

MIN_OF_EACH_CLASS = 5
"""A figure of fewer cases would be noise with a name."""

AGE_EDGES_YEARS = (50.0, 60.0, 70.0)
SIZE_EDGES_MM = (6.0, 8.0, 15.0, 30.0)
"""Steps of the Fleischner guideline (6, 8; MacMahon et al., Radiology 2017;284:228); beyond 30 mm it is a mass."""
SLICE_SPACING_EDGES_MM = (1.5, 2.5)

UNKNOWN = "unknown"


@final
@dataclass(frozen=True)
class SubgroupMetrics:
    """Figures of one group.

    Attributes:
        attribute: what the cases are grouped by.
        group: which group.
        n: cases.
        positives: positive cases.
        patients: patients.
        auroc: of the logits.
        sensitivity: at the thresholds of the scores.
        specificity: at the thresholds of the scores.
        in_the_large: mean label minus mean probability; 0 is calibrated.

    A figure of fewer than `MIN_OF_EACH_CLASS` cases of the class it takes is nan.
    """

    attribute: str
    group: str
    n: int
    positives: int
    patients: int
    auroc: Interval
    sensitivity: Interval
    specificity: Interval
    in_the_large: Interval

    def to_json(self) -> dict[str, object]:
        """Each figure as `value`, `low`, `high`; the rest as it is."""
        return {name: value.to_json() if isinstance(value, Interval) else value for name, value in vars(self).items()}


def subgroup_metrics(
    scores: SubsetScores, groupings: Mapping[str, Sequence[str]], resampling: PatientResampling
) -> tuple[SubgroupMetrics, ...]:
    """Figures of every group of every grouping.

    Args:
        scores: of all cases.
        groupings: from an attribute ("sex") to the group of each case, length cases.
        resampling: draws over the same cases.

    Raises:
        ConfigurationError: a grouping of another length.
    """
    resampling.require_cases(len(scores.case_ids))
    rows: list[SubgroupMetrics] = []
    for attribute, groups in groupings.items():
        if len(groups) != len(scores.case_ids):
            msg = f"subgroups: {attribute} has {len(groups)} entries for {len(scores.case_ids)} cases; pass one a case"
            raise ConfigurationError(msg)
        names = sorted(set(groups), key=lambda name: (name == UNKNOWN, _sort_key(name)))
        members = (np.array([group == name for group in groups]) for name in names)
        rows.extend(_one_group((attribute, n), scores, m, resampling) for n, m in zip(names, members, strict=True))
    return tuple(rows)


def band(values: Sequence[float | None] | FloatArray, edges: Sequence[float], unit: str) -> tuple[str, ...]:
    """Name of each value's band, such as "< 6 mm", "6 to < 8 mm", "≥ 30 mm"; "unknown" for None or nan.

    Args:
        values: one a case, shape (cases,).
        edges: rising; a value on an edge belongs to the band above.
        unit: shown behind the numbers.
    """
    names = [f"< {edges[0]:g} {unit}"]
    names += [f"{low:g} to < {high:g} {unit}" for low, high in pairwise(edges)]
    names.append(f"≥ {edges[-1]:g} {unit}")
    known = [float("nan") if value is None else float(value) for value in values]
    return tuple(UNKNOWN if np.isnan(v) else names[int(np.searchsorted(edges, v, side="right"))] for v in known)


def _sort_key(name: str) -> tuple[float, str]:
    """Bands by their lower end, other names by the alphabet."""
    words = name.replace("≥", "").split()
    if name.startswith("<"):
        return -1.0, name
    try:
        return float(words[0]), name
    except (ValueError, IndexError):
        return 0.0, name


def _one_group(
    name: tuple[str, str], scores: SubsetScores, is_member: NDArray[np.bool_], resampling: PatientResampling
) -> SubgroupMetrics:
    """Figures of the members."""
    draws = resampling.restricted_to(is_member)
    y, p, z = scores.labels[is_member], scores.probabilities[is_member], scores.logits[is_member]
    positives, negatives = int(y.sum()), int(y.size - y.sum())
    calls = draws.values(lambda w: weighted_calls(scores.is_flagged[is_member], y, w))
    by_name = dict(zip(CALL_METRICS, calls, strict=True))

    def where_enough(cases: int, values: FloatArray) -> Interval:
        return percentile_interval(values if cases >= MIN_OF_EACH_CLASS else np.full(1, np.nan))

    return SubgroupMetrics(
        *name,
        n=y.size,
        positives=positives,
        patients=np.unique(draws.patient_of_case).size,
        auroc=where_enough(min(positives, negatives), draws.values(lambda w: weighted_auroc(z, y, w))),
        sensitivity=where_enough(positives, by_name["sensitivity"]),
        specificity=where_enough(negatives, by_name["specificity"]),
        in_the_large=where_enough(y.size, draws.values(lambda w: weighted_mean(y - p, w))),
    )
