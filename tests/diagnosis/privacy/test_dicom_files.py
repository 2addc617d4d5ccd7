"""DICOM files and case folders: consistency, what the object says of itself, pixels, and what is withheld."""

import errno
import json
import zipfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_factory import make_slice, set_pixels, write_series
from pydicom.uid import RLELossless

from diagnosis.errors import ConfigurationError, InputError, OutputError
from diagnosis.ingest.dicom_volume import inspect_path
from diagnosis.privacy.case_folder import deidentify_path
from diagnosis.privacy.dicom_files import Policy, deidentify_dicom
from diagnosis.privacy.dicom_pixels import burned_in_risk, clean_pixels
from diagnosis.privacy.dicom_values import shifted
from diagnosis.privacy.profile_table import Option
from diagnosis.privacy.secret import SecretKey
from diagnosis.vocabulary import Verdict

KEY = SecretKey(bytes(range(32)))
ALL = frozenset(Option)


def treated(folder: Path, out: Path, *options: Option, **others: bool) -> list[pydicom.FileDataset]:
    outcome = deidentify_dicom(folder, out, Policy(KEY, frozenset(options), **others))
    return [pydicom.dcmread(path) for path in outcome.written]


def test_a_series_stays_a_series(tmp_path: Path) -> None:
    write_series(tmp_path / "in")
    slices = treated(tmp_path / "in", tmp_path / "out")
    (report,) = inspect_path(tmp_path / "out")
    assert report.verdict is Verdict.REGULAR
    assert {s.StudyInstanceUID for s in slices} == {KEY.uid("1.2.3.4")}
    assert {s.PatientID for s in slices} == {KEY.pseudonym("id P1")}
    assert all(s.SOPInstanceUID == s.file_meta.MediaStorageSOPInstanceUID for s in slices)
    assert all(s.preamble == bytes(128) for s in slices)
    raw = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm"))
    assert not any(word in raw for word in (b"Planted", b"1.2.3.4\0", b"20200101", b"Thorax"))


def test_the_object_says_how_it_was_treated(tmp_path: Path) -> None:
    write_series(tmp_path / "in")
    first = treated(tmp_path / "in", tmp_path / "out", *ALL)[0]
    assert first.PatientIdentityRemoved == "YES"
    assert {c.CodeValue for c in first.DeidentificationMethodCodeSequence} == {"113100", "113105", "113107", "113108"}
    assert first.LongitudinalTemporalInformationModified == "MODIFIED"
    assert first.StudyDate == shifted("DA", "20200101", KEY.shift_days("id P1"))
    assert first.PatientAge == "067Y"
    basic = treated(tmp_path / "in", tmp_path / "basic")[0]
    assert basic.LongitudinalTemporalInformationModified == "REMOVED"
    assert not basic.StudyDate
    assert "PatientAge" not in basic


def test_two_runs_and_two_keys(tmp_path: Path) -> None:
    write_series(tmp_path / "in")
    one = treated(tmp_path / "in", tmp_path / "a")
    two = treated(tmp_path / "in", tmp_path / "b")
    assert [s.SOPInstanceUID for s in one] == [s.SOPInstanceUID for s in two]
    other = deidentify_dicom(tmp_path / "in", tmp_path / "c", Policy(SecretKey(bytes(32))))
    assert pydicom.dcmread(other.written[0]).StudyInstanceUID != one[0].StudyInstanceUID


def test_what_no_table_names(tmp_path: Path) -> None:
    def change(data_set, _) -> None:
        data_set.add_new(0x00091010, "LO", "Planted")
        data_set.add_new(0x60000022, "LO", "Planted")
        data_set.EvaluatorName = "Planted^Eva"
        data_set.TargetFrameOfReferenceUID = "1.2.3.99"
        data_set.Manufacturer = "Planted and Sons"
        data_set.ManufacturerModelName = "Scanner 7"

    write_series(tmp_path / "in", change=change)
    first = treated(tmp_path / "in", tmp_path / "out")[0]
    assert not first.EvaluatorName
    assert first.TargetFrameOfReferenceUID == KEY.uid("1.2.3.99")
    assert (first.Manufacturer, first.ManufacturerModelName) == ("REMOVED", "Scanner 7")
    assert "Planted" not in str(first)


def ultrasound() -> pydicom.FileDataset:
    data_set = make_slice((0, 0, 0), series_uid="1.2.9")
    data_set.SOPClassUID = data_set.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
    data_set.Modality = "US"
    set_pixels(data_set, np.full((40, 32), 500, np.uint16))
    region = pydicom.Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 4, 6
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 15, 20
    data_set.SequenceOfUltrasoundRegions = [region]
    return data_set


@pytest.mark.parametrize("is_compressed", [False, True])
def test_ultrasound_is_blanked_outside_its_regions(tmp_path: Path, is_compressed: bool) -> None:
    data_set = ultrasound()
    if is_compressed:
        data_set.compress(RLELossless)
    (tmp_path / "in").mkdir()
    data_set.save_as(tmp_path / "in" / "us.dcm", enforce_file_format=True)
    (made,) = treated(tmp_path / "in", tmp_path / "out")
    kept = np.zeros((40, 32), bool)
    kept[6:21, 4:16] = True
    assert (made.pixel_array[kept] == 500).all()
    assert (made.pixel_array[~kept] == 0).all()
    assert made.BurnedInAnnotation == "NO"
    assert "113101" in {c.CodeValue for c in made.DeidentificationMethodCodeSequence}


def test_a_known_device_is_blanked_where_its_text_stands() -> None:
    data_set = make_slice((0, 0, 0), series_uid="1.2.9")
    data_set.Manufacturer, data_set.BurnedInAnnotation = "GE MEDICAL SYSTEMS", "YES"
    set_pixels(data_set, np.full((512, 512), 500, np.uint16))
    outcome = clean_pixels(data_set)
    assert outcome.is_blanked
    assert (data_set.pixel_array[:25] == 0).all()
    assert (data_set.pixel_array[25:] == 500).all()


def test_pictures_at_risk_are_withheld_unless_asked_for(tmp_path: Path) -> None:
    def change(data_set, _) -> None:
        data_set.BurnedInAnnotation, data_set.Manufacturer = "YES", "Nobody"

    write_series(tmp_path / "in", change=change)
    outcome = deidentify_dicom(tmp_path / "in", tmp_path / "out", Policy(KEY))
    assert outcome.written == []
    assert outcome.withheld == {"text may remain in its pixels: its header says that text is burned in": 8}
    kept = deidentify_dicom(tmp_path / "in", tmp_path / "kept", Policy(KEY, withholds_risky_pixels=False))
    assert len(kept.written) == 8
    assert kept.warnings["text may remain in the pixels: its header says that text is burned in"] == 8


def test_an_overlay_in_the_unused_bits_is_cleared() -> None:
    data_set = make_slice((0, 0, 0), series_uid="1.2.9")
    set_pixels(data_set, np.full((40, 32), 0x1234, np.uint16))
    data_set.BitsStored, data_set.HighBit = 12, 11
    data_set.add_new(0x60000102, "US", 12)
    assert burned_in_risk(data_set) is None
    clean_pixels(data_set)
    assert set(np.frombuffer(data_set.PixelData, "<u2")) == {0x234}


def test_what_cannot_be_made_safe_is_counted(tmp_path: Path) -> None:
    path = write_series(tmp_path / "in")[0]
    path.write_bytes(path.read_bytes()[:600])
    document = make_slice((0, 0, 0), series_uid="1.2.9")
    document.SOPClassUID = document.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    document.save_as(tmp_path / "in" / "report.dcm", enforce_file_format=True)
    (tmp_path / "in" / "readme.txt").write_text("Planted")
    outcome = deidentify_dicom(tmp_path / "in", tmp_path / "out", Policy(KEY))
    assert len(outcome.written) == 7
    assert sum(outcome.withheld.values()) == 2
    assert outcome.n_left_out == 1
    assert not any("Planted" in reason for reason in outcome.withheld)


def test_a_case_folder_becomes_one(tmp_path: Path) -> None:
    case = tmp_path / "Planted_Identifier"
    write_series(case / "ct")
    (case / "note.txt").write_text("Seen by Dr. Maria Lopez on 2024-03-05. The planted nodule, 8 mm, is new.")
    (case / "voice.wav").write_bytes(b"RIFF")
    (case / "voice.txt").write_text("dictated for identifier, no effusion")
    (case / "case.json").write_text(json.dumps({"case_id": "MRN-778812", "age_years": 95, "sex": "F"}))
    outcome = deidentify_path(case, tmp_path / "out", Policy(KEY, frozenset({Option.MODIFIED_DATES})))
    out = tmp_path / "out"
    made = json.loads((out / "case.json").read_text())
    assert made == {"case_id": KEY.pseudonym("id P1"), "age_years": 90, "sex": "F"}
    note = (out / "note.txt").read_text()
    moved = date(2024, 3, 5) + timedelta(days=KEY.shift_days("id P1"))  # by as many days as the CT
    assert note.startswith(f"Seen by Dr. [NAME] on {moved.isoformat()}.")
    assert "The [IDENTIFIER] nodule, 8 mm, is new." in note
    assert (out / "voice.txt").read_text() == "dictated for [IDENTIFIER], no effusion"
    assert not (out / "voice.wav").exists()
    assert any("a voice identifies" in reason for reason in outcome.withheld)
    assert outcome.n_dicom == 8


@pytest.mark.parametrize("root", ["", "case_9/", "Exported/Case_9/"])
def test_a_zipped_case_folder_becomes_the_same(tmp_path: Path, root: str) -> None:
    case = tmp_path / "case_9"
    write_series(case / "ct")
    (case / "note.txt").write_text("Dr. John Smith saw a 9 mm nodule.")
    (case / "voice.txt").write_text("Mrs. Smith, born 3 May 1950, has a nodule.")
    (case / "case.json").write_text('{"case_id": "x-9", "age_years": 95}')
    (case / "viewer.exe").write_bytes(b"MZ")
    archive = tmp_path / "case.zip"
    with zipfile.ZipFile(archive, "w") as written:
        for path in sorted(case.rglob("*")):
            written.write(path, f"{root}{path.relative_to(case)}")
    policy = Policy(KEY, frozenset({Option.MODIFIED_DATES}))
    plain = deidentify_path(case, tmp_path / "plain", policy)
    zipped = deidentify_path(archive, tmp_path / "zipped", policy)
    assert zipped == plain
    assert (plain.n_dicom, plain.n_texts, sum(plain.withheld.values())) == (8, 3, 1)
    written = {path.relative_to(tmp_path / "plain"): path.read_bytes() for path in (tmp_path / "plain").rglob("*.*")}
    assert {p.relative_to(tmp_path / "zipped"): p.read_bytes() for p in (tmp_path / "zipped").rglob("*.*")} == written
    assert {Path("note.txt"), Path("voice.txt"), Path("case.json")} < set(written)


def test_an_archive_of_images_stays_one_and_one_of_two_cases_says_so(tmp_path: Path) -> None:
    write_series(tmp_path / "in")
    images = {f"DICOM/{path.name}": path.read_bytes() for path in (tmp_path / "in").iterdir()}
    for name, more in {"images": {"viewer/run.exe": b"MZ"}, "twice": {"note.txt": b"A", "old/note.txt": b"B"}}.items():
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as written:
            for inside, data in (images | more).items():
                written.writestr(inside, data)
    outcome = deidentify_path(tmp_path / "images.zip", tmp_path / "out", Policy(KEY))
    assert (outcome.n_dicom, outcome.n_texts, sum(outcome.withheld.values())) == (8, 0, 1)
    assert not (tmp_path / "out" / "case.json").exists()
    with pytest.raises(InputError, match="a part of the case twice"):
        deidentify_path(tmp_path / "twice.zip", tmp_path / "out2", Policy(KEY))


def test_a_full_disk_is_not_said_to_be_the_fault_of_the_images(tmp_path: Path, monkeypatch) -> None:
    """The library that writes hides what the system says behind an error of its own."""
    write_series(tmp_path / "in")

    def full(_, path: Path, **__: object) -> None:
        Path(path).write_bytes(b"half of it")
        raise OSError("with tag (7FE0,0010)") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pydicom.Dataset, "save_as", full)
    with pytest.raises(OutputError, match=r"the results cannot be written \(no space left on device\); make room"):
        deidentify_path(tmp_path / "in", tmp_path / "out", Policy(KEY))
    assert not list((tmp_path / "out").rglob("*.dcm"))


@pytest.mark.parametrize(
    ("content", "words"),
    [("short", "does not hold a key"), ("zz" * 40, "does not hold a key"), ("", "does not hold a key")],
)
def test_a_bad_key_is_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(ConfigurationError, match=words):
        SecretKey.read_or_make(tmp_path / "key")


def test_a_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    made, is_new = SecretKey.read_or_make(tmp_path / "key")
    again, is_new_again = SecretKey.read_or_make(tmp_path / "key")
    assert (is_new, is_new_again) == (True, False)
    assert made.uid("1.2") == again.uid("1.2")
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "key").read_text().strip() not in repr(made)
    with pytest.raises(ConfigurationError, match="needs at least 32"):
        SecretKey(b"short")


def test_old_and_new_files_do_not_mix(tmp_path: Path) -> None:
    write_series(tmp_path / "in")
    with pytest.raises(InputError, match="is not empty"):
        deidentify_path(tmp_path / "in", tmp_path / "in", Policy(KEY))
    with pytest.raises(InputError, match="the source does not exist"):
        deidentify_path(tmp_path / "no", tmp_path / "out", Policy(KEY))


@pytest.mark.parametrize(
    ("vr", "value", "moved"),
    [
        ("DA", "20200301", "20200229"),
        ("DA", "2020.03.01", "20200229"),
        ("DT", "20200301120000.5+0100", "20200229120000.5+0100"),
        ("TM", "120000.5", "120000.5"),
        ("DA", "20201399", None),
        ("DA", "20200301-20200401", None),
        ("DT", "2020", None),
        ("TM", "Planted", None),
    ],
)
def test_dates_move_by_days(vr: str, value: str, moved: str | None) -> None:
    assert shifted(vr, value, -1) == moved
