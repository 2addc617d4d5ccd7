"""Identifiers planted everywhere, every command run, and everything that was written searched for them."""

import json
import logging
import re
import sys
import tempfile
from pathlib import Path

import pydicom
import pytest
from dicom_factory import write_series

PLANTED = ("Zebrowski", "Nakamurova", "QX7781234", "19440713", "2.999.77", "AccNo9917")
PATTERN = re.compile("|".join(map(re.escape, PLANTED)), re.IGNORECASE)
NOTE = (
    "Patient: Zebrowski, Ann   MRN: QX7781234   DOB: 1944-07-13\nSeen by Dr. Nakamurova.\n"
    "An 8 mm spiculated nodule in the right upper lobe of Mrs. Zebrowski. No effusion.\n"
)


def plant(data_set, _) -> None:
    data_set.PatientName, data_set.PatientID = "Zebrowski^Ann", "QX7781234"
    data_set.PatientBirthDate, data_set.AccessionNumber = "19440713", "AccNo9917"
    data_set.ReferringPhysicianName = data_set.OperatorsName = "Nakamurova^Eva"
    data_set.StudyInstanceUID, data_set.FrameOfReferenceUID = "2.999.77.1", "2.999.77.2"
    data_set.StudyDescription = data_set.PatientComments = "Zebrowski QX7781234"
    data_set.InstitutionName = "Nakamurova Clinic"
    data_set.add_new(0x00091001, "LO", "Zebrowski")
    item = pydicom.Dataset()
    item.PatientID, item.CodeMeaning = "QX7781234", "Zebrowski"
    data_set.OtherPatientIDsSequence = [item]
    data_set.ProcedureCodeSequence = [item]


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "Zebrowski_Ann_QX7781234"
    write_series(folder / "ct", change=plant, uid="2.999.77.3")
    (folder / "note.txt").write_text(NOTE)
    (folder / "voice.txt").write_text("for missus zebrowski, no effusion")
    region = {"center_mm": [0.0, -5.0, 8.0], "diameter_mm": 6.0}
    (folder / "case.json").write_text(json.dumps({"case_id": "c-1", "region": region}))
    return folder


@pytest.fixture
def run(monkeypatch, capfd, caplog, tmp_path):
    """Run a command as a user does; what it printed and logged."""
    from diagnosis.cli import main

    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DIAGNOSIS_CACHE", str(tmp_path / "cache"))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    caplog.set_level(logging.DEBUG)

    def command(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["diagnosis", *map(str, words)])
        caplog.clear()
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        printed = capfd.readouterr()
        return f"{code} {printed.out} {printed.err} {caplog.text}"

    return command


def found_below(folder: Path) -> list[str]:
    """Where an identifier stands below a folder, in names or in contents."""
    paths = sorted(folder.rglob("*")) if folder.is_dir() else []
    named = [f"name {path.relative_to(folder)}" for path in paths if PATTERN.search(str(path.relative_to(folder)))]
    held = [
        f"content {path.relative_to(folder)}"
        for path in paths
        if path.is_file() and PATTERN.search(path.read_bytes().decode("latin-1"))
    ]
    return named + held


def without_paths(text: str, tmp_path: Path) -> str:
    """The output without the paths that the caller gave."""
    return re.sub(rf"{re.escape(str(tmp_path))}\S*", "", text.replace("\n", ""))


@pytest.mark.parametrize("options", [(), ("--retain-longitudinal", "--clean-descriptors", "--retain-characteristics")])
def test_deidentification_leaves_nothing(case: Path, run, tmp_path: Path, options) -> None:
    out = tmp_path / "out"
    said = run("deidentify", case, "--out", out, "--key", tmp_path / "key", *options)
    assert said.startswith(("0 ", "None "))
    assert not PATTERN.search(without_paths(said, tmp_path))
    assert len(list(out.rglob("*.dcm"))) == 8
    assert found_below(out) == []
    assert found_below(tmp_path / "scratch") + found_below(tmp_path / "cache") + found_below(tmp_path / "home") == []


def test_commands_write_identity_only_where_it_belongs(case: Path, run, tmp_path: Path, tiny_bundle: Path) -> None:
    for words in (
        ("inspect", case / "ct", "--json"),
        ("assess", case, "--bundle", tiny_bundle, "--json"),
        ("explain", case, "--bundle", tiny_bundle, "--out", tmp_path / "explained"),
        ("export", case, "--bundle", tiny_bundle, "--out", tmp_path / "exported", "--format", "sr", "--format", "fhir"),
    ):
        said = without_paths(run(*words), tmp_path)
        said = said.replace("2.999.77.3", "") if words[0] == "inspect" else said  # the series is what was asked about
        if words[0] == "explain":  # shows the words of the note that mattered, which is its purpose
            continue
        assert not PATTERN.search(said), words[0]
    assert found_below(tmp_path / "scratch") + found_below(tmp_path / "cache") + found_below(tmp_path / "home") == []
    named = [entry for entry in found_below(tmp_path / "exported") if entry.startswith("name")]
    assert named + found_below(tmp_path / "exported" / "export.json") == []


def test_errors_quote_nothing(case: Path, run, tmp_path: Path, tiny_bundle: Path) -> None:
    damaged = sorted((case / "ct").iterdir())[3]
    damaged.write_bytes(damaged.read_bytes()[:900])
    (case / "bad.json").write_text("{")
    broken = tmp_path / "Zebrowski"
    broken.mkdir()
    (broken / "case.json").write_text(json.dumps({"case_id": "c-1", "Zebrowski": "QX7781234", "age_years": 900}))
    (tmp_path / "zebrowski.pdf").write_bytes(b"%PDF-1.4 Zebrowski")
    (tmp_path / "zebrowski.wav").write_bytes(b"RIFF Zebrowski")
    (tmp_path / "key").write_text("QX7781234")
    for words in (
        ("inspect", case / "ct"),
        ("inspect", tmp_path / "zebrowski.pdf"),
        ("assess", case, "--bundle", tiny_bundle),
        ("assess", broken, "--bundle", tiny_bundle),
        ("assess", "--note", tmp_path / "zebrowski.pdf", "--bundle", tiny_bundle),
        ("assess", "--voice", tmp_path / "zebrowski.wav", "--bundle", tiny_bundle),
        ("deidentify", case, "--out", tmp_path / "out", "--key", tmp_path / "key"),
        ("deidentify", broken, "--out", tmp_path / "out2", "--key", tmp_path / "key2"),
    ):
        said = without_paths(run(*words), tmp_path)
        assert not PATTERN.search(said), (words[0], said)
    assert found_below(tmp_path / "scratch") + found_below(tmp_path / "cache") + found_below(tmp_path / "home") == []
