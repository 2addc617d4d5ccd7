"""`diagnosis export`: one assessment in the forms that a hospital takes."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from diagnosis.cli import options
from diagnosis.cli.case_gathering import load_engine
from diagnosis.cli.output_folder import require_folder
from diagnosis.errors import InputError
from diagnosis.vocabulary import ExportFormat


def export_command(
    case: options.CaseFolder,
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.")],
    format: Annotated[
        list[ExportFormat] | None,
        typer.Option(
            "--format",
            help="Form of the result; may be given again (default: all). sr: DICOM structured report; pm: attribution "
            "as parametric map; sc: pictures as secondary capture; pdf: report; seg: region; fhir: FHIR R4.",
        ),
    ] = None,
    bundle: options.Bundle = None,
    repair: options.Repair = None,
) -> None:
    """Write one assessment as DICOM SR, parametric map, pictures, PDF, segmentation and FHIR."""
    require_folder(out)
    from datetime import UTC, datetime

    from diagnosis.cli.candidates import answer_shown
    from diagnosis.cli.progress import spinner
    from diagnosis.ingest.case_folder import read_case
    from diagnosis.reporting.export import NEED_EXPLANATION, require_packages, write_exports
    from diagnosis.reporting.result import Result

    require_packages()
    formats = format or list(ExportFormat)
    with spinner("Reading the case (a dictation is transcribed here)"):
        gathered, identity = read_case(case, repair=repair)
    engine = load_engine(bundle)
    answer = answer_shown(engine, gathered)
    assessment, gathered = answer.main, answer.case
    explanation = None
    if NEED_EXPLANATION.intersection(formats):
        with spinner("Explaining"):
            explanation = engine.explain(gathered)
    with spinner("Writing"):
        made = write_exports(Result(gathered, identity, assessment, explanation, datetime.now(UTC)), formats, out)
    console = Console()
    if answer.candidates:
        told = f"no region is marked; all of this is about the first of {len(answer.candidates)} proposed regions"
        console.print(f"[yellow]Note:[/] {told}: confirm it, or mark one in case.json", soft_wrap=True)
    for repaired in made.repairs:
        console.print(f"[yellow]Note:[/] {escape(repaired)}", soft_wrap=True)
    for path in made.written:
        console.print(str(path), soft_wrap=True, markup=False)
    for form, reason in made.refused:
        console.print(f"[yellow]Not written:[/] {form.value}: {escape(reason)}", soft_wrap=True)
    if format and made.refused:
        form, reason = made.refused[0]
        msg = f"export: {form.value} was asked for and could not be written: {reason}"
        raise InputError(msg)
