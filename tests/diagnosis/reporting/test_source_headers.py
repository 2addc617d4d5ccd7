"""Source headers bent one at a time: each is kept, repaired or refused as it should be, and never in silence.

Whatever is written then has to pass dciodvfy without an error.
"""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import dicom_factory
import numpy as np
import pydicom
import pytest
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedCTImageStorage
from result_factory import dciodvfy_errors, make_result

from diagnosis.errors import DiagnosisError, InputError
from diagnosis.ingest.dicom_volume import read_series
from diagnosis.record import Case, RegionOfInterest
from diagnosis.reporting.dicom_source import dicom_source, study_header
from diagnosis.reporting.dicom_sr import structured_report
from diagnosis.reporting.encapsulated_pdf import encapsulated_pdf
from diagnosis.reporting.export import _quiet_libraries
from diagnosis.reporting.parametric_map import parametric_map
from diagnosis.reporting.segmentation import segmentation

pytest.importorskip("highdicom", reason="highdicom is not installed")
ABSENT = object()
KEPT, REPAIRED, REFUSED, NO_PLACE = "kept", "repaired", "refused", "no place"
"""Kept: a blank that the standard allows, or a value as it stands. No place: only what needs none is written."""

BENT: dict[str, dict[str, list[object]]] = {
    "PatientName": {KEPT: [ABSENT, "", "Single", "Müller^Änne", "王^小東"], REPAIRED: ["A\x07B^C", "x" * 70]},
    "PatientID": {KEPT: [ABSENT, "", "a" * 64], REPAIRED: ["a" * 65]},
    "PatientBirthDate": {KEPT: [ABSENT, "", "19500102"], REPAIRED: ["19501340", "1950.01.02", "unknown"]},
    "PatientSex": {KEPT: [ABSENT, "", "M"], REPAIRED: ["female", "X"]},
    "PatientAge": {KEPT: [ABSENT, "", "067Y"], REPAIRED: ["67", "067X"]},
    "StudyDate": {KEPT: [ABSENT, ""], REPAIRED: ["2026-03-01", "20260230"]},
    "StudyTime": {KEPT: [ABSENT, "", "1015", "101500.25"], REPAIRED: ["25", "10:15"]},
    "StudyID": {KEPT: [ABSENT, ""], REPAIRED: ["1" * 17]},
    "AccessionNumber": {KEPT: [ABSENT, ""], REPAIRED: ["A" * 17]},
    "StudyDescription": {KEPT: [ABSENT, ""], REPAIRED: ["x" * 65]},
    "ReferringPhysicianName": {KEPT: [ABSENT, "", "Doe"], REPAIRED: ["D\x01oe"]},
    "BodyPartExamined": {KEPT: [ABSENT, "", "CHEST", "BREAST"], REPAIRED: ["chest", "CHEST/ABD", "C" * 17]},
    "PositionReferenceIndicator": {KEPT: [ABSENT, ""], REPAIRED: ["x" * 65]},
    "SOPClassUID": {REPAIRED: [ABSENT, ""]},
    "FrameOfReferenceUID": {NO_PLACE: [ABSENT, "", "1.02.3", "not a uid"]},
    "StudyInstanceUID": {REFUSED: [ABSENT, "", "1.02.3", "1." * 40 + "1"]},
    "SeriesInstanceUID": {REFUSED: [ABSENT, "", "x"]},
    "SOPInstanceUID": {REFUSED: [ABSENT, "", "1.2.3.4.5"]},  # the last: shared by all images
}
CASES = [(keyword, verdict, value) for keyword, sets in BENT.items() for verdict in sets for value in sets[verdict]]


def bend(keyword: str, value: object) -> Callable[[Dataset], None]:
    def change(data_set: Dataset) -> None:
        with disable_value_validation():
            data_set.SpecificCharacterSet = "ISO_IR 192"
            if value is ABSENT:
                data_set.pop(keyword, None)
            else:
                setattr(data_set, keyword, value)

    return change


@dataclass
class Written:
    """What came of a source: its verdict, and what was written."""

    verdict: str
    reasons: tuple[str, ...]
    objects: dict[str, Dataset]


def write_all(series) -> Written:
    """Every form that repeats the source's headers."""
    middle = tuple(float(v) for v in series.volume.position_of(np.array(series.volume.hu.shape) // 2))
    case = Case("c-1", volume=series.volume, region=RegionOfInterest(middle, 12.0))
    result = make_result(replace(series.identity, case_id="c-1"), case=case)
    try:
        source = dicom_source(result)
    except InputError as error:
        return Written(REFUSED, (str(error),), {})
    header, _ = study_header(result.identity)
    objects = {"sr": structured_report(result, source), "pdf": encapsulated_pdf(result, header, b"%PDF-1.4\n%%EOF\n")}
    if source.frame_of_reference_uid is None:
        for make in (parametric_map, segmentation):
            with pytest.raises(InputError, match="no usable Frame of Reference UID"):
                make(result, source)
        return Written(NO_PLACE, source.repairs, objects)
    objects |= {"pm": parametric_map(result, source), "seg": segmentation(result, source)}
    return Written(REPAIRED if source.repairs else KEPT, source.repairs, objects)


def judge(folder: Path, out: Path) -> Written:
    try:
        series = read_series(folder)
    except DiagnosisError as error:
        return Written(REFUSED, (str(error),), {})
    with _quiet_libraries():
        written = write_all(series)
        for name, made in written.objects.items():
            made.save_as(out / f"{name}.dcm", enforce_file_format=True)
    return written


def check(written: Written, out: Path, keyword: str, verdict: str, value: object) -> None:
    assert written.verdict == verdict, written.reasons
    assert {path.name: e for path in out.glob("*.dcm") if (e := dciodvfy_errors(path))} == {}
    said = " ".join(written.reasons)
    if verdict == REPAIRED:
        assert keyword in said.replace("SOP Class UID", "SOPClassUID")
    if verdict in {REFUSED, NO_PLACE}:
        assert said
    is_marked = isinstance(value, str) and len(value) > 4
    assert not (is_marked and verdict != KEPT and value in said), "a message quotes the source"
    if verdict == KEPT and value not in {ABSENT, ""} and keyword in written.objects["sr"]:
        kept = str(written.objects["sr"][keyword].value)
        assert kept.rstrip("^") == str(value)


def test_there_are_at_least_sixty_ways_to_bend_a_header():
    assert len(CASES) >= 60


@pytest.mark.parametrize(
    ("keyword", "verdict", "value"), CASES, ids=lambda v: "absent" if v is ABSENT else repr(v)[:24]
)
def test_a_bent_header_gets_its_verdict(tmp_path, keyword, verdict, value):
    change = bend(keyword, value)
    with disable_value_validation():
        dicom_factory.write_series(tmp_path / "ct", change=lambda data_set, _: change(data_set))
    out = tmp_path / "out"
    out.mkdir()
    check(judge(tmp_path / "ct", out), out, keyword, verdict, value)


@pytest.fixture(scope="module")
def real_slices(shared_data):
    """Six neighboring slices of a real chest CT."""
    files = sorted((shared_data / "dicom_cases" / "Lung_Dx-A0001_40805").rglob("*.dcm"))
    slices = sorted(files, key=lambda p: float(pydicom.dcmread(p, stop_before_pixels=True).ImagePositionPatient[2]))
    return slices[len(slices) // 2 : len(slices) // 2 + 6]


@pytest.mark.slow
def test_real_headers_get_the_same_verdicts(real_slices, tmp_path):
    for number, (keyword, verdict, value) in enumerate(CASES):
        folder, out = tmp_path / f"ct{number}", tmp_path / f"out{number}"
        folder.mkdir()
        out.mkdir()
        for path in real_slices:
            data_set = pydicom.dcmread(path)
            with disable_value_validation():
                bend(keyword, value)(data_set)
                data_set.save_as(folder / path.name)
        check(judge(folder, out), out, keyword, verdict, value)
        shutil.rmtree(folder)
        shutil.rmtree(out)


def test_the_shipped_and_the_real_series_as_they_are(checkout, shared_data, tmp_path):
    """Phantoms and every real series that passes the gate: no error in anything that is written."""
    folders = [checkout / "data_samples" / "case_004" / "ct", shared_data / "dicom_cases" / "philips_head_std_5mm"]
    for number, folder in enumerate(folders):
        out = tmp_path / str(number)
        out.mkdir()
        written = judge(folder, out)
        assert written.verdict in {KEPT, REPAIRED}
        assert {path.name: e for path in out.glob("*.dcm") if (e := dciodvfy_errors(path))} == {}


def references(made: Dataset) -> set[tuple[str, str]]:
    """SOP Class and Instance UID of all images that an object refers to."""
    items = [item for element in made.iterall() if element.VR == "SQ" for item in element.value]
    return {(i.ReferencedSOPClassUID, i.ReferencedSOPInstanceUID) for i in items if "ReferencedSOPInstanceUID" in i}


@pytest.mark.parametrize("n_files", [1, 2, 8])
def test_multi_frame_sources_are_referred_to_as_what_they_are(tmp_path, n_files):
    """One enhanced file, a concatenation, and a file for each frame."""
    heights = [2.5 * k for k in range(8)]
    step = len(heights) // n_files
    for start in range(0, len(heights), step):
        dicom_factory.write_enhanced(tmp_path / "ct" / f"{start}.dcm", heights[start : start + step])
    sources = {pydicom.dcmread(path).SOPInstanceUID for path in (tmp_path / "ct").iterdir()}
    assert len(sources) == n_files
    written = judge(tmp_path / "ct", tmp_path)
    assert set(written.objects) == {"sr", "pdf", "pm", "seg"}
    assert {path.name: e for path in tmp_path.glob("*.dcm") if (e := dciodvfy_errors(path))} == {}
    for form in ("pm", "seg"):
        assert references(written.objects[form]) == {(EnhancedCTImageStorage, uid) for uid in sources}


def test_dciodvfy_would_find_an_error(tmp_path):
    dicom_factory.write_series(tmp_path / "ct")
    out = tmp_path / "out"
    out.mkdir()
    made = judge(tmp_path / "ct", out).objects["sr"]
    del made.StudyInstanceUID
    made.save_as(tmp_path / "bad.dcm")
    try:
        assert dciodvfy_errors(tmp_path / "bad.dcm") != []
    except subprocess.CalledProcessError:
        pytest.fail("dciodvfy does not run")
