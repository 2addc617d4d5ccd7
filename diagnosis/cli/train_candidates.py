"""`diagnosis train-candidates`: the network that ranks proposed regions."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table


def train_candidates_command(
    lidc: Annotated[Path, typer.Argument(help="Folder of the LIDC nodules: labels.csv, image/, mask/.")],
    out: Annotated[Path, typer.Option("--out", help="Model folder to write, for example models/lung_candidates.")],
    chests: Annotated[int, typer.Option("--chests", min=4, help="Synthetic patients to set nodules into.")] = 11,
) -> None:
    """Train the network that ranks proposed regions: real nodules set into synthetic chests."""
    from diagnosis.cli.progress import progress_bars

    with progress_bars() as open_bar:
        open_bar("Loading the trainer")
        from diagnosis.training.candidate_run import CandidateTraining, train_candidates

        facts = train_candidates(lidc, out, CandidateTraining(n_chests=chests), open_bar("Making chests"))
    table = Table(title=f"{facts['n_lesion_blobs']} of {facts['n_blobs']} blobs are lesions; chests held out in turn")
    for column in ("ranking", "AUROC", "average precision"):
        table.add_column(column)
    for name, areas in facts["cross_validated"].items():
        table.add_row(name, f"{areas['auroc']:.3f}", f"{areas['average_precision']:.3f}")
    Console().print(table, f"Model: {escape(str(out))}")
