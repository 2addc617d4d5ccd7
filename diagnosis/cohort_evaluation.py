"""A bundle on the labeled cases of a manifest: `predictions.csv`, `scores.csv`, `metrics.json`, and a report.

Each case is scored with every subset of the parts it has, so that one pass gives the figures of all subsets. A CT
without a marked region is searched, and scored at the candidate with the highest probability of the first finding, as
`diagnosis assess` does. A case that cannot be read costs only itself: it is counted, and named by its row. Where all
cases are of one class, what needs both (AUROC) is null, and what one class tells (sensitivity, say) is there.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np

from diagnosis.bundle.training_cases import load_training_cases
from diagnosis.candidates import search_candidates
from diagnosis.engine import DiagnosisEngine
from diagnosis.errors import CaseError, DiagnosisError, ManifestError
from diagnosis.evaluation import subgroups
from diagnosis.evaluation.calibration import Calibrator
from diagnosis.evaluation.claim_sheet import SheetEntry, claim_sheet
from diagnosis.evaluation.metrics_file import (
    Bootstrap,
    compare_with_baselines,
    evaluate_baselines,
    evaluate_differences,
    evaluate_finding,
    metrics_document,
    write_metrics,
)
from diagnosis.evaluation.report import ReportContents, write_report
from diagnosis.evaluation.resampling import PatientResampling
from diagnosis.evaluation.scores import SubsetScores, headline_subset
from diagnosis.ingest.manifest import CENTER, Manifest, ManifestRow, read_manifest_case
from diagnosis.progress import OnProgress
from diagnosis.record import Case, RegionOfInterest
from diagnosis.record.case import case_subject
from diagnosis.study_facts import bundle_facts, cohort_facts
from diagnosis.vocabulary import Modality, counted, subset_name

StudyFacts = tuple[dict[str, str], dict[str, str]]
"""What people state for the checklists, and why some of what they ask does not exist."""
SHOWN_FAILURES = 10
FLAT = 1e-9
"""Probabilities that differ by less are one."""
PREDICTIONS, SCORES = "predictions.csv", "scores.csv"


@final
@dataclass(frozen=True, eq=False)
class ScoredCase:
    """One case: its row, and the logit of each finding for each subset of its parts, by subset name.

    `n_candidates` is the number of regions among which the CT's was chosen; None where it was marked, or nothing found.
    `was_trained_on` is whether the bundle knows the case from its training.
    """

    row: ManifestRow
    logits: dict[str, tuple[float, ...]]
    slice_spacing_mm: float | None
    region: RegionOfInterest | None = None
    n_candidates: int | None = None
    was_trained_on: bool = False


@final
@dataclass(eq=False)
class Scoring:
    """Cases scored so far, and by row why others were not."""

    cases: list[ScoredCase] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)

    @property
    def failures(self) -> list[str]:
        """A sentence for each row that could not be scored."""
        return [f"row {number}: {reason}" for number, reason in self.reasons.items()]


@final
@dataclass(frozen=True, eq=False)
class Evaluation:
    """The metrics document, a sentence for each row that could not be scored, and what its reader has to know."""

    document: dict[str, Any]
    failures: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def evaluate_manifest(
    engine: DiagnosisEngine,
    manifest: Manifest,
    out: Path,
    on_progress: OnProgress,
    study: StudyFacts = ({}, {}),
) -> Evaluation:
    """Score a manifest and write `predictions.csv`, `scores.csv`, `metrics.json` and `report.html` into `out`.

    Raises:
        ManifestError: no column of the bundle's findings; no row that could be scored, or none that has a label
            (`predictions.csv` is there all the same).
    """
    findings = [f.name for f in engine.bundle.metadata.findings if f.name in manifest.findings]
    if not findings:
        declared = ", ".join(f.name for f in engine.bundle.metadata.findings)
        msg = f"manifest: it has no column of the bundle's findings ({declared}); name one so, with 0, 1 or blank"
        raise ManifestError(msg)
    scoring = score_rows(engine, manifest.rows, on_progress)
    write_predictions(engine, manifest.rows, scoring, out / PREDICTIONS)
    if not scoring.cases:
        shown = "; ".join(scoring.failures[:SHOWN_FAILURES])
        msg = f"manifest: none of the {len(manifest.rows)} rows could be scored: {shown}"
        raise ManifestError(msg)
    scores = {name: _subset_scores(engine, scoring.cases, name) for name in findings}
    scores = {name: by_subset for name, by_subset in scores.items() if by_subset}
    if not scores:
        msg = (
            f"manifest: no row that could be scored has a label in {', '.join(findings)}, so nothing can be measured; "
            f"what the bundle says of each is in {PREDICTIONS}"
        )
        raise ManifestError(msg)
    write_scores(scores, {case.row.case_id: case.row.number for case in scoring.cases}, out / SCORES)
    document, baselines = _document(engine, scoring, scores, len(manifest.rows))
    write_metrics(document, out / "metrics.json")
    sheet = _sheet(engine, document, manifest.rows, scoring, study)
    contents = _contents(engine, document, scores, baselines, scoring, sheet)
    warnings = _warnings(scoring, scores)
    write_report(replace(contents, warnings=(*warnings, *contents.warnings)), out / "report.html")
    return Evaluation(document, tuple(scoring.failures), warnings)


def _warnings(scoring: Scoring, scores: dict[str, dict[str, SubsetScores]]) -> tuple[str, ...]:
    """What a reader of the figures has to know first."""
    warnings = []
    seen = [case.row.number for case in scoring.cases if case.was_trained_on]
    if seen:
        shown = ", ".join(map(str, seen[:SHOWN_FAILURES])) + (" …" if len(seen) > SHOWN_FAILURES else "")
        warnings.append(
            f"{len(seen)} of these {counted(len(scoring.cases), 'case')} have the CT, or without one the words, of a "
            f"case that the bundle was trained on ({'row' if len(seen) == 1 else 'rows'} {shown}): for these the "
            "figures say how well it remembers, and not how good it is. Leave them out; what it says of cases that it "
            "had not seen stands in its own eval/metrics.json."
        )
    flat = [
        f"{finding} from {subset}"
        for finding, by_subset in scores.items()
        for subset, one in by_subset.items()
        if np.ptp(one.logits) > 0 and np.ptp(one.probabilities) < FLAT
    ]
    if flat:
        warnings.append(
            f"The bundle gives all cases the same probability of {', '.join(flat)}: its logits pointed the wrong way "
            "when it was calibrated. AUROC and AUPRC rank these logits, which nobody is shown."
        )
    return tuple(warnings)


def rows_of_split(manifest: Manifest, split: str) -> Manifest:
    """Only the rows of a split.

    Raises:
        ManifestError: there are none.
    """
    rows = tuple(row for row in manifest.rows if row.split == split)
    if not rows:
        msg = f"manifest: no row has the split {split!r}; correct --split"
        raise ManifestError(msg)
    return Manifest(rows, manifest.findings)


def score_rows(engine: DiagnosisEngine, rows: Sequence[ManifestRow], on_progress: OnProgress) -> Scoring:
    """Score each row; a row that cannot be read is noted and passed over."""
    scoring = Scoring()
    trained_on = load_training_cases(engine.bundle.folder)
    for done, row in enumerate(rows):
        try:
            case, n_candidates = with_region(engine, read_manifest_case(row))
            logits = engine.subset_logits(case)
            is_known = trained_on is not None and trained_on.knows(case)
            scoring.cases.append(ScoredCase(row, logits, _slice_spacing(case), case.region, n_candidates, is_known))
        except DiagnosisError as error:
            scoring.reasons[row.number] = str(error)
        on_progress(done + 1, len(rows))
    return scoring


def with_region(engine: DiagnosisEngine, case: Case) -> tuple[Case, int | None]:
    """A case whose CT has no region, at the candidate of the highest probability; and of how many candidates.

    Raises:
        CaseError: nothing is proposed, and there is no note or dictation to score instead.
    """
    if case.volume is None or case.region is not None:
        return case, None
    search = search_candidates(case.volume)
    if search.candidates:
        best, _ = engine.assess_candidates(case, search.candidates)[0]
        return replace(case, region=best.region), len(search.candidates)
    if not case.present:
        msg = (
            f"{case_subject(case.case_id)}: no region is marked and none can be proposed: {search.reason}; give "
            "center_x_mm, center_y_mm and center_z_mm, or add a note or a dictation"
        )
        raise CaseError(msg)
    return case, None


def write_predictions(engine: DiagnosisEngine, rows: Sequence[ManifestRow], scoring: Scoring, path: Path) -> None:
    """Write what the bundle says of each row, with all parts that it has: one line a row, failed ones with the reason.

    Columns: row, case_id, patient_id, inputs, center_x_mm, center_y_mm, center_z_mm (blank without a CT), candidates
    (among how many the region was chosen; blank where it was marked), then of each of the bundle's findings FINDING
    (the label), probability_FINDING and is_flagged_FINDING, then error.
    """
    by_row = {case.row.number: case for case in scoring.cases}
    names = [finding.name for finding in engine.bundle.metadata.findings]
    said = [column for name in names for column in (name, f"probability_{name}", f"is_flagged_{name}")]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "case_id", "patient_id", "inputs", *CENTER, "candidates", *said, "error"])
        for row in rows:
            head = [row.number, row.case_id, row.patient_id]
            case = by_row.get(row.number)
            if case is None:
                labels = (cell for name in names for cell in (row.labels.get(name), None, None))
                writer.writerow([*head, *[None] * 5, *labels, scoring.reasons[row.number]])
                continue
            center = [round(mm, 2) for mm in case.region.center_mm] if case.region else [None] * 3
            subset = max(case.logits, key=lambda name: name.count("+"))
            cells = [subset, *center, case.n_candidates, *_said_of(engine, case, subset), None]
            writer.writerow([*head, *cells])


def write_scores(scores: dict[str, dict[str, SubsetScores]], rows: dict[str, int], path: Path) -> None:
    """Write what every figure is computed from: a line for each labeled case, finding and subset of its parts.

    Columns: row, case_id, patient_id, finding, input (the subset), label, logit, probability, is_flagged, then whether
    the prediction set holds each answer (blank where the bundle has no sets for the subset).
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        head = ["row", "case_id", "patient_id", "finding", "input", "label", "logit", "probability", "is_flagged"]
        writer.writerow([*head, "set_has_negative", "set_has_positive"])
        for finding, by_subset in scores.items():
            for subset, one in by_subset.items():
                for i, (case_id, patient_id) in enumerate(zip(one.case_ids, one.patient_ids, strict=True)):
                    named = [rows[case_id], case_id, patient_id, finding, subset, int(one.labels[i])]
                    said = [repr(float(one.logits[i])), repr(float(one.probabilities[i])), int(one.is_flagged[i])]
                    held = one.prediction_sets
                    sets = [None, None] if held is None else [int(held[i, 0]), int(held[i, 1])]
                    writer.writerow([*named, *said, *sets])


def _said_of(engine: DiagnosisEngine, case: ScoredCase, subset: str) -> Iterator[float | int | None]:
    """Label, probability and flag of each finding."""
    for finding, logit in zip(engine.bundle.metadata.findings, case.logits[subset], strict=True):
        probability = engine.probability(finding.name, subset, logit)
        yield case.row.labels.get(finding.name)
        yield round(probability, 6)
        yield int(probability >= finding.threshold)


def _slice_spacing(case: Case) -> float | None:
    return case.volume.spacing_mm[0] if case.volume is not None and case.region is not None else None


def _subset_scores(engine: DiagnosisEngine, cases: list[ScoredCase], finding: str) -> dict[str, SubsetScores]:
    """Scores of one finding by subset, of the cases that have a label."""
    declared = [f.name for f in engine.bundle.metadata.findings]
    index = declared.index(finding)
    threshold = engine.bundle.metadata.findings[index].threshold
    by_subset: dict[str, list[ScoredCase]] = defaultdict(list)
    for case in cases:
        if case.row.labels.get(finding) is not None:
            for subset in case.logits:
                by_subset[subset].append(case)
    result = {}
    for subset in sorted(by_subset, key=_subset_order):
        chosen = by_subset[subset]
        labels = [case.row.labels[finding] for case in chosen]
        calibration = engine.bundle.calibrations.of(finding, subset)
        result[subset] = SubsetScores.of_bundle(
            [case.row.case_id for case in chosen],
            [case.row.patient_id for case in chosen],
            np.array(labels),
            np.array([case.logits[subset][index] for case in chosen]),
            calibration.calibrator if calibration else Calibrator(),
            threshold=threshold,
            conformal=calibration.conformal if calibration else None,
        )
    return result


def _subset_order(name: str) -> tuple[int, str]:
    return name.count("+"), name


def _document(
    engine: DiagnosisEngine, scoring: Scoring, scores: dict[str, dict[str, SubsetScores]], n_rows: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The metrics document, and the baselines of the main finding's headline subset for the report's figures."""
    bootstrap = Bootstrap()
    main = next(iter(scores))
    by_id = {case.row.case_id: case for case in scoring.cases}
    baselines: dict[str, Any] = {}
    differences: dict[str, Any] = dict(evaluate_differences(scores[main], bootstrap))
    measured: dict[str, Any] = {}
    for subset, one in scores[main].items():
        values = _baselines(one, by_id)
        differences |= compare_with_baselines(subset, one, values, bootstrap)
        if subset == next(iter(scores[main])):
            measured = dict(evaluate_baselines(one, values, bootstrap))
        if subset == headline_subset(scores[main]):
            baselines = values
    groups = {name: _subgroups(by_subset, by_id) for name, by_subset in scores.items()}
    protocol = {
        "rule": "a finished bundle on the cases of a manifest",
        "bundle": f"{engine.bundle.metadata.name} {engine.bundle.metadata.version}",
        "bundle_sha256": engine.bundle.sha256,
        "rows": n_rows,
        "scored": len(scoring.cases),
        "failed": len(scoring.failures),
        "trained_on": sum(case.was_trained_on for case in scoring.cases),
        "regions_searched_for": sum(case.n_candidates is not None for case in scoring.cases),
        "bootstrap": bootstrap.words,
    }
    findings = {name: evaluate_finding(by_subset, bootstrap) for name, by_subset in scores.items()}
    return metrics_document(protocol, findings, differences, measured, subgroups=groups), baselines


def _baselines(scores: SubsetScores, by_id: dict[str, ScoredCase]) -> dict[str, Any]:
    """What is said of these cases without the model, as far as any of them has it: the diameter and the manifest's own.

    NaN where a case has none; the figures are then those of the cases that have one.
    """
    rows = [by_id[case_id].row for case_id in scores.case_ids]
    named = dict.fromkeys(name for row in rows for name in row.baselines)
    values = {"diameter": np.array([row.diameter_mm or np.nan for row in rows], dtype=np.float64)}
    values |= {name: np.array([row.baselines[name] for row in rows], dtype=np.float64) for name in named}
    return {name: value for name, value in values.items() if np.isfinite(value).any()}


def _subgroups(by_subset: dict[str, SubsetScores], by_id: dict[str, ScoredCase]) -> list[dict[str, object]]:
    """Figures of the headline subset by sex, age, size and slice spacing."""
    headline = by_subset[headline_subset(by_subset)]
    cases = [by_id[case_id] for case_id in headline.case_ids]
    attributes = {
        "sex": tuple(case.row.sex.value if case.row.sex else subgroups.UNKNOWN for case in cases),
        "age": subgroups.band([case.row.age_years for case in cases], subgroups.AGE_EDGES_YEARS, "years"),
        "size": subgroups.band([case.row.diameter_mm for case in cases], subgroups.SIZE_EDGES_MM, "mm"),
        "slice spacing": subgroups.band(
            [case.slice_spacing_mm for case in cases], subgroups.SLICE_SPACING_EDGES_MM, "mm"
        ),
    }
    draws = PatientResampling.draw(headline.patient_ids)
    return [row.to_json() for row in subgroups.subgroup_metrics(headline, attributes, draws)]


def _contents(
    engine: DiagnosisEngine,
    document: dict[str, Any],
    scores: dict[str, dict[str, SubsetScores]],
    baselines: dict[str, Any],
    scoring: Scoring,
    sheet: tuple[SheetEntry, ...],
) -> ReportContents:
    metadata = engine.bundle.metadata
    warnings = [f"{counted(len(scoring.failures), 'row')} could not be scored."] if scoring.failures else []
    warnings += scoring.failures[:SHOWN_FAILURES]
    facts = {
        "bundle": f"{metadata.name} {metadata.version}",
        "SHA-256": engine.bundle.sha256[:16],
        "scored": counted(len(scoring.cases), "case"),
        "all parts": subset_name(frozenset(Modality)),
    }
    return ReportContents("Evaluation", document, scores, baselines, sheet, facts, tuple(warnings))


def _sheet(
    engine: DiagnosisEngine, document: dict[str, Any], rows: Sequence[ManifestRow], scoring: Scoring, study: StudyFacts
) -> tuple[SheetEntry, ...]:
    """The checklists: what bundle and cases say themselves, and over it what people state."""
    stated, reasons = study
    scored = [case.row for case in scoring.cases]
    known = bundle_facts(engine.bundle) | cohort_facts(rows, scored, [case.slice_spacing_mm for case in scoring.cases])
    known = {key: text for key, text in known.items() if key not in reasons}
    return claim_sheet(document, engine.bundle.metadata.model_dump(mode="json"), known | stated, reasons)
