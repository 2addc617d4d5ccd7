"""`diagnosis benchmark`: how fast, as ratios against peers that do the same work on this machine."""

import json
import tempfile
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from diagnosis.cli import options

if TYPE_CHECKING:
    from diagnosis.benchmark.measuring import Figure


class Part(StrEnum):
    """What can be measured."""

    LOADING = "loading"
    REGIONS = "regions"
    ENCODING = "encoding"
    SPEECH = "speech"
    STUDY = "study"
    BATCH = "batch"
    STUDIES = "growth-studies"
    SLICES = "growth-slices"


def benchmark_command(
    parts: Annotated[list[Part] | None, typer.Argument(help="What to measure (default: everything).")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Also write the figures to this JSON file.")] = None,
    bundle: options.Bundle = None,
    repetitions: Annotated[int, typer.Option("--repetitions", min=1, help="Pairs measured of each figure.")] = 5,
    slices: Annotated[int, typer.Option("--slices", min=3, help="Slices of the series, 512 x 512 each.")] = 300,
    studies: Annotated[int, typer.Option("--studies", min=8, help="Most studies of a batch.")] = 1024,
) -> None:
    """Measure this machine against MONAI, SimpleITK, TorchIO, faster-whisper and a plain script, in turns."""
    console = Console()
    figures: list[Figure] = []
    for part in parts or list(Part):
        # A line and no spinner, which would take its share of what is measured.
        Console(stderr=True).print(f"Measuring {part.value}: minutes, on a quiet machine less")
        with tempfile.TemporaryDirectory(prefix="diagnosis-benchmark-") as name:
            found = _measure(part, Path(name), bundle, repetitions, slices, studies)()
        console.print(_table(part, found))
        figures += found
    if out is not None:
        out.write_text(json.dumps([figure.to_json() for figure in figures], indent=2) + "\n", encoding="utf-8")


def _measure(
    part: Part, folder: Path, bundle: Path | None, repetitions: int, slices: int, studies: int
) -> "Callable[[], list[Figure]]":
    from diagnosis import settings
    from diagnosis.benchmark import encoding, growth, loading, regions, speech
    from diagnosis.benchmark import studies as whole

    model = bundle or settings.bundle_dir()
    voice = settings.data_samples_dir() / "case_001" / "voice.wav"
    counts = tuple(n for n in growth.STUDIES if n <= studies)
    return {
        Part.LOADING: lambda: loading.measure_loading(folder, repetitions, slices),
        Part.REGIONS: lambda: regions.measure_regions(folder, repetitions, slices),
        Part.ENCODING: lambda: encoding.measure_encoding(model, repetitions),
        Part.SPEECH: lambda: speech.measure_speech(voice, repetitions),
        Part.STUDY: lambda: whole.measure_study(folder, model, voice, repetitions, slices),
        Part.BATCH: lambda: whole.measure_batch(folder, model, min(64, studies), repetitions, slices),
        Part.STUDIES: lambda: growth.measure_growth_of_studies(folder, model, counts),
        Part.SLICES: lambda: growth.measure_growth_of_slices(folder),
    }[part]


def _table(part: Part, figures: "list[Figure]") -> Table:
    caption = "Ratio: peer's seconds / ours, median of the pairs \\[lowest, highest]. Above 1 the product is faster."
    table = Table(title=f"Benchmark: {part.value}", caption=caption)
    for column in ("what", "peer", "ratio", "ours s", "peer s", "note"):
        table.add_column(column)
    for figure in figures:
        if figure.ratio is None:
            table.add_row(figure.name, figure.peer, "-", "-", "-", figure.note)
            continue
        spread = f"{figure.ratio:.2f} [{figure.low:.2f}, {figure.high:.2f}]"
        table.add_row(figure.name, figure.peer, spread, f"{figure.ours_s:.3g}", f"{figure.peer_s:.3g}", figure.note)
    return table
