"""`diagnosis pull`: a study from the archive into a case folder."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from diagnosis.cli import options
from diagnosis.vocabulary import counted


def pull_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for the studies.")],
    study: Annotated[str | None, typer.Option("--study", help="Study Instance UID.")] = None,
    accession: Annotated[str | None, typer.Option("--accession", help="Accession number.")] = None,
    patient: Annotated[str | None, typer.Option("--patient", help="Patient ID.")] = None,
    modality: Annotated[str, typer.Option("--modality", help="Of the series; 'all' for every one.")] = "CT",
    pacs: options.Pacs = None,
    protocol: options.Protocol = None,
) -> None:
    """Fetch a study from the archive; refuse it where images are missing."""
    from diagnosis.extras import require_extra

    require_extra("pacs", "pacs")
    from diagnosis.cli.progress import progress_bars
    from diagnosis.pacs.archive import StudyQuery
    from diagnosis.pacs.config import load_config
    from diagnosis.pacs.pull import open_archive, pull_studies

    query = StudyQuery(study, accession, patient)
    archive = open_archive(load_config(pacs), protocol.value if protocol else None)
    modalities = None if modality == "all" else (modality,)
    with progress_bars() as open_bar:
        pulled = pull_studies(archive, query, out, modalities, open_bar("Fetching images"))
    console = Console()
    for one in pulled:
        console.print(f"{one.folder}: {len(one.series)} series, all complete", soft_wrap=True, markup=False)
        for series in one.series:
            unsure = "" if series.n_expected is not None else " (the archive gives no count to compare with)"
            console.print(
                f"  {series.folder}: {series.modality}, {counted(series.n_received, 'image')}{unsure}", soft_wrap=True
            )
