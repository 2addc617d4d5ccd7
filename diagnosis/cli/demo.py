"""`diagnosis demo`: assess and explain the sample cases, and write a report with pictures."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from diagnosis import settings
from diagnosis.cli import options
from diagnosis.cli.output_folder import require_folder
from diagnosis.errors import InputError
from diagnosis.kept_imports import kept_for_good


def demo_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for the report.")] = Path("diagnosis_demo"),
    bundle: options.Bundle = None,
    samples: Annotated[Path | None, typer.Option("--samples", help="Folder of case folders.")] = None,
) -> None:
    """Assess every case in data_samples/, print a table, and write a self-contained HTML report."""
    require_folder(out)
    from diagnosis.cli.presentation import print_assessments
    from diagnosis.cli.progress import progress_bars

    folder = samples or settings.data_samples_dir()
    cases = sorted(path.parent for path in folder.glob("*/case.json"))
    if not cases:
        msg = f"demo: no case folders were found in {folder}; run it from the source tree or name --samples"
        raise InputError(msg)
    console = Console()
    with progress_bars() as open_bar:
        advance = open_bar("Loading the model")
        from diagnosis import DiagnosisEngine
        from diagnosis.ingest.case_folder import read_case
        from diagnosis.reporting.html_report import ReportCase, write_report

        with kept_for_good():
            engine = DiagnosisEngine.load(bundle)
        advance(1, 1)
        advance = open_bar("Reading, assessing and explaining")
        reported = []
        for done, path in enumerate(cases):
            advance(done, len(cases))
            case, _ = read_case(path)
            reported.append(ReportCase(case, engine.assess(case), engine.explain(case)))
        advance(len(cases), len(cases))
        report = out / "report.html"
        write_report(reported, report)
    print_assessments([item.assessment for item in reported], console)
    console.print(f"Report with pictures: [bold]{escape(str(report.resolve()))}[/]")
    console.print("Dashboard: run [bold]diagnosis ui[/] and open the address it prints.")
