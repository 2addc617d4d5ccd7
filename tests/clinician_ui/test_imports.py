"""What arrives is unpacked on disk, judged, and becomes a case only when it is accepted."""

import errno
import json
import os
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from dicom_factory import setting, write_series

from clinician_ui.folders import find_case
from clinician_ui.imports import (
    INCOMING,
    NewCase,
    accept,
    discard,
    incoming_folder,
    receive_folder,
    receive_zip,
    suggested_pseudonym,
    with_repair,
)
from diagnosis.errors import CaseError, GeometryError, InputError, LimitExceededError, OutputError
from diagnosis.ingest import limits
from diagnosis.ingest.case_folder import read_case
from diagnosis.vocabulary import Verdict

FEW = 12


@pytest.fixture
def study(checkout, tmp_path) -> Path:
    """Some neighboring slices of a sample."""
    folder = tmp_path / "study"
    folder.mkdir()
    for file in sorted((checkout / "data_samples" / "case_004" / "ct").iterdir())[:FEW]:
        shutil.copyfile(file, folder / file.name)
    return folder


@pytest.fixture
def cases(tmp_path) -> Path:
    folder = tmp_path / "cases"
    folder.mkdir()
    return folder


def packed(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"SECRET^NAME/{file.name}")
    return target


def waiting(cases: Path) -> list[Path]:
    return list((cases / INCOMING).iterdir()) if (cases / INCOMING).is_dir() else []


def test_a_zip_archive_becomes_a_case(study, cases, tmp_path):
    path = packed(study, tmp_path / "upload.part")
    seen = []
    arrival = receive_zip(path, cases, lambda words, share: seen.append((words, share)))
    assert not path.exists()
    assert [told for told in seen if told[0].startswith("Unpacking")] == [
        (f"Unpacking file {n} of {FEW}", n / FEW) for n in range(1, FEW + 1)
    ]
    assert seen[-1] == (f"Reading file {FEW} of {FEW}", 1.0)
    assert (arrival.n_files, len(arrival.reports)) == (FEW, 1)
    assert arrival.reports[0].verdict is Verdict.REGULAR
    assert arrival.is_usable
    token = accept(arrival, NewCase("c-7", 61.0, "F", "FINDINGS: none."), cases)
    entry = find_case(cases, token)
    assert (entry.case_id, entry.age_years, entry.sex) == ("c-7", 61.0, "F")
    case, _ = read_case(entry.folder)
    assert case.volume.hu.shape[0] == FEW
    assert case.note.text == "FINDINGS: none."
    assert json.loads((cases / "c-7" / "case.json").read_text()) == {"case_id": "c-7", "age_years": 61.0, "sex": "F"}
    assert waiting(cases) == []
    assert not list(cases.rglob("*SECRET*"))


def test_a_folder_is_copied_and_left_alone(study, cases):
    seen = []
    arrival = receive_folder(study, cases, lambda words, share: seen.append((words, share)))
    assert seen[FEW - 1] == (f"Copying file {FEW} of {FEW}", 1.0)
    assert len(list(study.iterdir())) == arrival.n_files == FEW
    accept(arrival, NewCase("c-8"), cases)
    assert len(list((cases / "c-8" / "ct").iterdir())) == FEW


def test_a_series_with_a_gap_is_refused_with_the_reason(study, cases):
    sorted(study.iterdir())[5].unlink()
    arrival = receive_folder(study, cases)
    assert arrival.reports[0].verdict is Verdict.REFUSED
    assert "mm apart" in arrival.reports[0].reasons[0].message
    with pytest.raises(CaseError, match="none of the series can be used"):
        accept(arrival, NewCase("c-9"), cases)
    discard(arrival)
    assert waiting(cases) == []


def test_what_is_no_study_leaves_nothing_behind(cases, tmp_path):
    text = tmp_path / "text.part"
    text.write_text("hello")
    with pytest.raises(InputError, match="not a zip archive"):
        receive_zip(text, cases)
    assert not text.exists()
    damaged = tmp_path / "damaged.part"
    damaged.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(InputError, match="damaged"):
        receive_zip(damaged, cases)
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "readme.txt").write_text("no images")
    with pytest.raises((InputError, GeometryError)):
        receive_folder(empty, cases)
    with pytest.raises(InputError, match="no such folder on this machine"):
        receive_folder(tmp_path / "absent", cases)
    assert waiting(cases) == []


def test_a_full_disk_leaves_nothing_of_an_import_behind(study, cases, tmp_path, monkeypatch):
    archive = packed(study, tmp_path / "study.part")

    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("diagnosis.ingest.archive._copy_limited", full)
        with pytest.raises(OutputError, match="No space left on device"):
            receive_zip(archive, cases)
    assert waiting(cases) == []
    arrival = receive_folder(study, cases)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(CaseError, match="cannot be taken in \\(No space left on device\\); make room"):
            accept(arrival, NewCase("c-1"), cases)
    accept(arrival, NewCase("c-1"), cases)  # once there is room
    assert (cases / "c-1" / "case.json").is_file()


def test_a_folder_of_too_much_is_not_copied(study, cases, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(LimitExceededError, match="more than the 0 that are read"):
        receive_folder(study, cases)
    assert waiting(cases) == []


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "name with spaces", "x" * 65])
def test_a_pseudonym_is_a_plain_name(study, cases, name):
    arrival = receive_folder(study, cases)
    with pytest.raises(CaseError, match="up to 64 letters"):
        accept(arrival, NewCase(name), cases)
    assert [p.name for p in cases.iterdir()] == [INCOMING]


def test_a_taken_pseudonym_and_an_impossible_age(study, cases):
    arrival = receive_folder(study, cases)
    with pytest.raises(CaseError, match="the age is not possible"):
        accept(arrival, NewCase("c-1", 400.0), cases)
    (cases / "c-1").mkdir()
    with pytest.raises(CaseError, match="a case of this pseudonym already"):
        accept(arrival, NewCase("c-1"), cases)
    (cases / "c-1").rmdir()
    accept(arrival, NewCase("c-1"), cases)


def test_what_was_left_a_day_ago_is_removed(cases):
    old = cases / INCOMING / "old"
    old.mkdir(parents=True)
    (cases / INCOMING / "old.part").write_text("x")
    new = cases / INCOMING / "new"
    new.mkdir()
    for path in (old, cases / INCOMING / "old.part"):
        os.utime(path, (time.time() - 90_000,) * 2)
    assert incoming_folder(cases) == cases / INCOMING
    assert list((cases / INCOMING).iterdir()) == [new]


def test_a_single_case_takes_no_others(checkout):
    with pytest.raises(InputError, match="start it with a folder of cases"):
        incoming_folder(checkout / "data_samples" / "case_004")


def test_suggested_pseudonyms_differ():
    assert suggested_pseudonym() != suggested_pseudonym()


def test_a_tilted_series_is_repaired_only_when_the_reader_asks(cases, tmp_path):
    folder = tmp_path / "tilted"
    folder.mkdir()
    tilted = [1.0, 0.0, 0.0, 0.0, float(np.cos(0.2)), float(-np.sin(0.2))]
    write_series(folder, change=setting(ImageOrientationPatient=tilted))
    arrival = receive_folder(folder, cases)
    assert not arrival.is_usable
    assert arrival.is_repairable
    assert "have the tilt repaired" in arrival.reports[0].reasons[0].message
    with pytest.raises(CaseError, match="none of the series can be used as it is"):
        accept(arrival, NewCase("c-1"), cases)
    repaired = with_repair(arrival)
    assert [report.verdict for report in repaired.reports] == [Verdict.REPAIRED]
    assert repaired.is_usable
    assert not repaired.is_repairable
    accept(repaired, NewCase("c-1", note="A nodule."), cases)
    assert json.loads((cases / "c-1" / "case.json").read_text())["repair"] == "resample"
    case, _ = read_case(cases / "c-1")
    assert case.warnings[0].startswith("CT: gantry tilt of 11.5 degrees repaired")
    assert case.volume is not None
