"""`diagnosis batch`: many studies, on one machine or a cluster."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from diagnosis.cli import options
from diagnosis.cli.output_folder import require_folder
from diagnosis.errors import StudiesFailedError
from diagnosis.kept_imports import kept_for_good
from diagnosis.vocabulary import counted

if TYPE_CHECKING:
    from diagnosis.batch.job import BatchOptions
    from diagnosis.batch.run import Summary

SHOWN_REASONS = 5


class Engine(StrEnum):
    """Where the studies are scored."""

    LOCAL = "local"
    RAY = "ray"


Address = Annotated[str | None, typer.Option("--address", help="Ray cluster, HOST:PORT; without it one is begun here.")]
Ledger = Annotated[
    str | None, typer.Option("--ledger", help="Database URL (default: DIAGNOSIS_LEDGER, else SQLite in OUT).")
]
Runtime = Annotated[str, typer.Option("--runtime", help="float32, or auto: what measures best here, within tolerance.")]


def batch_command(
    source: Annotated[Path, typer.Argument(help="Manifest, folder of case folders, or (with --regions) DICOM tree.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the results; an unfinished run in it goes on.")],
    bundle: options.Bundle = None,
    regions: Annotated[Path | None, typer.Option("--regions", help="CSV: path or series_uid, center_x_mm ...")] = None,
    engine: Annotated[Engine, typer.Option("--engine", help="This machine, or a Ray cluster.")] = Engine.LOCAL,
    address: Address = None,
    ledger: Ledger = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Reading processes.")] = None,
    time_limit: Annotated[float, typer.Option("--time-limit", min=1, help="Seconds for one study.")] = 300.0,
    memory_limit: Annotated[int, typer.Option("--memory-limit", min=256, help="MiB for one study.")] = 6144,
    repair: options.Repair = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Score again what failed before.")] = False,
    cache: Annotated[Path | None, typer.Option("--cache", help="Folder of the cache (default: OUT/cache).")] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Keep no transcripts and embeddings.")] = False,
    runtime: Runtime = "float32",
) -> None:
    """Score many studies: results.parquet, results.csv, summary.html. Killed at any moment, it goes on."""
    require_folder(out)
    from diagnosis import settings
    from diagnosis.batch.job import BatchOptions
    from diagnosis.batch.reader_pool import Limits

    if address is not None and engine is not Engine.RAY:
        msg = "--address names a Ray cluster; add --engine ray"
        raise typer.BadParameter(msg)
    asked = BatchOptions(
        source=source,
        bundle=bundle or settings.bundle_dir(),
        out=out,
        regions=regions,
        workers=workers,
        limits=Limits(time_limit, memory_limit),
        ledger=ledger or settings.ledger_url(),
        cache=cache,
        uses_cache=not no_cache,
        repair=repair,
        retries_failed=retry_failed,
        runtime=runtime,
    )
    try:
        summary = _score(asked, engine, address)
    except KeyboardInterrupt:
        Console(stderr=True).print("Stopped. Nothing is lost: the same command goes on from here.")
        raise typer.Exit(130) from None
    _print(summary, out)


def _score(asked: "BatchOptions", engine: Engine, address: str | None) -> "Summary":
    """Run with progress shown."""
    with kept_for_good():
        from diagnosis.batch.run import run_batch
    from diagnosis.cli.progress import opened_when_told, progress_bars

    with progress_bars() as open_bar:
        on_self_test = opened_when_told(open_bar, "Trying runtimes")
        if engine is Engine.RAY:
            from diagnosis.batch.cluster import run_batch_on_ray

            return run_batch_on_ray(asked, address, open_bar("Scoring on the cluster"), on_self_test)
        return run_batch(asked, open_bar("Scoring"), on_self_test=on_self_test)


def _print(summary: "Summary", out: Path) -> None:
    """What came of the run, and why studies failed.

    Raises:
        StudiesFailedError: some did.
    """
    console = Console()
    asked_for = counted(summary.n_done + summary.n_failed, "study", "studies")
    console.print(f"{summary.n_done} of {asked_for} done, {summary.n_failed} failed, in {summary.seconds:.1f} s")
    console.print(f"Results: {out / 'results.csv'}; summary: {out / 'summary.html'}", markup=False)
    if summary.n_failed:
        for reason, n in list(summary.reasons.items())[:SHOWN_REASONS]:
            console.print(f"  {n} × {reason}", markup=False)
        msg = f"{summary.n_failed} of {asked_for} failed; their reasons stand in results.csv"
        raise StudiesFailedError(msg)
