"""`diagnosis export` from the command line: what can be written is, what cannot be is said, with its exit code."""

import json
import sys

import pydicom
import pytest
from typer.testing import CliRunner

from diagnosis.cli import app, main
from diagnosis.errors import BundleError, CaseError, InputError, OutputError

pytest.importorskip("fhir.resources", reason="fhir.resources is not installed")
pytest.importorskip("highdicom", reason="highdicom is not installed")


@pytest.fixture
def note_case(tmp_path):
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "case.json").write_text('{"case_id": "c-9", "age_years": 61, "sex": "F"}')
    (folder / "note.txt").write_text("A spiculated nodule of 14 mm in the left upper lobe.")
    return folder


def export(case, bundle, out, *formats):
    arguments = ["export", str(case), "--out", str(out), "--bundle", str(bundle)]
    return CliRunner().invoke(app, [*arguments, *(part for name in formats for part in ("--format", name))])


def test_a_ct_case_gets_every_dicom_form_that_is_asked_for(checkout, tiny_bundle, tmp_path):
    case = checkout / "data_samples" / "case_004"
    found = export(case, tiny_bundle, tmp_path, "sr", "seg")
    assert found.exception is None, found.output
    record = json.loads((tmp_path / "export.json").read_text())
    assert record["files"] == ["assessment_sr.dcm", "region_seg.dcm"]
    assert record["refused"] == {}
    source = pydicom.dcmread(next((case / "ct").iterdir()), stop_before_pixels=True)
    for name in record["files"]:
        assert name in found.stdout
        made = pydicom.dcmread(tmp_path / name)
        assert (made.StudyInstanceUID, made.PatientID) == (source.StudyInstanceUID, source.PatientID)


def test_a_form_that_was_asked_for_and_refused_is_an_error_after_the_others_are_written(
    note_case, tiny_bundle, tmp_path
):
    out = tmp_path / "out"
    found = export(note_case, tiny_bundle, out, "fhir", "sr")
    assert isinstance(found.exception, InputError)
    assert "sr was asked for and could not be written: the case has no CT" in str(found.exception)
    assert json.loads((out / "export.json").read_text())["files"] == ["report_fhir.json"]
    assert "Not written: sr" in found.stdout


def test_a_case_that_is_not_there_and_a_bundle_that_is_not_one(note_case, tiny_bundle, tmp_path):
    assert isinstance(export(tmp_path / "none", tiny_bundle, tmp_path / "out").exception, CaseError)
    assert isinstance(export(note_case, tmp_path / "none", tmp_path / "out").exception, BundleError)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--format", "docx"], 2, "docx"),
        ([], 2, "--out"),
        (["--out", "{tmp}/out"], 8, "case: the folder does not exist"),
        (["--out", "{tmp}/out", "--bundle", "{tmp}/none"], 8, "case: the folder does not exist"),
    ],
)
def test_exit_codes_of_the_command(tmp_path, monkeypatch, capsys, options, code, words):
    given = [option.format(tmp=tmp_path) for option in options]
    monkeypatch.setattr(sys, "argv", ["diagnosis", "export", str(tmp_path / "none"), *given])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    written = capsys.readouterr()
    assert words in written.out + written.err
    assert "Traceback" not in written.err


def test_a_folder_that_cannot_be_written_is_said(note_case, tiny_bundle, tmp_path):
    (tmp_path / "file").write_text("in the way")
    found = export(note_case, tiny_bundle, tmp_path / "file", "fhir")
    assert isinstance(found.exception, OutputError)
    assert "a file stands where the folder is to be; name another folder" in str(found.exception)


def test_brackets_in_a_name_are_no_markup(note_case, tiny_bundle, tmp_path):
    """The terminal's library takes `[bold]` for a style, and fails at `[/]`."""
    out = tmp_path / "results [bold] [" / "]"
    found = export(note_case, tiny_bundle, out, "fhir")
    assert found.exception is None, found.output
    assert str(out / "report_fhir.json") in found.stdout
    (note_case / "case.json").write_text('{"case_id": "c[/]9"}')
    (note_case / "note.txt").write_text("No nodule [/redacted]. A nodule of 14 mm in the left upper lobe [bold].")
    for command in (["assess"], ["read"], ["draft"], ["export", "--out", str(tmp_path / "again"), "--format", "sr"]):
        bundle = [] if command == ["read"] else ["--bundle", str(tiny_bundle)]
        shown = CliRunner().invoke(app, [*command, str(note_case), *bundle])
        assert shown.exception is None or isinstance(shown.exception, InputError), shown.output
