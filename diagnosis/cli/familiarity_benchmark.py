"""`diagnosis familiarity-benchmark`: how often the CT alarm speaks up when it should, and when it should not."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from diagnosis.cli import options


def familiarity_benchmark_command(
    bundle: options.Bundle = None,
    lidc: Annotated[Path | None, typer.Option("--lidc", help="Folder of the LIDC nodules; left out otherwise.")] = None,
    per_fold: Annotated[int, typer.Option("--per-fold", min=10, help="Nodules of each fold.")] = 60,
    phantoms: Annotated[int, typer.Option("--phantoms", min=0, help="Synthetic patients, of eight kinds.")] = 8,
    ct: Annotated[Path | None, typer.Option("--ct", help="Folder with a folder of DICOM files for each study.")] = None,
    boxes: Annotated[Path | None, typer.Option("--boxes", help="CSV of readers' boxes around lesions.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of everything that is drawn.")] = 2024,
    as_json: options.Json = False,
) -> None:
    """Alarms of a bundle on familiar CT, on wrong values, outside the lungs and on other parts of the body."""
    from diagnosis.cli.progress import progress_bars

    with progress_bars() as open_bar:
        from diagnosis.benchmark.familiarity import AlarmBenchmark, Sources, open_alarm

        alarm = open_alarm(bundle)
        sources = Sources(lidc, per_fold, phantoms, ct, boxes)
        document = AlarmBenchmark(alarm, sources, seed).run(open_bar)
    if as_json:
        typer.echo(json.dumps(document, indent=2))
        return
    print_alarms(document, Console())


def print_alarms(document: dict[str, dict[str, Any]], console: Console) -> None:
    """One table a source."""
    for source, rows in document.items():
        table = Table(title=source)
        for column in ("CT", "alarms", "share [95 %]"):
            table.add_column(column)
        for name, row in rows.items():
            share = f"{row['alarms'] / row['n']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
            table.add_row(name, f"{row['alarms']} of {row['n']}", share)
        console.print(table)
