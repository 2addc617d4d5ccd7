"""`diagnosis deidentify`: DICOM, notes and case folders without what tells who the patient is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from diagnosis.cli.output_folder import require_folder
from diagnosis.vocabulary import counted

if TYPE_CHECKING:
    from diagnosis.privacy.case_folder import Outcome


def deidentify_command(
    source: Annotated[Path, typer.Argument(help="DICOM folder, zip or file; a note (.txt); or a case folder.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the results; must be empty or new.")],
    key: Annotated[Path, typer.Option("--key", help="File of the secret key; made where there is none.")],
    retain_longitudinal: Annotated[
        bool, typer.Option("--retain-longitudinal", help="Move all dates of a patient by the same days; keep times.")
    ] = False,
    retain_characteristics: Annotated[
        bool, typer.Option("--retain-characteristics", help="Keep age (to 89), sex, size, weight.")
    ] = False,
    clean_descriptors: Annotated[
        bool, typer.Option("--clean-descriptors", help="Keep descriptions after cleaning them as free text.")
    ] = False,
    keep_risky_pixels: Annotated[
        bool, typer.Option("--keep-risky-pixels", help="Also write pictures in which text may remain, with a warning.")
    ] = False,
) -> None:
    """De-identify by the DICOM basic profile (PS3.15 table E.1-1), and free text by rules."""
    require_folder(out)
    from diagnosis.cli.progress import progress_bars
    from diagnosis.privacy.case_folder import deidentify_path
    from diagnosis.privacy.dicom_files import Policy
    from diagnosis.privacy.profile_table import Option
    from diagnosis.privacy.secret import SecretKey

    asked = {
        Option.MODIFIED_DATES: retain_longitudinal,
        Option.PATIENT_CHARACTERISTICS: retain_characteristics,
        Option.CLEAN_DESCRIPTORS: clean_descriptors,
    }
    secret, is_new = SecretKey.read_or_make(key)
    policy = Policy(secret, frozenset(o for o, is_asked in asked.items() if is_asked), not keep_risky_pixels)
    with progress_bars() as open_bar:
        outcome = deidentify_path(source, out, policy, on_progress=open_bar("De-identifying"))
    _print(outcome, Console(), is_new_key=is_new)


def _print(outcome: "Outcome", console: Console, *, is_new_key: bool) -> None:
    console.print(
        f"Written: {counted(outcome.n_dicom, 'DICOM object')}, {counted(outcome.n_texts, 'text')}", highlight=False
    )
    if outcome.n_blanked:
        console.print(f"Text regions were blanked in {outcome.n_blanked} of them", highlight=False)
    for kind, count in sorted(outcome.replaced.items()):
        console.print(f"  {kind.lower():12} {count} replaced in texts", highlight=False)
    for reason, count in outcome.withheld.items():
        console.print(f"[yellow]Withheld:[/] {count} x {escape(reason)}", soft_wrap=True, highlight=False)
    for warning, count in outcome.warnings.items():
        console.print(f"[yellow]Note:[/] {count} x {escape(warning)}", soft_wrap=True, highlight=False)
    if is_new_key:
        console.print("A new key was made. Keep it secret and safe: with it and the originals a patient can be found.")
