"""`diagnosis candidates-benchmark`: what the search for regions finds, and what else it proposes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from diagnosis.cli import options

if TYPE_CHECKING:
    from diagnosis.candidates.ranking import Ranking

SHOWN_RANKS = (1, 2, 4, 10)


def candidates_benchmark_command(
    phantoms: Annotated[int, typer.Option("--phantoms", min=0, help="Synthetic patients, of eight kinds.")] = 30,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same patients.")] = 2024,
    ct: Annotated[Path | None, typer.Option("--ct", help="Folder with a folder of DICOM files for each study.")] = None,
    boxes: Annotated[
        Path | None, typer.Option("--boxes", help="CSV of readers' boxes (case, file, x1, y1, x2, y2).")
    ] = None,
    rule: Annotated[bool, typer.Option("--rule", help="Rank by the rule and not by the network.")] = False,
    as_json: options.Json = False,
) -> None:
    """Sensitivity and false candidates per study of the search for regions, on synthetic patients and real CT."""
    from diagnosis.benchmark.candidates import figures, real_figures, search_phantoms, search_real
    from diagnosis.cli.progress import progress_bars

    ranking = _ranking(rule=rule)
    document: dict[str, Any] = {"ranking": type(ranking).__name__, "seed": seed}
    with progress_bars() as open_bar:
        if phantoms:
            studies = search_phantoms(phantoms, seed, ranking, open_bar("Searching synthetic patients"))
            document["phantoms"] = figures(studies)
        if ct is not None:
            document["real"] = real_figures(search_real(ct, boxes, ranking, open_bar("Searching real CT")))
    if as_json:
        typer.echo(json.dumps(document, indent=2))
        return
    console = Console()
    if phantoms:
        print_phantoms(document["phantoms"], console)
    if ct is not None:
        print_real(document["real"], console)


def _ranking(*, rule: bool) -> "Ranking":
    from diagnosis.candidates.ranking import RoundnessRanking, default_ranking

    return RoundnessRanking() if rule else default_ranking()


def print_phantoms(figures: dict[str, Any], console: Console) -> None:
    """One row a kind, then one row for the first so many candidates."""
    table = Table(title=f"{figures['n_studies']} synthetic patients, one lesion each")
    for column in ("lesion", "found", "ranks"):
        table.add_column(column)
    for kind, row in figures["kinds"].items():
        table.add_row(
            kind, f"{row['found']} of {row['n']}", ", ".join("-" if r is None else str(r) for r in row["ranks"])
        )
    console.print(table)
    froc = Table(title="When only the first so many are shown")
    for column in ("candidates", "found", "sensitivity [95 %]", "false per study"):
        froc.add_column(column, justify="right")
    for point in figures["froc"]:
        if point["n_candidates"] in SHOWN_RANKS:
            interval = f"{point['sensitivity']:.2f} [{point['low']:.2f}, {point['high']:.2f}]"
            found = f"{round(point['sensitivity'] * figures['n_lesions'])} of {figures['n_lesions']}"
            froc.add_row(str(point["n_candidates"]), found, interval, f"{point['false_per_study']:.1f}")
    console.print(froc, f"Median time of a search: {figures['median_seconds']:.1f} s")


def print_real(rows: dict[str, Any], console: Console) -> None:
    """One row a study."""
    table = Table(title="Real CT")
    for column in ("study", "proposed", "lesion at rank", "false", "seconds", "why none"):
        table.add_column(column)
    for name, row in rows.items():
        if "refused" in row:
            table.add_row(name, "-", "-", "-", "-", row["refused"])
            continue
        ranks = ", ".join("missed" if r is None else str(r) for r in row["ranks"]) if "ranks" in row else "no truth"
        false = f"{row['false']:.0f}" if "false" in row else "-"
        table.add_row(name, str(row["proposed"]), ranks, false, f"{row['seconds']:.1f}", row["reason"] or "")
    console.print(table)
