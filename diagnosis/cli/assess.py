"""`diagnosis assess`: one case, from a case folder or from its parts."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from diagnosis.cli import options
from diagnosis.cli.case_gathering import CaseOptions, load_engine, takes_case
from diagnosis.cli.output_folder import require_file


@takes_case
def assess_command(
    described: CaseOptions,
    bundle: options.Bundle = None,
    report: Annotated[Path | None, typer.Option("--report", help="Also write an HTML report to this file.")] = None,
    as_json: options.Json = False,
) -> None:
    """Assess one case: calibrated probability, and what CT, note and voice contributed."""
    if report is not None:
        require_file(report)
    from diagnosis.answer import answer_json
    from diagnosis.cli.candidates import answer_shown, print_candidates, report_candidates
    from diagnosis.cli.presentation import print_assessments, print_details
    from diagnosis.cli.progress import spinner
    from diagnosis.cli.read import print_words_to_check

    gathered = described.read()
    engine = load_engine(bundle)
    answer = answer_shown(engine, gathered)
    assessment, gathered = answer.main, answer.case
    if report is not None:
        from diagnosis.reporting.html_report import ReportCase, write_report

        with spinner("Explaining and writing the report"):
            explained = ReportCase(gathered, assessment, engine.explain(gathered), report_candidates(answer))
            write_report([explained], report)
    if as_json:
        typer.echo(json.dumps(answer_json(answer), indent=2, ensure_ascii=False))
        return
    console = Console()
    print_assessments([assessment], console)
    print_candidates(answer, console)
    print_details(assessment, console)
    print_words_to_check(gathered, console)
    if report is not None:
        console.print(f"Report: {escape(str(report))}")
