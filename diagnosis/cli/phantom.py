"""`diagnosis phantom`: synthetic patients with a planted nodule."""

from pathlib import Path
from typing import Annotated

import typer


def phantom_command(
    out: Annotated[Path, typer.Argument(help="Folder to write to; must be new or empty.")],
    cases: Annotated[int, typer.Option("--cases", min=1, max=10_000, help="Number of synthetic patients.")] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same patients.")] = 0,
    voice: Annotated[bool, typer.Option("--voice/--no-voice", help="Speak the dictations (flite, espeak-ng).")] = True,
) -> None:
    """Make synthetic patients: chest CT with a planted nodule, note, dictation, and the truth."""
    from rich.console import Console
    from rich.progress import track

    from diagnosis.phantom.cohort import require_empty, write_cohort
    from diagnosis.phantom.speech import require_voices

    require_empty(out)
    if voice:
        require_voices()
    console = Console(stderr=True)
    written = write_cohort(out, cases, seed, with_voice=voice)
    n_malignant = 0
    for case in track(written, "Making synthetic patients", total=cases, console=console):
        n_malignant += case.is_malignant
    typer.echo(f"{cases} synthetic patients in {out}, {n_malignant} malignant; manifest.csv lists them")
