"""A run that is killed at random moments says in the end what one says that nobody killed."""

import json
import subprocess
import sys
from pathlib import Path


def test_nothing_is_lost_or_twice_however_often_it_is_killed():
    # In a process of its own: forks of one that other tests have left threads and libraries in crash at times.
    command = [sys.executable, str(Path(__file__).with_name("killing.py")), "5", "1", "2.0", "12"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    tally = json.loads(done.stdout.splitlines()[-1])
    assert tally["problems"] == []
    assert tally["kills_of_run"] + tally["kills_of_reader"] >= 5
    assert tally["most_read_again_per_kill"] <= 1
