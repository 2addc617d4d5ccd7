"""`diagnosis assess`: one case, from a case folder or from its parts."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from diagnosis.cli.output_folder import require_file
from diagnosis.errors import CaseError, RegionError
from diagnosis.vocabulary import Sex

if TYPE_CHECKING:
    from diagnosis.record import Case, RegionOfInterest

CasePath = Annotated[Path | None, typer.Argument(help="Case folder with case.json, ct/, note.txt, voice.wav.")]
CtOption = Annotated[Path | None, typer.Option("--ct", help="CT: DICOM folder, zip, file, or NIfTI.")]
RegionOption = Annotated[str | None, typer.Option("--region", help="Center of the region: X,Y,Z in LPS mm.")]
DiameterOption = Annotated[float | None, typer.Option("--diameter", help="Diameter of the region in mm, if known.")]
NoteOption = Annotated[Path | None, typer.Option("--note", help="Clinical note: .txt, .pdf or .json.")]
VoiceOption = Annotated[Path | None, typer.Option("--voice", help="Dictation: wav, flac, mp3, m4a, ogg, webm.")]
AgeOption = Annotated[float | None, typer.Option("--age", help="Age in years.")]
SexOption = Annotated[Sex | None, typer.Option("--sex", help="Sex.")]
BundleOption = Annotated[Path | None, typer.Option("--bundle", help="Bundle folder (default: models/lung_nodule).")]
RepairOption = Annotated[
    str | None, typer.Option("--repair", help="'resample': repair a tilted series by resampling, and say so.")
]


def parse_region(text: str | None, diameter_mm: float | None) -> "RegionOfInterest | None":
    """`X,Y,Z` in LPS millimeters to a region.

    Raises:
        RegionError: not three numbers, or a diameter without a region.
    """
    from diagnosis.record import RegionOfInterest

    if text is None:
        if diameter_mm is not None:
            msg = "region: a diameter was given without a region; add --region X,Y,Z"
            raise RegionError(msg)
        return None
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError as error:
        msg = f"region: {text!r} is not X,Y,Z; give three numbers in LPS mm, for example --region=-54.2,31,-120.5"
        raise RegionError(msg) from error
    return RegionOfInterest((x, y, z), diameter_mm)


def gather_case(
    folder: Path | None,
    parts: dict[str, Path | None],
    region: "RegionOfInterest | None",
    age_years: float | None,
    sex: Sex | None,
    repair: str | None,
) -> "Case":
    """The case that the options describe, read with progress shown.

    Raises:
        CaseError: neither a folder nor a part was given, or both were.
    """
    from diagnosis.cli.progress import spinner
    from diagnosis.ingest.case_folder import assemble_case, read_case
    from diagnosis.record.case import NO_PSEUDONYM

    has_parts = any(path is not None for path in parts.values())
    if (folder is None) == (not has_parts):
        msg = "case: name either a case folder or its parts (--ct with --region, --note, --voice), not both or neither"
        raise CaseError(msg)
    with spinner("Reading the case (a dictation is transcribed here)"):
        if folder is not None:
            case, _ = read_case(folder, repair=repair)
        else:
            case, _ = assemble_case(
                NO_PSEUDONYM, ct=parts["ct"], note=parts["note"], voice=parts["voice"], region=region,
                age_years=age_years, sex=sex, repair=repair,
            )  # fmt: skip
    return case


def assess_command(
    case: CasePath = None,
    ct: CtOption = None,
    region: RegionOption = None,
    diameter: DiameterOption = None,
    note: NoteOption = None,
    voice: VoiceOption = None,
    age: AgeOption = None,
    sex: SexOption = None,
    bundle: BundleOption = None,
    repair: RepairOption = None,
    report: Annotated[Path | None, typer.Option("--report", help="Also write an HTML report to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Assess one case: calibrated probability, and what CT, note and voice contributed."""
    if report is not None:
        require_file(report)
    from diagnosis.answer import answer_json
    from diagnosis.cli.candidates import answer_shown, print_candidates, report_candidates
    from diagnosis.cli.presentation import print_assessments, print_details
    from diagnosis.cli.progress import spinner
    from diagnosis.cli.read import print_words_to_check

    place = parse_region(region, diameter)
    gathered = gather_case(case, {"ct": ct, "note": note, "voice": voice}, place, age, sex, repair)
    with spinner("Loading the model"):
        from diagnosis.engine import DiagnosisEngine

        engine = DiagnosisEngine.load(bundle)
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
        console.print(f"Report: {report}")
