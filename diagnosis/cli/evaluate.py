"""`diagnosis evaluate`: a bundle on the labeled cases of a manifest."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table


def evaluate_command(
    bundle: Annotated[Path, typer.Argument(help="Bundle folder.")],
    manifest: Annotated[Path, typer.Argument(help="Manifest: CSV or Parquet, one row a case, one column a finding.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for metrics.json and report.html.")],
    split: Annotated[str | None, typer.Option("--split", help="Only the rows of this split.")] = None,
    study: Annotated[
        Path | None, typer.Option("--study", help="YAML of what only people can state, for CLAIM and TRIPOD+AI.")
    ] = None,
) -> None:
    """Measure a bundle on a manifest's cases: metrics.json and an HTML report with intervals, curves and subgroups."""
    from diagnosis.cli.progress import progress_bars

    with progress_bars() as open_bar:
        from diagnosis.ingest.manifest import read_manifest

        cases = read_manifest(manifest)  # its faults are told before the model is loaded
        open_bar("Loading the model")
        from diagnosis.cohort_evaluation import evaluate_manifest, rows_of_split
        from diagnosis.engine import DiagnosisEngine
        from diagnosis.study_facts import read_study_facts

        stated = ({}, {}) if study is None else read_study_facts(study)
        if split is not None:
            cases = rows_of_split(cases, split)
        document = evaluate_manifest(DiagnosisEngine.load(bundle), cases, out, open_bar("Scoring the cases"), stated)
    console = Console()
    console.print(_table(document))
    console.print(f"Metrics: {out / 'metrics.json'}; report: {out / 'report.html'}")


def _table(document: "dict[str, Any]") -> Table:
    from diagnosis.training.card import interval_text

    table = Table(title="Evaluation")
    for column in ("finding", "input", "AUROC [95 %]", "AUPRC [95 %]", "ECE", "n"):
        table.add_column(column)
    for finding, subsets in document["findings"].items():
        for subset, entry in subsets.items():
            area, precision = interval_text(entry["auroc"]), interval_text(entry["auprc"])
            table.add_row(finding, subset, area, precision, f"{entry['ece']['value']:.3f}", str(entry["n"]))
    for name, entry in document["baselines"].items():
        table.add_row(
            "baseline", name, interval_text(entry["auroc"]), interval_text(entry["auprc"]), "-", str(entry["n"])
        )
    return table
