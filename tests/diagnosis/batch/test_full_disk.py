"""A full disk stops a run with a sentence that names the place; with room the same run goes on to the same bytes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

NAMESPACE = ["unshare", "--map-root-user", "--mount"]


def test_a_full_disk_is_named_and_costs_nothing(tmp_path):
    try:
        subprocess.run([*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)], check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("this system lets nobody mount a small disk (unshare --map-root-user --mount)")
    script = Path(__file__).with_name("full_disks.py")
    ran = subprocess.run(
        [*NAMESPACE, sys.executable, str(script), str(tmp_path)], check=False, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    for name, code in {"out": 21, "ledger": 17, "cache": 21}.items():
        (sentence, said), after, is_equal = found[name]
        assert sentence == (
            f"batch: the disk that holds --{name} is full; free some space there and start the same command again: it "
            "goes on where it stopped, nothing is lost"
        )
        assert (said, after, is_equal) == (code, ["12 done, 0 failed", 0], True)
