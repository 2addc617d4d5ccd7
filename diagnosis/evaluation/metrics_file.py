"""A bundle's `eval/metrics.json`, and what `diagnosis evaluate` writes: one form, built from scores alone.

::

    {"protocol": {...},
     "findings": {"malignancy": {"ct": {"auroc": {"value", "low", "high"}, "auprc": ..., "ece": ..., "n": ...},
                                 "note": ..., "voice": ..., "ct+note": ..., ..., "ct+note+voice": ...}},
     "differences": {"ct+note+voice-vs-best-single": {"value", "low", "high", ...}},
     "baselines": {"diameter": {"auroc": ..., "auprc": ..., "n": ...}},
     "subgroups": {"malignancy": [...]}, "descriptors": {"spiculation": {"head", "reader", "error_difference"}}}

Differences are in AUROC, of the first finding, on the cases both sides have. What is not defined is null.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from diagnosis.errors import ConfigurationError, InputError
from diagnosis.evaluation.checks import FloatArray
from diagnosis.evaluation.comparison import delong_test, paired_auroc_difference
from diagnosis.evaluation.conformal import evaluate_sets
from diagnosis.evaluation.decision_curve import net_benefit_gain
from diagnosis.evaluation.metrics import auroc, binary_metrics, weighted_auprc, weighted_auroc
from diagnosis.evaluation.reliability import BINS, calibration_line, expected_ece, reliability_bins
from diagnosis.evaluation.resampling import REPLICATES, PatientResampling
from diagnosis.evaluation.scores import SubsetScores, common_cases

Json = dict[str, object]

REQUIRED_ENTRIES = ("protocol", "findings", "differences", "baselines")


@final
@dataclass(frozen=True)
class Bootstrap:
    """How intervals are drawn: so many draws of the patients, from this seed."""

    replicates: int = REPLICATES
    seed: int = 0

    @property
    def words(self) -> str:
        """For the protocol of a metrics document."""
        return f"patients, {self.replicates} draws, 95 % percentile intervals"

    def of(self, scores: SubsetScores) -> PatientResampling:
        """Draws of the patients of these scores."""
        return PatientResampling.draw(scores.patient_ids, self.replicates, self.seed)


def evaluate_finding(scores_by_subset: Mapping[str, SubsetScores], bootstrap: Bootstrap) -> Json:
    """All figures of one finding, by subset of modalities, in the order given."""
    return {subset: evaluate_subset(scores, bootstrap) for subset, scores in scores_by_subset.items()}


def evaluate_subset(scores: SubsetScores, bootstrap: Bootstrap) -> Json:
    """All figures of one subset.

    Beside those of `BinaryMetrics`: `expected_ece` (the calibration error that exactly true probabilities would show
    on so few cases), the calibration line and bins of reliability, how many cases had which probability (the reference
    for the watch on drift), AUROC by fold, conformal coverage and abstention, and net benefit gained.
    """
    draws = bootstrap.of(scores)
    metrics = binary_metrics(
        scores.probabilities, scores.labels, draws, threshold=scores.thresholds, ranking=scores.logits
    )
    gains = net_benefit_gain(scores.probabilities, scores.labels, draws)
    result: Json = {
        **metrics.to_json(),
        "threshold": _number(np.median(scores.thresholds)),
        "expected_ece": expected_ece(scores.probabilities, seed=bootstrap.seed),
        "calibration": _finite(asdict(calibration_line(scores.probabilities, scores.labels))),
        "reliability": [asdict(one) for one in reliability_bins(scores.probabilities, scores.labels)],
        "probability_counts": np.histogram(scores.probabilities, bins=BINS, range=(0.0, 1.0))[0].tolist(),
        "net_benefit_gain": {f"{threshold:g}": gain.to_json() for threshold, gain in gains.items()},
    }
    if len(set(scores.folds)) > 1:
        result["auroc_by_fold"] = {name: _auroc_of_fold(scores, name) for name in sorted(set(scores.folds))}
    if scores.prediction_sets is not None:
        result["conformal"] = _finite(asdict(evaluate_sets(scores.prediction_sets, scores.labels, scores.coverage)))
    return result


def evaluate_differences(scores_by_subset: Mapping[str, SubsetScores], bootstrap: Bootstrap) -> Json:
    """Each joint subset against the best of its own single parts, under the name `<subset>-vs-best-single`.

    The best part is chosen on the same cases by its AUROC, which favors the part: the difference is a cautious one.
    Joint subsets whose parts were not scored, or whose common cases are of one class, are left out.
    """
    result: Json = {}
    for subset, joint in scores_by_subset.items():
        parts = [part for part in subset.split("+") if part in scores_by_subset]
        if "+" not in subset or len(parts) < len(subset.split("+")):
            continue
        aligned = common_cases([joint, *(scores_by_subset[part] for part in parts)])
        if np.ptp(aligned[0].labels) == 0:
            continue
        areas = [auroc(one.logits, one.labels) for one in aligned[1:]]
        best = int(np.argmax(areas))
        comparison = _difference(aligned[0], aligned[1 + best].logits, bootstrap)
        result[f"{subset}-vs-best-single"] = {**comparison, "best_single": parts[best]}
    return result


def evaluate_baselines(
    scores: SubsetScores, baselines: Mapping[str, ArrayLike], bootstrap: Bootstrap
) -> dict[str, Json]:
    """What a clinician would use instead, on the same cases.

    Args:
        scores: give the cases, patients and labels; their own logits are not used.
        baselines: from a name ("diameter") to a score of each case, nan where it is missing, shape (cases,).
        bootstrap: how intervals are drawn.
    """
    result: dict[str, Json] = {}
    for name, values in baselines.items():
        known, score = _known_cases(scores, name, values)
        draws = bootstrap.of(known)
        area, precision = (
            draws.interval(partial(figure, score, known.labels)) for figure in (weighted_auroc, weighted_auprc)
        )
        result[name] = {"auroc": area.to_json(), "auprc": precision.to_json(), "n": len(known.case_ids)}
    return result


def compare_with_baselines(
    subset: str, scores: SubsetScores, baselines: Mapping[str, ArrayLike], bootstrap: Bootstrap
) -> Json:
    """One subset against each baseline, under the names `<subset>-vs-<baseline>`; baselines as `evaluate_baselines`.

    Baselines whose cases are of one class are left out.
    """
    result: Json = {}
    for name, values in baselines.items():
        known, score = _known_cases(scores, name, values)
        if np.ptp(known.labels):
            result[f"{subset}-vs-{name}"] = _difference(known, score, bootstrap)
    return result


def metrics_document(
    protocol: Mapping[str, object],
    findings: Mapping[str, Json],
    differences: Json,
    baselines: Mapping[str, Json],
    **further: object,
) -> Json:
    """The whole document.

    Args:
        protocol: what was scored and how: data, labels, split, seed, draws.
        findings: from a finding to what `evaluate_finding` returned.
        differences: from `evaluate_differences` and `compare_with_baselines`.
        baselines: from `evaluate_baselines`.
        further: other entries, such as `subgroups` and `descriptors`.
    """
    return {
        "protocol": dict(protocol),
        "findings": dict(findings),
        "differences": differences,
        "baselines": dict(baselines),
        **further,
    }


def write_metrics(document: Json, path: Path) -> None:
    """Write the document as JSON; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")


def read_metrics(path: Path) -> Json:
    """Read what `write_metrics` wrote.

    Raises:
        InputError: no such file, no JSON, or an entry is missing.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"metrics file {path.name}: cannot be read ({error.strerror}); run the evaluation first"
        raise InputError(msg) from error
    except ValueError as error:
        msg = f"metrics file {path.name}: is not JSON; run the evaluation again"
        raise InputError(msg) from error
    missing = [name for name in REQUIRED_ENTRIES if not isinstance(document, dict) or name not in document]
    if missing:
        msg = f"metrics file {path.name}: has no {', '.join(missing)}; run the evaluation again"
        raise InputError(msg)
    return dict(document)


def interval_text(entry: Json) -> str:
    """An entry of the document in words: `0.861 [0.829, 0.890]`, or `-` where it has no value."""
    value, low, high = entry.get("value"), entry.get("low"), entry.get("high")
    if value is None:
        return "-"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _difference(scores: SubsetScores, other: FloatArray, bootstrap: Bootstrap) -> Json:
    """Paired difference of AUROC, with the DeLong p-value."""
    draws = bootstrap.of(scores)
    interval = paired_auroc_difference(scores.logits, other, scores.labels, draws)
    p_value = delong_test(scores.logits, other, scores.labels).p_value
    return {**interval.to_json(), "n": len(scores.case_ids), "delong_p_value": _number(p_value)}


def _known_cases(scores: SubsetScores, name: str, values: ArrayLike) -> tuple[SubsetScores, FloatArray]:
    """The cases that have a finite baseline score, and it."""
    score = np.asarray(values, dtype=np.float64)
    if score.shape != (len(scores.case_ids),):
        msg = f"baseline {name}: shape {score.shape} for {len(scores.case_ids)} cases; pass one score a case"
        raise ConfigurationError(msg)
    known = np.flatnonzero(np.isfinite(score))
    if not known.size:
        msg = f"baseline {name}: no case has a value; leave it out"
        raise ConfigurationError(msg)
    return scores.select(known), score[known]


def _auroc_of_fold(scores: SubsetScores, fold: str) -> float | None:
    """AUROC over the cases of one fold."""
    is_in = np.array([name == fold for name in scores.folds])
    return _number(auroc(scores.logits[is_in], scores.labels[is_in]))


def _number(value: float) -> float | None:
    """A plain float; None for nan, which JSON does not know."""
    return None if np.isnan(value) else float(value)


def _finite(entries: Mapping[str, float]) -> Json:
    """The entries, None for nan."""
    return {name: value if isinstance(value, int) else _number(value) for name, value in entries.items()}
