"""`diagnosis evaluate`: a bundle on the labeled cases of a manifest."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from diagnosis.cli.output_folder import require_folder
from diagnosis.errors import StudiesFailedError

MANIFEST = """CSV or Parquet, one row a case: case_id, patient_id, then any of ct, note, note_text, voice, voice_text,
center_x_mm, center_y_mm, center_z_mm (LPS), diameter_mm, age_years, sex (F, M, O), split; and a column for each finding
of the bundle, such as malignancy (1, 0 or blank). Paths start at the manifest's
folder. Other columns are left alone."""


def evaluate_command(
    bundle: Annotated[Path, typer.Argument(help="Bundle folder.")],
    manifest: Annotated[Path, typer.Argument(help=MANIFEST)],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for metrics.json, report.html, predictions.csv and scores.csv.")
    ],
    split: Annotated[str | None, typer.Option("--split", help="Only the rows of this split.")] = None,
    study: Annotated[
        Path | None, typer.Option("--study", help="YAML of what only people can state, for CLAIM and TRIPOD+AI.")
    ] = None,
) -> None:
    """Measure a bundle on a manifest's cases: metrics.json and an HTML report with intervals, curves and subgroups."""
    require_folder(out)
    from diagnosis.cli.progress import progress_bars

    with progress_bars() as open_bar:
        from diagnosis.ingest.manifest import read_manifest

        declared = _declared_findings(bundle)
        cases = read_manifest(manifest, findings=declared)  # its faults are told before the model is loaded
        open_bar("Loading the model")
        from diagnosis import DiagnosisEngine
        from diagnosis.cohort_evaluation import PREDICTIONS, SHOWN_FAILURES, evaluate_manifest, rows_of_split
        from diagnosis.study_facts import read_study_facts

        stated = ({}, {}) if study is None else read_study_facts(study)
        if split is not None:
            cases = rows_of_split(cases, split)
        done = evaluate_manifest(DiagnosisEngine.load(bundle), cases, out, open_bar("Scoring the cases"), stated)
    console = Console()
    console.print(_table(done.document))
    for warning in done.warnings:
        console.print(f"Note: {warning}", markup=False, soft_wrap=True)
    if cases.other_columns:
        console.print(f"Columns left alone: {', '.join(cases.other_columns)}", markup=False)
    searched = done.document["protocol"]["regions_searched_for"]
    if searched:
        console.print(f"Cases without a marked region, scored at the best of the regions proposed: {searched}")
    written = f"Metrics: {out / 'metrics.json'}; report: {out / 'report.html'}; each case: {out / PREDICTIONS}"
    console.print(written, soft_wrap=True)
    if done.failures:
        for sentence in done.failures[:SHOWN_FAILURES]:
            console.print(f"  {sentence}", markup=False, soft_wrap=True)
        msg = (
            f"{len(done.failures)} of {len(cases.rows)} rows could not be scored; their reasons stand in {PREDICTIONS}"
        )
        raise StudiesFailedError(msg)


def _declared_findings(bundle: Path) -> tuple[str, ...]:
    """The findings of a bundle, by which the manifest's columns are understood.

    Raises:
        BundleError: its declaration cannot be read.
    """
    from diagnosis.bundle.folder import read_metadata

    return tuple(finding.name for finding in read_metadata(bundle).findings)


def _table(document: "dict[str, Any]") -> Table:
    """Each subset beside each baseline. Sensitivity and specificity are those at the bundle's threshold."""
    from diagnosis.evaluation.metrics_file import interval_text

    table = Table(title="Evaluation")
    for column in ("finding", "input", "AUROC [95 %]", "sens.", "spec.", "ECE", "n"):
        table.add_column(column)
    for finding, subsets in document["findings"].items():
        for subset, entry in subsets.items():
            calls = (_share(entry[name]["value"]) for name in ("sensitivity", "specificity"))
            table.add_row(
                finding, subset, interval_text(entry["auroc"]), *calls, f"{entry['ece']['value']:.3f}", str(entry["n"])
            )
    for name, entry in document["baselines"].items():
        table.add_row("baseline", name, interval_text(entry["auroc"]), "-", "-", "-", str(entry["n"]))
    return table


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
