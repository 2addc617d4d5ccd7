"""`diagnosis audit`: what it prints, and its exit code."""

import json
import subprocess
import sys

import pytest
from sqlalchemy import text

from diagnosis.store.actors import Actor, Role
from diagnosis.store.audit import Action, note_event
from diagnosis.store.database import Store


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "store.sqlite3"
    store = Store.open(str(path))
    for n in range(3):
        note_event(store, Actor("reader@clinic", Role.READER), Action.VIEW, "abc123", {"n": n})
    return path, store


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "diagnosis", "audit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_whole_trail(database):
    path, _ = database
    found = run("verify", "--store", str(path))
    assert (found.returncode, found.stderr) == (0, "")
    assert "3 events and 0 records are as they were written." in found.stdout
    shown = run("show", "--store", str(path), "--json", "--case", "abc123", "--last", "2")
    assert [json.loads(line)["detail"] for line in shown.stdout.splitlines()] == [{"n": 1}, {"n": 2}]
    assert "reader@clinic" in run("show", "--store", str(path)).stdout


@pytest.mark.parametrize("command", ["show", "verify"])
def test_a_database_that_is_gone_is_not_called_whole(tmp_path, command):
    path = tmp_path / "nowhere" / "x.db"
    found = run(command, "--store", f"sqlite:///{path}")
    assert (found.returncode, found.stdout) == (17, "")
    assert "there is no database at the place that is named; check --store" in found.stderr
    assert not path.parent.exists()


def test_a_changed_trail_has_an_exit_code_of_its_own(database):
    path, store = database
    with store.writing() as session:
        session.execute(text("UPDATE audit_events SET actor = 'nobody' WHERE seq = 2"))
    found = run("verify", "--store", str(path))
    assert found.returncode == 18
    assert "event 2: its content was changed" in found.stdout
    assert "compare it with a backup" in found.stderr
    assert "Traceback" not in found.stderr
