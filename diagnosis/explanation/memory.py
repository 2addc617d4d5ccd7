"""Peak memory of a stretch of work, as the operating system counts it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


@final
@dataclass
class PeakMemory:
    """Filled when the stretch ends; None where the system does not say (it is read from Linux's /proc)."""

    peak_mb: float | None = None
    """Largest resident memory of the process above what it held at the start."""


@contextmanager
def peak_memory() -> Iterator[PeakMemory]:
    """Measure the work inside the `with`."""
    result = PeakMemory()
    start = _resident_mb("VmRSS:") if _was_reset() else None
    yield result
    peak = _resident_mb("VmHWM:")
    if start is not None and peak is not None:
        result.peak_mb = max(0.0, peak - start)


def _was_reset() -> bool:
    try:
        _RESET.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _resident_mb(name: str) -> float | None:
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), None)
