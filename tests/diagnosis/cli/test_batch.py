"""`diagnosis batch` from the command line: exit code and words where a study fails."""

import sys

import pytest

from diagnosis.cli import main


def run(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["diagnosis", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_failed_study_is_told_by_exit_code_and_in_words(tiny_bundle, tmp_path, monkeypatch, capsys):
    (tmp_path / "m.csv").write_text("case_id,patient_id,ct,note_text\na,p,,A nodule of 8 mm.\nb,q,nowhere,A nodule.\n")
    out = tmp_path / "out"
    arguments = ["batch", str(tmp_path / "m.csv"), "--out", str(out), "--bundle", str(tiny_bundle), "--workers", "1"]
    assert run(monkeypatch, *arguments) == 20
    told = capsys.readouterr()
    assert "1 of 2 studies done, 1 failed" in told.out
    assert "1 × input: the path does not exist; check its spelling" in told.out
    assert "1 of 2 studies failed; their reasons stand in" in told.err
    assert (out / "summary.html").is_file()
    assert run(monkeypatch, *arguments) == 20  # nothing is scored again


def test_a_run_that_is_stopped_by_hand_says_how_to_go_on(tiny_bundle, tmp_path, monkeypatch, capsys):
    (tmp_path / "m.csv").write_text("case_id,patient_id,note_text\na,p,A nodule of 8 mm.\n")

    def stopped(*_arguments, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr("diagnosis.batch.run.run_batch", stopped)
    arguments = ["batch", str(tmp_path / "m.csv"), "--out", str(tmp_path / "out"), "--bundle", str(tiny_bundle)]
    assert run(monkeypatch, *arguments) == 130
    assert "the same command goes on from here" in capsys.readouterr().err


def test_a_cluster_without_a_shared_ledger_is_refused(tiny_bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("DIAGNOSIS_LEDGER", raising=False)
    (tmp_path / "m.csv").write_text("case_id,patient_id,note_text\na,p,A nodule of 8 mm.\n")
    arguments = ["batch", str(tmp_path / "m.csv"), "--out", str(tmp_path / "out"), "--bundle", str(tiny_bundle)]
    assert run(monkeypatch, *arguments, "--engine", "ray") == 12
    assert "name a PostgreSQL database with --ledger or DIAGNOSIS_LEDGER" in capsys.readouterr().err
    assert run(monkeypatch, *arguments, "--address", "127.0.0.1:6379") == 2
    assert "add --engine ray" in capsys.readouterr().err
