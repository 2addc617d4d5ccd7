"""`diagnosis batch`: many studies on one machine."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from diagnosis.errors import StudiesFailedError

SHOWN_REASONS = 5


def batch_command(
    source: Annotated[Path, typer.Argument(help="Manifest, folder of case folders, or (with --regions) DICOM tree.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the results; an unfinished run in it goes on.")],
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Bundle folder (default: models/lung_nodule).")
    ] = None,
    regions: Annotated[Path | None, typer.Option("--regions", help="CSV: path or series_uid, center_x_mm ...")] = None,
    ledger: Annotated[str | None, typer.Option("--ledger", help="Database URL; SQLite in OUT by default.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Reading processes.")] = None,
    time_limit: Annotated[float, typer.Option("--time-limit", min=1, help="Seconds for one study.")] = 300.0,
    memory_limit: Annotated[int, typer.Option("--memory-limit", min=256, help="MiB for one study.")] = 6144,
    repair: Annotated[str | None, typer.Option("--repair", help="'resample': accept tilted series.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Score again what failed before.")] = False,
    cache: Annotated[Path | None, typer.Option("--cache", help="Folder of the cache (default: OUT/cache).")] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Keep no transcripts and embeddings.")] = False,
    runtime: Annotated[
        str, typer.Option("--runtime", help="float32, or auto: what measures best here, within tolerance.")
    ] = "float32",
) -> None:
    """Score many studies: results.parquet, results.csv, summary.html. Killed at any moment, it goes on."""
    from diagnosis import settings
    from diagnosis.batch.reader_pool import Limits
    from diagnosis.batch.run import BatchOptions, run_batch
    from diagnosis.cli.progress import progress_bars

    options = BatchOptions(
        source=source,
        bundle=bundle or settings.bundle_dir(),
        out=out,
        regions=regions,
        workers=workers,
        limits=Limits(time_limit, memory_limit),
        ledger=ledger,
        cache=cache,
        uses_cache=not no_cache,
        repair=repair,
        retries_failed=retry_failed,
        runtime=runtime,
    )
    with progress_bars() as open_bar:
        summary = run_batch(options, open_bar("Scoring"))
    console = Console()
    n_all = summary.n_done + summary.n_failed
    console.print(f"{summary.n_done} of {n_all} studies done, {summary.n_failed} failed, in {summary.seconds:.1f} s")
    console.print(f"Results: {out / 'results.csv'}; summary: {out / 'summary.html'}")
    if summary.n_failed:
        for reason, n in list(summary.reasons.items())[:SHOWN_REASONS]:
            console.print(f"  {n} × {reason}", markup=False)
        msg = f"{summary.n_failed} of {n_all} studies failed; their reasons stand in results.csv"
        raise StudiesFailedError(msg)
