"""(f) Time and memory over the number of studies and of slices."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import final

from diagnosis.batch.reader_pool import resident_mib
from diagnosis.batch.run import BatchOptions, run_batch
from diagnosis.benchmark.made_up import SIZE, write_manifest, write_series
from diagnosis.benchmark.measuring import MIB, Figure, figure_of, peak_mib, seconds_of
from diagnosis.ingest.dicom_volume import read_volume

STUDIES = (16, 64, 256, 1024)
SLICES = (75, 150, 300, 600)
SMALL = 128


def measure_growth_of_studies(folder: Path, bundle: Path, counts: tuple[int, ...] = STUDIES) -> list[Figure]:
    """Batches of small studies: seconds that each further study takes from one batch to the next larger one.

    The ratio is that of the step before to this one: 1 is linear growth, less is slower. The start of the program
    falls out of the difference.
    """
    series = [write_series(folder / f"series{i}", 40, SMALL, seed=i) for i in range(2)]
    figures: list[Figure] = []
    n_before, seconds_before = 0, 0.0
    step_before: float | None = None
    for n in counts:
        manifest = write_manifest(folder / f"manifest{n}.csv", series, n, 40)
        out = folder / f"out{n}"
        watched = watch_memory(partial(run_batch, BatchOptions(manifest, bundle, out, uses_cache=False)))
        note = f"{watched.seconds:.1f} s; most memory of the run and its readers {watched.most_mib:.0f} MiB"
        if n_before:
            step = (watched.seconds - seconds_before) / (n - n_before)
            name = f"from {n_before} studies to {n}"
            figures.append(figure_of(name, "the step before", [(step, step_before or step)], note))
            step_before = step
        else:
            figures.append(Figure(f"{n} studies with the start of the program", "-", None, note=note))
        n_before, seconds_before = n, watched.seconds
    return figures


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
    most_mib: float


def watch_memory(work: Callable[[], object], every_s: float = 0.2) -> Watched:
    """Seconds of a call and the most memory that this process and its children held meanwhile."""
    most, stop = 0.0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not stop.is_set():
            most = max(most, sum(resident_mib(pid) for pid in _family()))
            time.sleep(every_s)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    seconds = seconds_of(work)
    stop.set()
    thread.join()
    return Watched(seconds, most)


def _family() -> list[int]:
    own = os.getpid()
    children: list[int] = []
    for path in Path(f"/proc/{own}/task").glob("*/children"):
        children += [int(pid) for pid in path.read_text(encoding="ascii").split()]
    return [own, *children]
