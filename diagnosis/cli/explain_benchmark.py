"""`diagnosis explain-benchmark`: every method of explanation against known truth."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from diagnosis.cli import options

COLUMNS = (
    ("n_cases", "n", "{:.0f}"),
    ("pointing_game", "pointing game", "{:.2f}"),
    ("mass_inside", "mass inside", "{:.2f}"),
    ("deletion_beats_random", "deletion beats random", "{:.2f}"),
    ("completeness_gap", "worst gap", "{:.4f}"),
    ("randomization_correlation", "random model", "{:.2f}"),
    ("shapley_credit", "Shapley credit", "{:.2f}"),
    ("seconds", "seconds", "{:.2f}"),
    ("peak_mb", "peak MB", "{:.0f}"),
)


def explain_benchmark_command(
    bundle: options.Bundle = None,
    cases: Annotated[int, typer.Option("--cases", min=1, help="Real nodules, for the default method.")] = 60,
    chests: Annotated[int, typer.Option("--chests", min=1, help="Synthetic chests, for the default method.")] = 20,
    further: Annotated[
        int, typer.Option("--further", min=0, help="Of them, for the other methods; and of each cohort of words.")
    ] = 12,
    lidc: Annotated[Path | None, typer.Option("--lidc", help="Folder of the LIDC nodules; left out otherwise.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything that is drawn.")] = 7,
    out: Annotated[
        Path,
        typer.Option("--out", help="The table as JSON; rows are kept beside it, and a stopped run continues there."),
    ] = Path("explain_benchmark.json"),
    as_json: options.Json = False,
) -> None:
    """Measure all methods of explanation on synthetic patients and on outlined nodules."""
    from diagnosis.cli.progress import progress_bars

    with progress_bars() as open_bar:
        from diagnosis.engine import DiagnosisEngine
        from diagnosis.explanation.benchmark import BenchmarkOptions, run_benchmark
        from diagnosis.explanation.benchmark_ledger import Ledger, published

        engine = DiagnosisEngine.load(bundle)
        made_with = {"bundle": engine.bundle.sha256, "seed": seed}
        ledger = Ledger.open(out.with_suffix(".rows.jsonl"), made_with)
        run_benchmark(engine.bundle, BenchmarkOptions(cases, chests, further, lidc, seed), ledger, open_bar)
    table = ledger.table()
    text = json.dumps(published(table), indent=2)
    out.write_text(text + "\n", encoding="utf-8")
    if as_json:
        typer.echo(text)
        return
    console = Console()
    for cohort, methods in table.items():
        shown = Table(title=cohort)
        shown.add_column("method")
        for _, title, _ in COLUMNS:
            shown.add_column(title, justify="right")
        for method, figures in methods.items():
            shown.add_row(method, *(_cell(figures.get(name), form) for name, _, form in COLUMNS))
        console.print(shown)


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
