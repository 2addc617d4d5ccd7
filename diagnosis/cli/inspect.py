"""`diagnosis inspect`: every DICOM series below a path, with the geometry gate's verdict."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from diagnosis.cli import options

if TYPE_CHECKING:
    from diagnosis.record import SeriesReport

COLORS = {"regular": "green", "repaired": "yellow", "refused": "red"}


def inspect_command(
    path: Annotated[Path, typer.Argument(help="Folder, zip archive, DICOMDIR, DICOM or NIfTI file.")],
    as_json: options.Json = False,
    repair: options.Repair = None,
) -> None:
    """List every CT series: regular, repaired or refused, why, and which one an assessment would use."""
    from diagnosis.cli.progress import progress_bars
    from diagnosis.ingest.dicom_volume import inspect_path

    with progress_bars() as open_bar:
        reports = inspect_path(path, repair=repair, on_progress=open_bar("Reading"))
    if as_json:
        typer.echo(json.dumps([report_json(report) for report in reports], indent=2))
    else:
        print_reports(reports, Console())


def report_json(report: "SeriesReport") -> dict[str, Any]:
    """One series as `inspect --json` prints it."""
    return {
        "series_uid": report.series_uid,
        "description": report.description,
        "n_instances": report.n_instances,
        "verdict": report.verdict.value,
        "reasons": [{"code": reason.code.value, "message": reason.message} for reason in report.reasons],
        "is_chosen": report.is_chosen,
        "why_not_chosen": report.why_not_chosen,
        "spacing_mm": None if report.spacing_mm is None else [round(v, 4) for v in report.spacing_mm],
        "shape": None if report.shape is None else list(report.shape),
        "n_copies": report.n_copies,
        "warnings": list(report.warnings),
    }


def print_reports(reports: "list[SeriesReport]", console: Console) -> None:
    """A table with one row a series."""
    table = Table(title=f"{len(reports)} series", title_justify="left", show_lines=True)
    for heading in ("", "Series", "Images", "Spacing mm", "Verdict", "Reason"):
        table.add_column(heading, justify="right" if heading == "Images" else "left", overflow="fold")
    for report in reports:
        verdict = report.verdict.value
        table.add_row(
            "▶" if report.is_chosen else "",
            escape(report.description) or "(no description)",
            str(report.n_instances),
            " × ".join(f"{v:.2f}" for v in report.spacing_mm) if report.spacing_mm else "",
            f"[{COLORS[verdict]}]{verdict}[/]",
            escape(_reason(report)),
        )
    console.print(table)
    for warning in dict.fromkeys(warning for report in reports for warning in report.warnings):
        console.print(f"[yellow]Note:[/] {escape(warning)}", soft_wrap=True)
    chosen = any(report.is_chosen for report in reports)
    console.print("▶ the series that an assessment would use" if chosen else "No series can be used as it is.")


def _reason(report: "SeriesReport") -> str:
    lines = [f"{reason.code.value}: {reason.message}" for reason in report.reasons]
    if report.n_copies:
        from diagnosis.ingest.copies import copies_words

        lines.append(copies_words(report.n_copies))
    why = report.why_not_chosen
    if why is not None and not why.startswith("refused"):
        lines.append(f"not chosen: {why}")
    return "\n".join(lines)
