"""From out-of-fold answers to a bundle: calibration, thresholds, metrics, card."""

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from diagnosis.bundle.calibration import SubsetCalibration, SubsetCalibrations
from diagnosis.bundle.folder import METRICS, save_bundle, save_familiarity
from diagnosis.bundle.metadata import (
    BundleMetadata,
    FindingDeclaration,
    InputDeclaration,
    TrainingRange,
    describe_data_format,
    network_config_to_json,
)
from diagnosis.bundle.training_cases import TRAINING_CASES, TrainingCases, save_training_cases
from diagnosis.evaluation.calibration import CalibrationKind, choose_kind, fit_calibrator
from diagnosis.evaluation.conformal import fit_conformal
from diagnosis.evaluation.metrics_file import (
    Bootstrap,
    compare_with_baselines,
    evaluate_baselines,
    evaluate_differences,
    evaluate_finding,
    evaluate_subset,
    metrics_document,
    write_metrics,
)
from diagnosis.evaluation.scores import SubsetScores
from diagnosis.evaluation.thresholds import fit_threshold
from diagnosis.familiarity.model import FamiliarityModel, fit_familiarity
from diagnosis.networks.classifier import DiagnosisNetwork
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.training.cohort import Cohort
from diagnosis.training.config import TrainConfig
from diagnosis.training.folds import OutOfFold
from diagnosis.training.lidc import PROTOCOL
from diagnosis.training.reader_figures import baseline_scores, cohort_subgroups, descriptor_figures, limits_of_words
from diagnosis.training.statements import Statements, stated_of
from diagnosis.training.sufficiency import labels_suffice
from diagnosis.training.text_stage import make_synthetic_texts
from diagnosis.vocabulary import NON_EMPTY_SUBSETS, fullest_subset, subset_name

SUBSETS = tuple(subset_name(s) for s in NON_EMPTY_SUBSETS)
ALL_PARTS = SUBSETS[-1]
SIMPLEST_CALIBRATION = CalibrationKind.PLATT
"""Networks learn soft targets of all cases, also of those that no label counts; the share of positives among the labels
is another one, and only a map with an intercept moves there."""


def scores_of(cohort: Cohort, out_of_fold: OutOfFold, subset: str, finding: int, coverage: float) -> SubsetScores:
    """Cross-fitted scores of the labeled cases that have the subset's parts."""
    logits = out_of_fold.logits[subset][:, finding]
    rows = [i for i, c in enumerate(cohort.cases) if c.labels[finding] is not None and np.isfinite(logits[i])]
    labels = np.array([cohort.cases[i].labels[finding] for i in rows])
    folds = [cohort.cases[i].fold for i in rows]
    return SubsetScores.cross_fitted(
        [cohort.cases[i].case_id for i in rows],
        [cohort.cases[i].patient_id for i in rows],
        labels,
        logits[rows],
        folds,
        kind=choose_kind(logits[rows], labels, folds, SIMPLEST_CALIBRATION),
        coverage=coverage,
        by_class=True,
    )


def can_be_scored(cohort: Cohort, out_of_fold: OutOfFold, subset: str, finding: int) -> bool:
    """Whether enough labeled cases have the subset's parts."""
    answered = np.isfinite(out_of_fold.logits[subset][:, finding])
    return labels_suffice(cohort, np.flatnonzero(answered).tolist(), finding)


def measure(cohort: Cohort, out_of_fold: OutOfFold, config: TrainConfig) -> dict[str, Any]:
    """The whole metrics document of a cross-validated cohort."""
    bootstrap = Bootstrap(seed=config.seed)
    findings = {}
    differences: dict[str, Any] = {}
    baselines: dict[str, Any] = {}
    for index, name in enumerate(cohort.findings):
        scores = {
            subset: scores_of(cohort, out_of_fold, subset, index, config.coverage)
            for subset in (*SUBSETS, "ct-no-diameter", "ct-encoder")
            if can_be_scored(cohort, out_of_fold, subset, index)
        }
        findings[name] = evaluate_finding(scores, bootstrap)
        if index == 0:
            joint = {subset: s for subset, s in scores.items() if subset in SUBSETS}
            differences, baselines = _comparisons(cohort, joint, bootstrap)
    protocol = {
        "data": cohort.name,
        "rule": PROTOCOL if config.data.kind == "lidc" else "cross-validation by the manifest's folds",
        "folds": list(cohort.folds),
        "seed": config.seed,
        "cases": len(cohort.cases),
        "bootstrap": bootstrap.words,
        "calibration": "each fold's calibrator, threshold and prediction sets come from the other folds",
    }
    further = _further(cohort, out_of_fold, config, bootstrap)
    return metrics_document(protocol, findings, differences, baselines, **further)


def _further(cohort: Cohort, out_of_fold: OutOfFold, config: TrainConfig, bootstrap: Bootstrap) -> dict[str, Any]:
    """What only some cohorts can say: agreement with all readers, descriptors, figures by group."""
    found: dict[str, Any] = {}
    if any(case.readers for case in cohort.cases):
        found["descriptors"] = descriptor_figures(cohort, out_of_fold, "ct", bootstrap)
        found["descriptors_of_all_parts"] = descriptor_figures(cohort, out_of_fold, ALL_PARTS, bootstrap)
    if config.data.kind == "lidc":
        found["consensus"] = _consensus(cohort, out_of_fold, bootstrap)
        found["limits_of_words"] = limits_of_words(cohort, out_of_fold.logits["ct"][:, 0], bootstrap)
    grouped = {}
    for index, name in enumerate(cohort.findings):
        subset = fullest_subset(_scored_subsets(cohort, out_of_fold, index))
        scores = scores_of(cohort, out_of_fold, subset, index, config.coverage)
        grouped[name] = cohort_subgroups(cohort, scores, bootstrap)
    return found | {"subgroups": grouped}


def _scored_subsets(cohort: Cohort, out_of_fold: OutOfFold, index: int) -> list[str]:
    """The subsets of parts that enough labeled cases have."""
    return [subset for subset in SUBSETS if can_be_scored(cohort, out_of_fold, subset, index)]


def _comparisons(
    cohort: Cohort, scores: Mapping[str, SubsetScores], bootstrap: Bootstrap
) -> tuple[dict[str, Any], dict[str, Any]]:
    differences: dict[str, Any] = dict(evaluate_differences(scores, bootstrap))
    by_id = {case.case_id: case for case in cohort.cases}
    baselines: dict[str, Any] = {}
    for subset in dict.fromkeys(("ct", fullest_subset(scores))):
        if subset not in scores:
            continue
        cases = [by_id[case_id] for case_id in scores[subset].case_ids]
        values = baseline_scores(cases)
        if not baselines:
            baselines = evaluate_baselines(scores[subset], values, bootstrap)
        differences |= compare_with_baselines(subset, scores[subset], values, bootstrap)
    return differences, baselines


def _consensus(cohort: Cohort, out_of_fold: OutOfFold, bootstrap: Bootstrap) -> dict[str, Any]:
    """CT alone against the consensus of all readers: mean rating at least 3.5 or at most 2.5 by every reader's vote.

    No text is in the input, so that no reader both describes and labels. For comparison with the literature.
    """
    logits = out_of_fold.logits["ct"][:, 0]
    rows, labels = [], []
    for i, case in enumerate(cohort.cases):
        label = case.consensus
        if label is not None and np.isfinite(logits[i]):
            rows.append(i)
            labels.append(label)
    cases = [cohort.cases[i] for i in rows]
    scores = SubsetScores.cross_fitted(
        [c.case_id for c in cases], [c.patient_id for c in cases], labels, logits[rows], [c.fold for c in cases]
    )
    diameters = {"diameter": np.array([c.diameter_mm or np.nan for c in cases])}
    return {
        "rule": "labels.csv clear_label = 1: all readers agree on the side of the scale",
        "ct": evaluate_subset(scores, bootstrap),
        "baselines": evaluate_baselines(scores, diameters, bootstrap),
    }


def calibrations_of(cohort: Cohort, out_of_fold: OutOfFold, config: TrainConfig) -> SubsetCalibrations:
    """Calibrations of the bundle: fitted on all out-of-fold answers."""
    by_finding: dict[str, dict[str, SubsetCalibration]] = {}
    for index, name in enumerate(cohort.findings):
        by_finding[name] = {}
        for subset in SUBSETS:
            if not can_be_scored(cohort, out_of_fold, subset, index):
                continue
            scores = scores_of(cohort, out_of_fold, subset, index, config.coverage)
            kind = choose_kind(scores.logits, scores.labels, scores.folds, SIMPLEST_CALIBRATION)
            # Prediction sets are fitted on cross-fitted probabilities: calibrating and counting on the same cases
            # would promise too much. By class: sets for all cases together covered 83 % of the positives only.
            by_finding[name][subset] = SubsetCalibration(
                fit_calibrator(scores.logits, scores.labels, kind),
                fit_conformal(scores.probabilities, scores.labels, config.coverage, by_class=True),
            )
    return SubsetCalibrations(by_finding)


def publish(
    config: TrainConfig,
    cohort: Cohort,
    network: DiagnosisNetwork,
    out_of_fold: OutOfFold,
    compared: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the bundle and its metrics; return the metrics document.

    Args:
        config: of the run.
        cohort: what was learned from.
        network: the ensemble.
        out_of_fold: what its members say of cases they have not seen.
        compared: the table of `diagnosis compare`, which the card shows.
    """
    from diagnosis.training.card import write_card

    folder = Path(config.out)
    document = measure(cohort, out_of_fold, config) | ({"fusions": compared} if compared else {})
    stated = stated_of(config, cohort)
    metadata = _metadata(config, cohort, network, out_of_fold, stated)
    save_bundle(folder, metadata, network, calibrations_of(cohort, out_of_fold, config))
    save_familiarity(folder, _familiarity(cohort, network, config))
    (folder / TRAINING_CASES).unlink(missing_ok=True)
    if config.data.marks_cases and any(case.contents for case in cohort.cases):
        save_training_cases(folder, TrainingCases.of(case.contents for case in cohort.cases))
    write_metrics(document, folder / METRICS)
    write_card(folder, metadata, document, stated)
    return document


def _metadata(
    config: TrainConfig, cohort: Cohort, network: DiagnosisNetwork, out_of_fold: OutOfFold, stated: Statements
) -> BundleMetadata:
    """What the bundle declares: its findings and inputs, its network, and what people state of it."""
    findings = [_declare(cohort, out_of_fold, config, index) for index in range(len(cohort.findings))]
    inputs = InputDeclaration(
        shape=config.data.shape,
        spacing_mm=config.data.spacing_mm,
        hu_range=network.config.volume_encoder.hu_range,
        max_tokens=network.config.text_encoder.max_tokens,
        n_mels=network.config.acoustic_encoder.n_mels if network.config.acoustic_encoder else None,
    )
    return BundleMetadata(
        name=config.name,
        version="0.1.0",
        changelog={"0.1.0": "first model"},
        monai_version=importlib.metadata.version("monai"),
        pytorch_version=importlib.metadata.version("torch").split("+")[0],
        numpy_version=importlib.metadata.version("numpy"),
        required_packages_version={p: importlib.metadata.version(p) for p in ("transformers", "safetensors")},
        task=stated.task,
        description=stated.description,
        authors=stated.authors,
        copyright=stated.copyright,
        data_source=stated.data_source,
        intended_use=stated.intended_use,
        network_data_format=describe_data_format(inputs, findings),
        findings=findings,
        inputs=inputs,
        network=network_config_to_json(network.config),
        training_range=_training_range(cohort),
    )


def _familiarity(cohort: Cohort, network: DiagnosisNetwork, config: TrainConfig) -> FamiliarityModel:
    """The alarm for cases unlike the training cases, fitted on their regions and on generated texts alone."""
    view = FieldOfView(config.data.shape, config.data.spacing_mm, network.config.volume_encoder.hu_range)
    regions = [(case.fold, case.region) for case in cohort.cases if case.region is not None]
    return fit_familiarity(regions, network, make_synthetic_texts(300, config.seed, config.family).texts, view)


def _declare(cohort: Cohort, out_of_fold: OutOfFold, config: TrainConfig, index: int) -> FindingDeclaration:
    """A finding with its threshold, set on calibrated out-of-fold probabilities of the fullest subset."""
    name = cohort.findings[index]
    subset = fullest_subset(_scored_subsets(cohort, out_of_fold, index))
    scores = scores_of(cohort, out_of_fold, subset, index, config.coverage)
    return FindingDeclaration(
        name=name,
        display=name.replace("_", " ").capitalize(),
        threshold=round(fit_threshold(scores.probabilities, scores.labels, config.sensitivity), 4),
        threshold_rule=f"flags {config.sensitivity:.0%} of the positive out-of-fold cases ({subset})",
    )


def _training_range(cohort: Cohort) -> TrainingRange | None:
    regions = [case.region for case in cohort.cases if case.region is not None]
    diameters = [case.diameter_mm for case in cohort.cases if case.diameter_mm]
    if not regions or not diameters:
        return None
    means = [float(region.hu.astype(np.float32).mean()) for region in regions]
    spacings = [region.slice_spacing_mm for region in regions]
    return TrainingRange(diameter_mm=_central(diameters), mean_hu=_central(means), slice_spacing_mm=_central(spacings))


def _central(values: list[float]) -> tuple[float, float]:
    """1st and 99th percentile."""
    low, high = np.percentile(values, [1, 99])
    return float(low), float(high)
