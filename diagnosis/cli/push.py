"""`diagnosis push`: DICOM files to the archive."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from diagnosis.cli import options
from diagnosis.errors import InputError, PacsError
from diagnosis.vocabulary import counted


def push_command(
    paths: Annotated[list[Path], typer.Argument(help="DICOM files, or folders with *.dcm.")],
    pacs: options.Pacs = None,
    protocol: options.Protocol = None,
) -> None:
    """Send results or images; compressed ones are decompressed only where the archive takes no other form."""
    from diagnosis.extras import require_extra

    require_extra("pacs", "pacs")
    from diagnosis.cli.progress import spinner
    from diagnosis.pacs.config import load_config
    from diagnosis.pacs.pull import open_archive

    files = dicom_files(paths)
    archive = open_archive(load_config(pacs), protocol.value if protocol else None)
    with spinner(f"Sending {counted(len(files), 'file')}"):
        sent = archive.store(files)
    console = Console()
    changed = f", {sent.n_decompressed} of them decompressed" if sent.n_decompressed else ""
    console.print(f"{sent.n_sent} of {counted(len(files), 'file')} taken{changed}")
    for number, reason in sent.refused:
        console.print(f"[yellow]Refused:[/] file {number}: {escape(reason)}", soft_wrap=True)
    if sent.refused:
        msg = f"push: the archive refused {len(sent.refused)} of {counted(len(files), 'file')}; the reasons stand above"
        raise PacsError(msg)


def dicom_files(paths: list[Path]) -> list[Path]:
    """Files as named, and the *.dcm below each folder, in a stable order.

    Raises:
        InputError: a path does not exist, or there is no file.
    """
    if not all(path.exists() for path in paths):
        msg = "push: a path does not exist; name DICOM files, or folders with *.dcm"
        raise InputError(msg)
    found = [file for path in paths for file in (sorted(path.rglob("*.dcm")) if path.is_dir() else [path])]
    if not found:
        msg = "push: there are no *.dcm files; name DICOM files, or folders with them"
        raise InputError(msg)
    return found
