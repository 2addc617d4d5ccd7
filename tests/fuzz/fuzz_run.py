"""Long fuzzing: `python tests/fuzz/fuzz_run.py --inputs 100000 --out fuzz.json`.

Every input is tried in a forked worker, so that a crash of a codec, a hang and the memory it took are all seen; the
input that caused it is kept beside the report. The same seed gives the same inputs.
"""

import argparse
import contextlib
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "diagnosis" / "ingest")]

from fuzz_damage import mutated  # noqa: E402
from fuzz_targets import TARGETS, Target, attempt  # noqa: E402

HANG_S = 30
MEMORY_BYTES = 6 * 2**30
BATCH = 500


@dataclass
class Tally:
    """What came of the inputs of one target."""

    inputs: int = 0
    outcomes: Counter = field(default_factory=Counter)
    faults: list = field(default_factory=list)
    peak_mib: int = 0
    slowest_s: float = 0.0


def input_of(target: Target, seed: int) -> bytes:
    """The input number `seed` of a target."""
    random_ = random.Random(f"{target.name}/{seed}")
    seeds = target.seeds()
    return mutated(random_.choice(seeds), seeds, random_)


def _worker(target: Target, first: int, count: int, pipe: int, folder: Path) -> None:
    """Try inputs one after another; one line of JSON after each, and its number before it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    for seed in range(first, first + count):
        os.write(pipe, f'{{"begin": {seed}}}\n'.encode())
        signal.setitimer(signal.ITIMER_PROF, HANG_S)
        signal.alarm(10 * HANG_S)
        started = time.process_time()
        report = {"seed": seed}
        try:
            report["outcome"] = attempt(target, folder, input_of(target, seed))
        except BaseException as error:  # noqa: BLE001 - whatever escapes is what is looked for
            where = traceback.extract_tb(error.__traceback__)[-1]
            report["fault"] = (
                f"{type(error).__name__}: {error}"[:300] + f" at {Path(where.filename).name}:{where.lineno}"
            )
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        report["seconds"] = time.process_time() - started
        report["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        os.write(pipe, (json.dumps(report) + "\n").encode())


def warm_up(target: Target) -> list[str]:
    """What comes of the honest files; also imports everything once, before the forks."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        return [attempt(target, Path(folder), seed) for seed in target.seeds()]


def run_batch(target: Target, first: int, count: int, tally: Tally) -> int:
    """Run inputs in a fork until all are done or one kills it; the number of the next input."""
    read_end, write_end = os.pipe()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        child = os.fork()
        if child == 0:
            os.close(read_end)
            with contextlib.suppress(BaseException):
                _worker(target, first, count, write_end, Path(folder))
            os._exit(0)
        os.close(write_end)
        current = first
        with os.fdopen(read_end) as lines:
            for line in lines:
                report = json.loads(line)
                if "begin" in report:
                    current = report["begin"]
                    continue
                _count(tally, report)
                current = report["seed"] + 1
        _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        is_hang = number in {signal.SIGALRM, signal.SIGPROF}
        kind = f"hang: more than {HANG_S} s of processor time" if is_hang else f"killed by signal {number}"
        tally.inputs += 1
        tally.faults.append({"seed": current, "fault": kind})
        return current + 1
    return current


def _count(tally: Tally, report: dict) -> None:
    tally.inputs += 1
    tally.peak_mib = max(tally.peak_mib, report["peak_mib"])
    tally.slowest_s = max(tally.slowest_s, report["seconds"])
    if "fault" in report:
        tally.faults.append({"seed": report["seed"], "fault": report["fault"]})
    else:
        tally.outcomes[report["outcome"]] += 1


def main() -> None:
    """Run, write the report after every batch, keep what failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input of each target")
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    parser.add_argument("--out", type=Path, default=Path("fuzz.json"))
    asked = parser.parse_args()
    targets = [TARGETS[name] for name in asked.target or TARGETS]
    total_share = sum(target.share for target in targets)
    wanted = {target.name: asked.first + round(asked.inputs * target.share / total_share) for target in targets}
    tallies = {target.name: Tally() for target in targets}
    places = {target.name: asked.first for target in targets}
    for target in targets:
        sys.stdout.write(f"{target.name}: honest inputs {warm_up(target)}\n")
    while any(places[name] < wanted[name] for name in wanted):
        for target in targets:
            count = min(BATCH, wanted[target.name] - places[target.name])
            if count > 0:
                places[target.name] = run_batch(target, places[target.name], count, tallies[target.name])
        _write(asked.out, tallies)
    sys.stdout.write(_write(asked.out, tallies) + "\n")


def _write(out: Path, tallies: dict[str, Tally]) -> str:
    report = {name: vars(tally) | {"outcomes": dict(tally.outcomes)} for name, tally in tallies.items()}
    faults = sum(len(tally.faults) for tally in tallies.values())
    whole = {"inputs": sum(tally.inputs for tally in tallies.values()), "faults": faults, "targets": report}
    out.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    return f"{whole['inputs']} inputs, {faults} faults"


if __name__ == "__main__":
    main()
