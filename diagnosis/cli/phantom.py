"""`diagnosis phantom`: synthetic patients with a planted nodule."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from diagnosis.cli.output_folder import require_folder


class InformativePart(StrEnum):
    """Which evidence carries the lesion (`diagnosis.phantom.spec.Informative` as a command line option)."""

    ALL = "all"
    CT = "ct"
    NOTE = "note"
    VOICE = "voice"


def phantom_command(
    out: Annotated[Path, typer.Argument(help="Folder to write to; must be new or empty.")],
    cases: Annotated[int, typer.Option("--cases", min=1, max=10_000, help="Number of synthetic patients.")] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same patients.")] = 0,
    voice: Annotated[bool, typer.Option("--voice/--no-voice", help="Speak the dictations (flite, espeak-ng).")] = True,
    informative: Annotated[
        InformativePart, typer.Option(help="Evidence that carries the lesion; the rest is of a patient without one.")
    ] = InformativePart.ALL,
) -> None:
    """Make synthetic patients: chest CT with a planted nodule, note, dictation, and the truth."""
    require_folder(out)
    from rich.console import Console
    from rich.progress import track

    from diagnosis.phantom.cohort import ALL_PARTS, WITHOUT_VOICE, require_empty, write_cohort
    from diagnosis.phantom.speech import require_voices

    require_empty(out)
    if voice:
        require_voices()
    written = write_cohort(out, cases, seed, ALL_PARTS if voice else WITHOUT_VOICE, informative.value)
    n_malignant = 0
    title = "Making synthetic patients"
    for case in track(written, title, total=cases, console=Console(stderr=True), transient=True):
        n_malignant += case.is_malignant
    typer.echo(f"{cases} synthetic patients in {out}, {n_malignant} malignant; manifest.csv lists them")
