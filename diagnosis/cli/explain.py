"""`diagnosis explain`: why, on the patient's own voxels, words and seconds of speech."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from diagnosis.cli import options
from diagnosis.cli.case_gathering import CaseOptions, load_engine, takes_case
from diagnosis.cli.output_folder import require_folder

if TYPE_CHECKING:
    from diagnosis.record import Explanation

N_SHOWN = 8
"""Changes shown in the terminal; all of them stand in explanation.json and on the page."""


@takes_case
def explain_command(
    described: CaseOptions,
    out: Annotated[Path, typer.Option("--out", help="Folder for overlays, pictures, page and JSON.")],
    bundle: options.Bundle = None,
    finding: Annotated[str | None, typer.Option("--finding", help="Finding to explain (default: the first).")] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            help="Map of the CT, may be repeated: integrated_gradients (default), gradient_shap, occlusion, grad_cam.",
        ),
    ] = None,
    baseline: Annotated[
        str, typer.Option("--baseline", help="Where maps start: parenchyma, air or blurred.")
    ] = "parenchyma",
) -> None:
    """Explain one case: NIfTI overlays, PNG panels, an HTML page, and JSON with all figures."""
    require_folder(out)
    from diagnosis.cli.candidates import answer_shown
    from diagnosis.cli.progress import spinner

    gathered = described.read()
    engine = load_engine(bundle)
    from diagnosis.preprocessing.volume import restore_to_volume
    from diagnosis.reporting.explanation_files import write_explanation
    from diagnosis.reporting.html_report import ReportCase

    answer = answer_shown(engine, gathered)
    assessment, gathered = answer.main, answer.case
    with spinner("Explaining"):
        assessed = next((f for f in assessment.findings if f.name == finding), assessment.main)
        explanation = engine.explain(
            gathered,
            finding,
            methods=tuple(method or ["integrated_gradients"]),
            baseline=baseline,
            has_counterfactuals=True,
            threshold=assessed.threshold,
            to_probability=partial(engine.probability, assessed.name),
        )
    with spinner("Writing"):
        on_ct = None
        if explanation.volume is not None and gathered.volume is not None:
            on_ct = restore_to_volume(explanation.volume, gathered.volume)
        written = write_explanation(ReportCase(gathered, assessment, explanation), on_ct, out)
    console = Console()
    _print_changes(explanation, console)
    for reason in explanation.withheld:
        console.print(f"[yellow]{escape(reason)}[/]")
    for path in written:
        console.print(str(path), soft_wrap=True, markup=False)


def _print_changes(explanation: "Explanation", console: Console) -> None:
    """The changes that turn the flag or would move the probability most."""
    from diagnosis.reporting.changes import change_words, strongest_first

    changes = strongest_first(explanation.counterfactuals)
    if not changes:
        return
    table = Table(title=f"What the probability would be (now {changes[0].probability_before:.2f})")
    table.add_column("change")
    table.add_column("probability", justify="right")
    table.add_column("flag")
    smallest = explanation.smallest_change
    for change in ([smallest] if smallest else []) + changes[:N_SHOWN]:
        table.add_row(
            escape(change_words(change)) + (" (smallest change of the note)" if change is smallest else ""),
            f"{change.probability_after:.2f}",
            "changes" if change.is_flipped else "stays",
        )
    console.print(table)
