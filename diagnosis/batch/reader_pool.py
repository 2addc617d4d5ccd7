"""Reading processes, each watched: one that takes too long, takes too much memory or dies costs only its study."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, final

from diagnosis.batch.cache import CacheError, FullCacheError
from diagnosis.batch.reader_messages import Halted, Prepared, Ready, Refused
from diagnosis.errors import MissingDependencyError

if TYPE_CHECKING:
    from diagnosis.batch.reading import ReaderSettings
    from diagnosis.batch.studies import Study

MIB = 2**20
START_SECONDS = 600.0
"""A reading process that has not loaded its packages by then never will."""


@final
@dataclass(frozen=True)
class Limits:
    """What one study may cost: seconds, and MiB of resident memory of the process that reads it."""

    seconds: float = 300.0
    memory_mib: int = 6144


@final
@dataclass(frozen=True)
class Died:
    """The process that read a study died: it may have been the study's fault or not."""

    case_id: str
    reason: str


Answer = Prepared | Refused | Died


class ReaderProcess(Protocol):
    """What the pool has to know of a process."""

    @property
    def pid(self) -> int:
        """Its number."""

    def kill(self) -> None:
        """End it, whatever it is doing."""

    def wait(self) -> int:
        """Its exit code, negative for a signal."""


Start = Callable[[Connection], ReaderProcess]
"""Begins a reading process on its end of a pipe."""


def start_reader(connection: Connection) -> ReaderProcess:
    """Begin a reading process of its own, with one thread: the processes are the parallelism."""
    # -P: a folder or file of the working directory that is named like a package must not be taken for it.
    command = [sys.executable, "-P", "-m", "diagnosis.batch.reader_process", str(connection.fileno())]
    return subprocess.Popen(
        command,
        pass_fds=(connection.fileno(),),
        env=os.environ | {"DIAGNOSIS_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": _path_of_this_code()},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _path_of_this_code() -> str:
    """PYTHONPATH by which a process finds the very code that runs here, wherever it is begun."""
    own = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH")
    return f"{own}{os.pathsep}{known}" if known else own


@final
class _Reader:
    """One process, its pipe, and the study in its hands."""

    def __init__(self, settings: "ReaderSettings", start: Start) -> None:
        self.connection, far = Pipe()
        self.process = start(far)
        far.close()
        self.connection.send(settings)
        self.is_ready = False
        self.study: Study | None = None
        self.since = time.monotonic()

    def give(self, study: "Study") -> None:
        """Let the process read a study."""
        self.study, self.since = study, time.monotonic()
        with suppress(BrokenPipeError, ConnectionResetError):  # it died meanwhile: seen when its answer is read
            self.connection.send(study)

    def overrun(self, limits: Limits) -> str | None:
        """Why the study has to be stopped, or None."""
        seconds = time.monotonic() - self.since
        if self.study is not None and seconds > limits.seconds:
            return f"stopped after {limits.seconds:g} s, the time limit for one study; raise it with --time-limit"
        if self.study is not None and resident_mib(self.process.pid) > limits.memory_mib:
            return f"stopped at {limits.memory_mib} MiB, the memory limit for one study; raise it with --memory-limit"
        return None

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        self.connection.close()


@final
class ReaderPool:
    """So many reading processes; begun on entering, ended on leaving."""

    def __init__(self, n_readers: int, settings: "ReaderSettings", limits: Limits, start: Start = start_reader) -> None:
        self._settings, self._limits, self._start = settings, limits, start
        self._readers = [_Reader(settings, start) for _ in range(n_readers)]

    def __enter__(self) -> "ReaderPool":
        return self

    def __exit__(self, *_: object) -> None:
        for reader in self._readers:
            reader.stop()

    @property
    def process_ids(self) -> Sequence[int]:
        """Of the processes, for tests that kill them."""
        return [reader.process.pid for reader in self._readers]

    @property
    def n_free(self) -> int:
        """How many studies can be given now."""
        return sum(reader.is_ready and reader.study is None for reader in self._readers)

    @property
    def is_busy(self) -> bool:
        """Whether a study is being read."""
        return any(reader.study is not None for reader in self._readers)

    def give(self, study: "Study") -> None:
        """Let a free process read a study."""
        next(reader for reader in self._readers if reader.is_ready and reader.study is None).give(study)

    def answers(self, timeout_s: float) -> Iterator[Answer]:
        """What has become of studies, after at most so many seconds; processes that ended are replaced.

        Raises:
            CacheError: nothing can be kept, so that the run has to stop; the study in hand is no worse for it.
            MissingDependencyError: a process does not start.
        """
        by_connection = {reader.connection: reader for reader in self._readers}
        for ready in wait(list(by_connection), timeout_s):
            if isinstance(ready, Connection):
                yield from self._received(by_connection[ready])
        for reader in list(self._readers):
            reason = reader.overrun(self._limits)
            if reason is not None and reader.study is not None:
                # Replaced before it is told: whoever stops listening after the first answer hears none twice.
                self._replace(reader)
                yield Refused(reader.study.case_id, reason)
            elif not reader.is_ready and time.monotonic() - reader.since > START_SECONDS:
                msg = "batch: a reading process does not start; check the installation with `diagnosis assess`"
                raise MissingDependencyError(msg)

    def _received(self, reader: _Reader) -> Iterator[Answer]:
        try:
            message = reader.connection.recv()
        except (EOFError, ConnectionResetError):
            yield from self._died(reader)
            return
        if isinstance(message, Ready):
            reader.is_ready = True
            return
        if isinstance(message, Halted):
            raise (FullCacheError if message.is_disk_full else CacheError)(message.reason)
        reader.study = None
        if isinstance(message, Refused) and not message.is_designed:
            self._replace(reader)
        yield message

    def _died(self, reader: _Reader) -> Iterator[Died]:
        code = reader.process.wait()
        if reader.study is not None:
            self._replace(reader)
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            yield Died(reader.study.case_id, f"the reading process died of it ({how}); the study may be damaged")
        elif not reader.is_ready and code >= 0:
            msg = f"batch: a reading process ended with exit code {code} before it began; check the installation"
            raise MissingDependencyError(msg)
        else:
            self._replace(reader)

    def _replace(self, reader: _Reader) -> None:
        reader.stop()
        self._readers[self._readers.index(reader)] = _Reader(self._settings, self._start)


def resident_mib(process_id: int) -> float:
    """Resident memory of a process; 0 where the system does not say."""
    try:
        pages = int(Path(f"/proc/{process_id}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB
