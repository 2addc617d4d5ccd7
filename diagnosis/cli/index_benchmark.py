"""`diagnosis index-benchmark`: libraries for nearest neighbors beside exact search."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from diagnosis.cli import options


def index_benchmark_command(
    bundle: options.Bundle = None,
    size: Annotated[list[int] | None, typer.Option("--size", help="Vectors; repeat for several.")] = None,
    library: Annotated[list[str] | None, typer.Option("--library", help="Repeat for several; all by default.")] = None,
    as_json: options.Json = False,
) -> None:
    """Compare libraries for nearest neighbors: recall against exact search, time and memory (1,000 to 1,000,000)."""
    from diagnosis import settings
    from diagnosis.bundle.folder import verify_checksums
    from diagnosis.retrieval.ann_benchmark import SIZES, measure
    from diagnosis.retrieval.index import load_index
    from diagnosis.retrieval.libraries import LIBRARIES
    from diagnosis.retrieval.search import ALL, joined

    folder = bundle or settings.bundle_dir()
    vectors = joined(load_index(folder, verify_checksums(folder)).embeddings, ALL)
    table = Table(title="Ten nearest neighbors, one query at a time, one thread")
    for column in ("library", "vectors", "recall@10", "p50 ms", "p95 ms", "build s", "memory MB"):
        table.add_column(column, justify="left" if column == "library" else "right")
    measured = []
    for count in size or SIZES:
        for name in library or list(LIBRARIES):
            row = measure(name, vectors, count)
            measured.append(row.to_json())
            shown = (f"{row.recall_at_10:.3f}", f"{row.p50_ms:.2f}", f"{row.p95_ms:.2f}")
            table.add_row(name, f"{count:,}", *shown, f"{row.build_s:.1f}", f"{row.memory_mb:.0f}")
    if as_json:
        typer.echo(json.dumps(measured, indent=2))
        return
    Console().print(table)
