"""Kill a batch run at random moments and start it again: `python killing.py KILLS SEED LONGEST_S [STUDIES]`.

Each start is a fork of this process, which has loaded all packages, so that most of a run's time is work and the kill
falls into every step of it. The victim is the whole run or one of its reading processes, always by SIGKILL.
"""

import json
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import pyarrow.parquet as pq

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS), str(TESTS / "diagnosis" / "ingest")]

from studies_factory import options, results, write_manifest  # noqa: E402

from diagnosis.batch import run  # noqa: E402
from diagnosis.batch.reader_process import serve  # noqa: E402
from diagnosis.bundle.folder import Bundle, load_bundle  # noqa: E402
from diagnosis.store.ledger import MOST_CRASHES  # noqa: E402


class ForkedReader:
    """A reading process that is a fork; it ends with the one that forked it."""

    def __init__(self, connection: Connection) -> None:
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            # As in a process begun anew: neither the lock of the output folder nor the ledger are inherited.
            for name in [path.name for path in Path("/proc/self/fd").iterdir()]:
                if int(name) > 2 and int(name) != connection.fileno():
                    with suppress(OSError):
                        os.close(int(name))
            signal.signal(signal.SIGALRM, lambda *_: os.getppid() == parent or os._exit(1))
            signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
            try:
                serve(connection)
            finally:
                os._exit(0)

    def kill(self) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def wait(self) -> int:
        try:
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        except ChildProcessError:
            return -signal.SIGKILL


@dataclass
class Tally:
    kills_of_run: int = 0
    kills_of_reader: int = 0
    runs: int = 0
    studies: int = 0
    read_again: int = 0
    most_read_again_per_kill: float = 0.0
    problems: list[str] = field(default_factory=list)


def start(source: Path, bundle: Bundle, out: Path) -> int:
    """Begin a run in a fork, which inherits the loaded bundle; its process id."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        code = 1
        # In the fork alone: whoever called goes on with the real loader.
        run.load_bundle = lambda _folder: bundle
        try:
            run.run_batch(options(source, bundle.folder, out, uses_cache=False), start_reading=ForkedReader)
            code = 0
        finally:
            os._exit(code)
    return child


def children_of(parent: int) -> list[int]:
    try:
        return [int(c) for c in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except FileNotFoundError:
        return []


def kill_while_running(rng: random.Random, child: int, longest_s: float, tally: Tally, *, spares_readers: bool) -> bool:
    """Kill something after a random time; whether the run had ended before."""
    time.sleep(rng.uniform(0.0, longest_s))
    if os.waitpid(child, os.WNOHANG)[0]:
        return True
    readers = children_of(child)
    if readers and rng.random() < 0.4 and not spares_readers:
        os.kill(rng.choice(readers), signal.SIGKILL)
        tally.kills_of_reader += 1
        return False
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    tally.kills_of_run += 1
    return False


def kill_often(n_kills: int, seed: int, n_studies: int, longest_s: float, folder: Path) -> Tally:
    """Runs of `n_studies` until so many kills have been made; each compared with a run that nobody killed."""
    from factories import make_tiny_bundle

    rng, tally = random.Random(seed), Tally()
    source = write_manifest(folder / "source", n_studies)
    make_tiny_bundle(folder / "bundle")
    bundle = load_bundle(folder / "bundle")
    whole = folder / "whole"
    os.waitpid(start(source, bundle, whole), 0)
    expected = results(whole)
    while tally.kills_of_run + tally.kills_of_reader < n_kills:
        out, before = folder / f"run{tally.runs}", tally.kills_of_run + tally.kills_of_reader
        readers_before = tally.kills_of_reader
        child = start(source, bundle, out)
        while True:
            if tally.kills_of_run + tally.kills_of_reader >= n_kills:
                os.waitpid(child, 0)
                break
            killed_runs = tally.kills_of_run
            # A study whose reader dies a third time is failed on purpose, and chance may pick the same one each time.
            spares = tally.kills_of_reader - readers_before >= MOST_CRASHES - 1
            if kill_while_running(rng, child, longest_s, tally, spares_readers=spares):
                break
            if tally.kills_of_run > killed_runs:
                child = start(source, bundle, out)
        tally.runs += 1
        tally.studies += n_studies
        check(out, expected, n_studies, tally.kills_of_run + tally.kills_of_reader - before, tally)
    return tally


def check(out: Path, expected: tuple[bytes, bytes], n_studies: int, kills: int, tally: Tally) -> None:
    if not (out / "results.csv").is_file():
        tally.problems.append(f"{out.name}: no results")
        return
    rows = pq.read_table(out / "results.parquet").to_pylist()
    names = [row["case_id"] for row in rows]
    lost, twice = n_studies - len(set(names)), len(names) - len(set(names))
    failed = sum(row["status"] != "done" for row in rows)
    if lost or twice or failed or results(out) != expected:
        tally.problems.append(f"{out.name}: {lost} lost, {twice} twice, {failed} failed, or other bytes")
    again = sum(pq.read_table(out / "timings.parquet")["attempts"].to_pylist()) - n_studies
    tally.read_again += again
    tally.most_read_again_per_kill = max(tally.most_read_again_per_kill, again / max(kills, 1))


if __name__ == "__main__":
    kills, first_seed, longest, *rest = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        found = kill_often(int(kills), int(first_seed), int(rest[0]) if rest else 48, float(longest), Path(name))
        sys.stdout.write(f"{json.dumps(asdict(found))}\n")
