"""Batch runs on disks of a few hundred KiB: `unshare --map-root-user --mount python full_disks.py FOLDER`.

Prints, for each place that a run writes to, what it says when the disk there is full, and what comes of the same run
once there is room.
"""

import json
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS), str(TESTS / "diagnosis" / "ingest")]

from factories import make_tiny_bundle  # noqa: E402
from killing import ForkedReader  # noqa: E402
from studies_factory import options, results, write_manifest  # noqa: E402

from diagnosis.batch.job import BatchOptions  # noqa: E402
from diagnosis.batch.run import run_batch  # noqa: E402
from diagnosis.errors import DiagnosisError  # noqa: E402

SMALL, LARGE = "size=96k", "size=64m"


def mounted(folder: Path, how: str) -> Path:
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", how, "tmpfs", str(folder)], check=True)
    return folder


def told(asked: BatchOptions) -> tuple[str, int]:
    """What a run says, and its exit code."""
    try:
        summary = run_batch(asked, start_reading=ForkedReader)
    except DiagnosisError as error:
        return str(error), error.exit_code
    return f"{summary.n_done} done, {summary.n_failed} failed", 0


def main(folder: Path) -> None:
    source = write_manifest(folder / "source", 12)
    make_tiny_bundle(folder / "bundle")
    told(options(source, folder / "bundle", folder / "whole"))
    found = {}
    for name in ("out", "ledger", "cache"):
        small, out = mounted(folder / name, SMALL), folder / f"out of {name}"
        places = {"ledger": {"ledger": str(small / "l.sqlite3")}, "cache": {"cache": small / "c"}}.get(name, {})
        asked = options(source, folder / "bundle", small / "run" if name == "out" else out, **places)
        if name == "cache":
            (small / "fill").write_bytes(bytes(96 * 1024))
        full = told(asked)
        subprocess.run(["mount", "-o", f"remount,{LARGE}", str(small)], check=True)
        found[name] = [full, told(asked), results(asked.out) == results(folder / "whole")]
    sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
