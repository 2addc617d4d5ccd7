"""`diagnosis explain`: why, on the patient's own voxels, words and seconds of speech."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def explain_command(
    case: Annotated[Path, typer.Argument(help="Case folder.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for overlays, pictures, page and JSON.")],
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Bundle folder.")] = None,
    finding: Annotated[str | None, typer.Option("--finding", help="Finding to explain (default: the first).")] = None,
    repair: Annotated[str | None, typer.Option("--repair", help="'resample': repair a tilted series.")] = None,
) -> None:
    """Explain one case: NIfTI overlays, PNG panels, an HTML page, and JSON with all figures."""
    from diagnosis.cli.progress import spinner
    from diagnosis.ingest.case_folder import read_case

    with spinner("Reading the case (a dictation is transcribed here)"):
        gathered, _ = read_case(case, repair=repair)
    with spinner("Loading the model"):
        from diagnosis.engine import DiagnosisEngine
        from diagnosis.preprocessing.volume import restore_to_volume
        from diagnosis.reporting.explanation_files import write_explanation
        from diagnosis.reporting.html_report import ReportCase

        engine = DiagnosisEngine.load(bundle)
    with spinner("Explaining"):
        assessment = engine.assess(gathered)
        explanation = engine.explain(gathered, finding)
    with spinner("Writing"):
        on_ct = None
        if explanation.volume is not None and gathered.volume is not None:
            on_ct = restore_to_volume(explanation.volume, gathered.volume)
        written = write_explanation(ReportCase(gathered, assessment, explanation), on_ct, out)
    console = Console()
    for reason in explanation.withheld:
        console.print(f"[yellow]Withheld:[/] {reason}")
    for path in written:
        console.print(str(path), soft_wrap=True)
