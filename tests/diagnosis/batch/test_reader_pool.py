"""Reading processes that hang, swell or die cost their study and nothing else."""

import os
import signal

import pytest
from studies_factory import options

from diagnosis.batch.local import reader_settings
from diagnosis.batch.prepared import PreparedStudy
from diagnosis.batch.reader_messages import Prepared, Refused
from diagnosis.batch.reader_pool import Died, Limits, ReaderPool
from diagnosis.batch.studies import Study
from diagnosis.bundle.folder import load_bundle


@pytest.fixture(scope="module")
def settings(tiny_bundle, tmp_path_factory):
    return reader_settings(load_bundle(tiny_bundle), options(None, tiny_bundle, tmp_path_factory.mktemp("out")))


def answer(pool, study, disturb=lambda _pid: None):
    """The pool's answer on one study, with its process disturbed as soon as the study is given."""
    while not pool.n_free:
        assert not list(pool.answers(0.1))
    (pid,) = pool.process_ids
    os.kill(pid, signal.SIGSTOP)
    pool.give(study)
    disturb(pid)
    while True:
        for found in pool.answers(0.1):
            return found


def test_each_ends_its_study_and_the_next_is_read(settings, tmp_path, monkeypatch):
    (tmp_path / "dl").mkdir()  # names of packages; nothing of the working directory may take their place
    (tmp_path / "torch.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    study = Study("s", note_text="A nodule of 8 mm.")
    with ReaderPool(1, settings, Limits(seconds=2.0)) as pool:
        found = answer(pool, study)
        assert found == Refused("s", "stopped after 2 s, the time limit for one study; raise it with --time-limit")
        pool._limits = Limits()
        found = answer(pool, study, lambda pid: os.kill(pid, signal.SIGKILL))
        assert found == Died("s", "the reading process died of it (signal 9); the study may be damaged")
        pool._limits = Limits(memory_mib=1)
        found = answer(pool, study)
        assert found.reason == "stopped at 1 MiB, the memory limit for one study; raise it with --memory-limit"
        pool._limits = Limits()
        found = answer(pool, study, lambda pid: os.kill(pid, signal.SIGCONT))
        assert isinstance(found, Prepared)
        prepared = PreparedStudy.from_bytes(found.prepared)
        assert (prepared.case_id, prepared.modalities, prepared.n_rows) == ("s", "note", 1)
        refused = answer(pool, Study("t", note_text=" "), lambda pid: os.kill(pid, signal.SIGCONT))
        assert refused == Refused("t", refused.reason)
        assert "empty" in refused.reason
        (pid,) = pool.process_ids
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
