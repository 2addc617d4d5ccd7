"""Taking turns with a peer, peak memory, and how both are told."""

import ctypes
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

MIB = 2**20


@final
@dataclass(frozen=True)
class Figure:
    """One figure of a benchmark.

    Attributes:
        name: what was measured.
        peer: against what.
        ratio: median over the pairs of (peer's seconds / ours): above 1 the product is faster. None where the peer is
            missing.
        low, high: smallest and largest ratio of a pair.
        ours_s, peer_s: median seconds, for orientation only.
        note: what else was seen, such as memory or the difference of outputs.
    """

    name: str
    peer: str
    ratio: float | None
    low: float | None = None
    high: float | None = None
    ours_s: float | None = None
    peer_s: float | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(
    name: str, peer: str, ours: Callable[[], object], theirs: Callable[[], object], repetitions: int, note: str = ""
) -> Figure:
    """Ours, theirs, ours, theirs ...: one ratio a pair, after one call of each that is not counted.

    The note gives the least processor seconds of each, too: a busy machine hardly changes them.
    """
    ours()
    theirs()
    pairs, processor = [], []
    for _ in range(repetitions):
        (ours_s, ours_cpu), (theirs_s, theirs_cpu) = cost_of(ours), cost_of(theirs)
        pairs.append((ours_s, theirs_s))
        processor.append((ours_cpu, theirs_cpu))
    least_ours, least_theirs = (min(values) for values in zip(*processor, strict=True))
    told = f"processor seconds {least_ours:.2f} against {least_theirs:.2f}"
    return figure_of(name, peer, pairs, f"{note}; {told}" if note else told)


def cost_of(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of one call, and those of the processors for all threads of this process."""
    start = time.process_time()
    seconds = seconds_of(work)
    return seconds, time.process_time() - start


def figure_of(name: str, peer: str, pairs: Sequence[tuple[float, float]], note: str = "") -> Figure:
    """The figure of pairs of seconds (ours, theirs)."""
    ratios = [theirs / ours for ours, theirs in pairs]
    return Figure(
        name=name,
        peer=peer,
        ratio=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
        ours_s=statistics.median(ours for ours, _ in pairs),
        peer_s=statistics.median(theirs for _, theirs in pairs),
        note=note,
    )


def missing(name: str, peer: str, package: str) -> Figure:
    """A peer that is not installed."""
    return Figure(name, peer, None, note=f"left out: {package} is not installed")


def peak_mib(work: Callable[[], object]) -> float:
    """Most memory that a call held beyond what the process held before, in MiB; NaN where the system does not say."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    # Memory that was freed before is given back first (glibc): its use again would count as nothing.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    try:
        reset.write_text("5", encoding="ascii")  # the high-water mark starts anew
        before = _kib(status, "VmRSS")
        kept = work()
        most = _kib(status, "VmHWM")
    except OSError:
        return float("nan")
    del kept
    return (most - before) / 1024


def _kib(status: Path, field: str) -> int:
    line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1])
