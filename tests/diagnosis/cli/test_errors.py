"""Each kind of bad input has its own sentence and exit code; none prints a traceback or patient data."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from diagnosis.errors import ConfigurationError


@pytest.fixture
def note(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("A 12 mm solid nodule with spiculation.")
    return path


def test_neither_folder_nor_parts(run):
    code, _, error = run("assess")
    assert code == 8
    assert "name either a case folder or its parts" in error


def test_a_missing_folder(run, tmp_path):
    code, _, error = run("assess", str(tmp_path / "none"))
    assert code == 8
    assert "the folder does not exist" in error


def test_a_malformed_region(run, checkout):
    code, _, error = run("assess", "--ct", str(checkout / "data_samples/case_004/ct"), "--region", "1,2")
    assert code == 5
    assert "is not X,Y,Z" in error


def test_a_region_outside_the_ct(run, checkout, tiny_bundle):
    ct = str(checkout / "data_samples/case_004/ct")
    code, _, error = run("assess", "--ct", ct, "--region=900,0,0", "--bundle", str(tiny_bundle))
    assert code == 5
    assert "lies outside the CT, which spans" in error


def test_an_empty_note(run, tmp_path, tiny_bundle):
    path = tmp_path / "empty.txt"
    path.write_text("  \n")
    code, _, error = run("assess", "--note", str(path), "--bundle", str(tiny_bundle))
    assert code == 6
    assert "empty" in error


def test_a_recording_that_is_none(run, tmp_path, tiny_bundle):
    path = tmp_path / "voice.wav"
    path.write_bytes(b"this is not sound" * 10)
    code, _, error = run("assess", "--voice", str(path), "--bundle", str(tiny_bundle))
    assert code == 7
    assert error.strip()


def test_an_impossible_age(run, note, tiny_bundle):
    code, _, error = run("assess", "--note", str(note), "--age", "300", "--bundle", str(tiny_bundle))
    assert code == 8
    assert "an age of 300 years is not possible" in error


def test_a_damaged_bundle(run, note, tiny_bundle, tmp_path):
    folder = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    weights = folder / "models" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    code, _, error = run("assess", "--note", str(note), "--bundle", str(folder))
    assert code == 11
    assert "differs from its checksum" in error


def test_a_refused_series(run, checkout, tmp_path, tiny_bundle):
    folder = shutil.copytree(checkout / "data_samples/case_004/ct", tmp_path / "ct")
    for path in sorted(folder.iterdir())[20:23]:
        path.unlink()
    code, _, error = run("assess", "--ct", str(folder), "--region=-80,-113,-124", "--bundle", str(tiny_bundle))
    assert code == 4
    assert "gap" in error or "apart" in error


def test_a_path_that_leaves_its_zip(run, tmp_path):
    path = tmp_path / "ct.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.dcm", b"x")
    code, _, error = run("inspect", str(path))
    assert code in {3, 10}
    assert error.strip()


def test_a_configuration_that_cannot_be_read(run, tmp_path):
    code, _, error = run("train", str(tmp_path / "none.yaml"))
    assert code == 12
    assert "cannot be read as YAML" in error


def test_wrong_usage(run):
    assert run("assess", "--no-such-option")[0] == 2


def test_json_of_an_assessment_has_the_stated_form(run, note, tiny_bundle):
    code, out, _ = run(
        "assess", "--note", str(note), "--age", "67", "--sex", "F", "--bundle", str(tiny_bundle), "--json"
    )
    assert code == 0
    result = json.loads(out)
    assert {"case_id", "bundle", "findings", "modalities", "warnings"} <= set(result)
    assert {"name", "probability", "threshold", "is_flagged"} <= set(result["findings"][0])
    assert {m: entry["present"] for m, entry in result["modalities"].items()} == {
        "ct": False,
        "note": True,
        "voice": False,
    }


def test_a_manifest_with_bad_rows_names_them_before_anything_is_loaded(run, tmp_path, tiny_bundle):
    path = tmp_path / "manifest.csv"
    path.write_text("case_id,patient_id,note_text,malignancy\na,p1,solid nodule,2\nb,p2,,1\n")
    code, _, error = run("evaluate", str(tiny_bundle), str(path), "--out", str(tmp_path / "out"))
    assert code == 9
    assert "row 1" in error
    assert "row 2" in error


def test_evaluate_writes_metrics_in_the_stated_form(run, tmp_path, tiny_bundle):
    rows = [f"c{i},p{i},{'spiculated 20 mm' if i % 2 else 'smooth 4 mm'} nodule,{i % 2}" for i in range(12)]
    path = tmp_path / "manifest.csv"
    path.write_text("case_id,patient_id,note_text,malignancy\n" + "\n".join(rows) + "\n")
    code, _, error = run("evaluate", str(tiny_bundle), str(path), "--out", str(tmp_path / "out"))
    assert code == 0, error
    document = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert {"protocol", "findings", "differences", "baselines"} <= set(document)
    assert set(document["findings"]["malignancy"]["note"]["auroc"]) == {"value", "low", "high"}
    assert document["findings"]["malignancy"]["note"]["n"] == 12
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize("command", ["train", "compare", "index"])
def test_without_the_trainer_its_extra_is_named(run, monkeypatch, command):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "lightning" else find(name, *rest)
    )
    code, _, error = run(command, "train.yaml")
    assert code == 13
    assert 'training: lightning is not installed; run pip install ".[train]"' in error


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "data_samples/case_004", "--out"),
        ("export", "data_samples/case_004", "--out"),
        ("evaluate", "models/lung_nodule", "data_samples/manifest.csv", "--out"),
        ("batch", "data_samples/manifest.csv", "--out"),
        ("demo", "--out"),
        ("deidentify", "data_samples/case_004", "--key", "study.key", "--out"),
        ("phantom",),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_anything_is_computed(
    run, checkout, tmp_path, monkeypatch, arguments
):
    monkeypatch.chdir(checkout)
    (tmp_path / "file").write_text("in the way")
    code, _, error = run(*arguments, tmp_path / "file" / "results")
    assert code == 21
    assert "output: a file stands where the folder is to be; name another folder" in " ".join(error.split())
    monkeypatch.setattr("os.access", lambda _path, mode: not mode & os.W_OK)
    code, _, error = run(*arguments, tmp_path / "results")
    assert code == 21
    assert "output: the folder may not be written; name one that may" in " ".join(error.split())


def test_a_report_that_cannot_be_written_is_refused_first(run, checkout, tmp_path):
    code, _, error = run("assess", checkout / "data_samples/case_004", "--report", tmp_path)
    assert code == 21
    assert "output: a folder stands where the file is to be; name another file" in " ".join(error.split())


def test_what_the_system_refuses_is_a_sentence_without_the_path(run, checkout, monkeypatch):
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device", "/srv/Doe_John.dcm")

    monkeypatch.setattr("diagnosis.ingest.dicom_volume.inspect_path", full)
    code, _, error = run("inspect", checkout / "data_samples/case_004/ct")
    assert code == 21
    assert "system: no space left on device; check" in " ".join(error.split())
    assert "Doe" not in error


def test_an_error_that_nobody_foresaw_is_told_by_kind_and_place(run, checkout, monkeypatch):
    def fault(*_arguments: object, **_options: object) -> None:
        raise KeyError("Doe_John")

    monkeypatch.setattr("diagnosis.ingest.dicom_volume.inspect_path", fault)
    code, _, error = run("inspect", checkout / "data_samples/case_004/ct")
    assert code == 1
    assert "program: an unforeseen KeyError at test_errors.py:" in " ".join(error.split())
    assert "Doe" not in error


def test_a_reader_who_goes_away_is_no_error(checkout):
    command = f"'{sys.executable}' -m diagnosis read '{checkout}/data_samples/case_003' | head -1"
    shown = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert shown.stdout.strip().endswith("facts")
    assert shown.stderr == ""


def test_a_name_in_another_encoding_is_shown_as_well_as_can_be(tmp_path):
    out = os.fsencode(tmp_path) + b"/caf\xe9"
    command = [sys.executable, "-m", "diagnosis", "phantom", out, "--no-voice"]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "200"}
    found = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert b"caf\\udce9" in found.stdout


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    from diagnosis import settings

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    for variable, place in (("DIAGNOSIS_CACHE", settings.cache_dir), ("DIAGNOSIS_STORE", settings.store_url)):
        monkeypatch.delenv(variable, raising=False)
        with pytest.raises(ConfigurationError, match=f"no home folder; set {variable}"):
            place()
        monkeypatch.setenv(variable, "/srv/place")
        assert str(place()) == "/srv/place"


def test_without_a_temporary_folder_nothing_is_begun(run, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "gone")])
    code, _, error = run("inspect", str(tmp_path))
    assert code == 21
    assert "name another in TMPDIR" in error
