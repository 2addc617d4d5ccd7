"""Identifiers planted everywhere, every command run, and everything that was written searched for them."""

import json
import logging
import re
import sys
import tempfile
import zipfile
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


def zipped(folder: Path, archive: Path, inside: str) -> Path:
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted(folder.iterdir()):
            opened.writestr(f"{inside}{path.name}", path.read_bytes())
    return archive


def test_names_inside_archives_are_not_repeated(case: Path, run, tmp_path: Path, tiny_bundle: Path) -> None:
    whole = zipped(case / "ct", tmp_path / "study.zip", "Zebrowski_Ann/QX7781234/")
    leaving = zipped(case / "ct", tmp_path / "leaving.zip", "../Zebrowski_Ann/")
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole.read_bytes()[:-900])
    strange = tmp_path / "strange.zip"
    with zipfile.ZipFile(strange, "w") as opened:
        opened.writestr("Zebrowski.dcm", b"QX7781234")
        opened.writestr("Zebrowski.txt", NOTE)
    region = ("--region=0,-5,8", "--diameter", "6", "--bundle", tiny_bundle)
    for archive in (whole, leaving, cut, strange):
        for words in (("inspect", archive), ("assess", "--ct", archive, *region)):
            said = without_paths(run(*words), tmp_path)
            assert not PATTERN.search(said), (words, said)
    run("deidentify", whole, "--out", tmp_path / "out", "--key", tmp_path / "key")
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 8
    assert found_below(tmp_path / "out") == []
    assert found_below(tmp_path / "scratch") + found_below(tmp_path / "cache") + found_below(tmp_path / "home") == []


def test_tables_are_refused_without_their_cells(case: Path, run, tmp_path: Path, tiny_bundle: Path) -> None:
    """Each bad row names its number and its column, never what stands in it."""
    head = "case_id,patient_id,ct,note_text,center_x_mm,center_y_mm,center_z_mm,age_years,sex,split"
    rows = (
        "c-1,QX7781234,Zebrowski_Ann/ct,Seen by Nakamurova,a,b,c,67,F,test",
        "c-1,QX7781234,,Zebrowski,,,,Zebrowski,F,test",
        "c-1,QX7781234,,Zebrowski,,,,67,Zebrowski,test",
        "c-1,QX7781234,,Zebrowski,,,,67,F,Zebrowski\nc-2,QX7781234,,Zebrowski,,,,67,F,test",
        "c-1,QX7781234,Zebrowski/none,Zebrowski,,,,67,F,test",
        'c-1,QX7781234,"Zebrowski',
    )
    for row in rows:
        (tmp_path / "cases.csv").write_text(f"{head}\n{row}\n")
        said = run("batch", tmp_path / "cases.csv", "--out", tmp_path / "run", "--bundle", tiny_bundle)
        assert not said.startswith(("0 ", "None ")), row
        assert not PATTERN.search(without_paths(said, tmp_path)), said
    (tmp_path / "regions.csv").write_text("series_uid,center_x_mm,center_y_mm,center_z_mm\n2.999.77.9,1,2,Zebrowski\n")
    words = ("--regions", tmp_path / "regions.csv", "--out", tmp_path / "run2", "--bundle", tiny_bundle)
    assert not PATTERN.search(without_paths(run("batch", case / "ct", *words), tmp_path))


def test_a_batch_run_holds_case_ids_and_nothing_else(case: Path, run, tmp_path: Path, tiny_bundle: Path) -> None:
    """Ledger, results, summary, timings and logs; one study that is read and one that is damaged."""
    import pyarrow.parquet as pq

    studies = tmp_path / "studies"
    studies.mkdir()
    case.rename(studies / case.name)
    damaged = studies / "Nakamurova_QX7781234"
    write_series(damaged / "ct", change=plant, uid="2.999.77.4")
    first = next((damaged / "ct").iterdir())
    first.write_bytes(first.read_bytes()[:900])
    (damaged / "case.json").write_text(json.dumps({"case_id": "c-2", "region": {"center_mm": [0.0, -5.0, 8.0]}}))
    out = tmp_path / "run"
    said = run("batch", studies, "--out", out, "--bundle", tiny_bundle)
    assert said.startswith("20 "), said
    assert not PATTERN.search(without_paths(said, tmp_path)), said
    assert found_below(out) == []
    for table in out.rglob("*.parquet"):
        assert not PATTERN.search(str(pq.read_table(table).to_pydict())), table.name
    assert found_below(tmp_path / "scratch") + found_below(tmp_path / "cache") + found_below(tmp_path / "home") == []


def test_what_is_read_aloud_stays_out_of_caches(case: Path, run, tmp_path: Path, tiny_bundle: Path) -> None:
    """These commands show the note's words on purpose; on disk nothing of it stays."""
    for words in (("read", case), ("draft", case, "--bundle", tiny_bundle), ("ask", case, "Is it spiculated?")):
        run(*words)
    assert found_below(tmp_path / "scratch") + found_below(tmp_path / "cache") + found_below(tmp_path / "home") == []
