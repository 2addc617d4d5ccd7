"""(f) Time and memory over the number of studies and of slices."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import final

from diagnosis.batch.job import BatchOptions
from diagnosis.batch.reader_pool import resident_mib
from diagnosis.batch.run import run_batch
from diagnosis.benchmark.made_up import SIZE, write_manifest, write_series
from diagnosis.benchmark.measuring import MIB, Figure, figure_of, peak_mib, seconds_of
from diagnosis.ingest.dicom_volume import read_volume

STUDIES = (16, 64, 256, 1024)
SLICES = (75, 150, 300, 600)
SMALL = 128


def measure_growth_of_studies(folder: Path, bundle: Path, counts: tuple[int, ...] = STUDIES) -> list[Figure]:
    """Batches of small studies: processor seconds that each further study takes from one batch to the next larger one.

    The ratio is that of the step before to this one: 1 is linear growth, less is slower. The start of the program
    falls out of the difference; a first batch that loads the packages does not count.
    """
    series = [write_series(folder / f"series{i}", 40, SMALL, seed=i) for i in range(2)]

    def watched(n: int, out: Path) -> Watched:
        manifest = write_manifest(folder / f"manifest{n}.csv", series, n, 40)
        return watch_memory(partial(run_batch, BatchOptions(manifest, bundle, out, uses_cache=False)))

    watched(min(counts), folder / "first")
    runs = [(n, watched(n, folder / f"out{n}")) for n in counts]
    n, run = runs[0]
    figures = [Figure(f"{n} studies with the start of the program", "-", None, note=_told(run))]
    step_before: float | None = None
    for (n_before, before), (n, run) in pairwise(runs):
        step = (run.processor_s - before.processor_s) / (n - n_before)
        pair = (step, step_before or step)
        figures.append(figure_of(f"from {n_before} studies to {n}", "the step before", [pair], _told(run)))
        step_before = step
    return figures


def _told(run: "Watched") -> str:
    return (
        f"{run.seconds:.1f} s, {run.processor_s:.1f} processor seconds; most memory of the run and its readers "
        f"{run.most_mib:.0f} MiB"
    )


def measure_growth_of_slices(folder: Path, counts: tuple[int, ...] = SLICES) -> list[Figure]:
    """Loading series of more and more slices; the ratio is seconds a slice against those of the series before."""
    figures: list[Figure] = []
    last: float | None = None
    for n in counts:
        series = write_series(folder / f"slices{n}", n)
        read_volume(series)
        each = min(seconds_of(partial(read_volume, series)) for _ in range(3)) / n
        share = peak_mib(partial(read_volume, series)) / (n * SIZE * SIZE * 4 / MIB)
        note = f"peak memory {share:.2f} times the volume's"
        figures.append(figure_of(f"{n} slices", "the series before", [(each, last or each)], note))
        last = each
    return figures


@final
@dataclass(frozen=True)
class Watched:
    """What a run took."""

    seconds: float
    processor_s: float
    most_mib: float


def watch_memory(work: Callable[[], object], every_s: float = 0.2) -> Watched:
    """What a call took: seconds, those of the processors, and the most memory; children that have ended included."""
    most, stop = 0.0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not stop.is_set():
            most = max(most, sum(resident_mib(pid) for pid in _family()))
            time.sleep(every_s)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    before = _processor_seconds()
    seconds = seconds_of(work)
    processor_s = _processor_seconds() - before
    stop.set()
    thread.join()
    return Watched(seconds, processor_s, most)


def _processor_seconds() -> float:
    """Of this process and of its children that have ended."""
    of = os.times()
    return of.user + of.system + of.children_user + of.children_system


def _family() -> list[int]:
    own = os.getpid()
    children: list[int] = []
    for path in Path(f"/proc/{own}/task").glob("*/children"):
        children += [int(pid) for pid in path.read_text(encoding="ascii").split()]
    return [own, *children]
