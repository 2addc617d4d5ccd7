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
) -> None:
    """Measure a bundle on a manifest's cases: metrics.json and an HTML report with intervals, curves and subgroups."""
    from diagnosis.cli.progress import progress_bars

    with progress_bars() as open_bar:
        open_bar("Loading the model")
        from diagnosis.cohort_evaluation import evaluate_manifest
        from diagnosis.engine import DiagnosisEngine

        document = evaluate_manifest(DiagnosisEngine.load(bundle), manifest, out, split, open_bar("Scoring the cases"))
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
