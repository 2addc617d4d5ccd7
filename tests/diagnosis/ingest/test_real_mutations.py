"""Sixty mutations: three real series, each damaged in twenty ways; every one is refused with its reason."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest

from diagnosis.ingest.dicom_elements import quiet_pydicom
from diagnosis.ingest.dicom_volume import inspect_path
from diagnosis.vocabulary import GeometryCode as Code
from diagnosis.vocabulary import Verdict

SERIES = ("philips_head_std_5mm", "Lung_Dx-A0001_40805", "ts_j2k_overlap_missing_tags")
N_SLICES = 9
MIDDLE = 4
Slices = list[pydicom.FileDataset]


@cache
def honest(folder: Path) -> tuple[bytes, ...]:
    """Nine neighboring slices of the largest series of a folder, as files."""
    found = []
    with quiet_pydicom():
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            if path.read_bytes()[128:132] == b"DICM":
                data_set = pydicom.dcmread(path, stop_before_pixels=True)
                if "ImagePositionPatient" in data_set:
                    found.append((float(data_set.ImagePositionPatient[2]), path))
    return tuple(path.read_bytes() for _, path in sorted(found)[:N_SLICES])


def one(keyword: str, value: object) -> Callable[[Slices], None]:
    return lambda slices: setattr(slices[MIDDLE], keyword, value)


def all_(keyword: str, value: object) -> Callable[[Slices], None]:
    def change(slices: Slices) -> None:
        for data_set in slices:
            setattr(data_set, keyword, value)

    return change


def without(keyword: str, *, everywhere: bool) -> Callable[[Slices], None]:
    def change(slices: Slices) -> None:
        for data_set in slices if everywhere else [slices[MIDDLE]]:
            del data_set[keyword]

    return change


def drop(slices: Slices) -> None:
    del slices[MIDDLE]


def keep_two(slices: Slices) -> None:
    del slices[2:]


def twice(slices: Slices) -> None:
    with quiet_pydicom():
        again = pydicom.dcmread(pydicom.filebase.DicomBytesIO(file_bytes(slices[MIDDLE])))
    again.SOPInstanceUID = again.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.5.6.7"
    slices.append(again)


def shifted(slices: Slices) -> None:
    x, y, z = slices[MIDDLE].ImagePositionPatient
    slices[MIDDLE].ImagePositionPatient = [x, y, float(z) + 0.6]


def tilted(slices: Slices) -> None:
    cosine, sine = float(np.cos(0.3)), float(np.sin(0.3))
    all_("ImageOrientationPatient", [1, 0, 0, 0, cosine, sine])(slices)


def turned(slices: Slices) -> None:
    slices[MIDDLE].ImageOrientationPatient = [0, 1, 0, 0, 0, -1]


def stranger(slices: Slices) -> None:
    slices[MIDDLE].PatientID = "ANOTHER"


MUTATIONS: dict[str, tuple[Callable[[Slices], None] | None, set[Code]]] = {
    "a slice is missing": (drop, {Code.GAP}),
    "a slice lies there twice": (twice, {Code.DUPLICATE_POSITION}),
    "a slice is shifted": (shifted, {Code.VARIABLE_SPACING, Code.GAP}),
    "the gantry is tilted": (tilted, {Code.GANTRY_TILT}),
    "a slice has another orientation": (turned, {Code.MIXED_ORIENTATION, Code.GAP}),
    "a slice has no position": (without("ImagePositionPatient", everywhere=False), {Code.MISSING_GEOMETRY}),
    "no slice has a position": (without("ImagePositionPatient", everywhere=True), {Code.MISSING_GEOMETRY}),
    "no slice has a pixel spacing": (without("PixelSpacing", everywhere=True), {Code.MISSING_GEOMETRY}),
    "a slice has another pixel spacing": (one("PixelSpacing", [0.31, 0.31]), {Code.MIXED_SERIES, Code.GAP}),
    "no slice has a rescale slope": (without("RescaleSlope", everywhere=True), {Code.MISSING_RESCALE}),
    "the values are no HU": (all_("RescaleType", "OD"), {Code.MISSING_RESCALE, Code.NOT_CT}),
    "another modality": (all_("Modality", "MR"), {Code.NOT_CT}),
    "a secondary capture": (all_("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7"), {Code.SECONDARY_CAPTURE}),
    "localizers": (all_("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]), {Code.LOCALIZER}),
    "a slice is of another patient": (stranger, {Code.MIXED_SERIES, Code.GAP}),
    "a slice is of another frame of reference": (one("FrameOfReferenceUID", "1.2.3"), {Code.MIXED_SERIES, Code.GAP}),
    "a header of 60,000 x 60,000": (all_("Rows", 60000), {Code.UNDECODABLE}),
    "two slices": (keep_two, {Code.TOO_FEW_SLICES}),
    "a file is cut": (None, {Code.UNDECODABLE}),
    "a file begins with zeros": (None, {Code.UNDECODABLE, Code.GAP}),
}


def file_bytes(data_set: pydicom.FileDataset) -> bytes:
    buffer = pydicom.filebase.DicomBytesIO()
    pydicom.dcmwrite(buffer, data_set, enforce_file_format=False)
    return buffer.getvalue()


def write(slices: Slices, folder: Path, name: str) -> None:
    for index, data_set in enumerate(slices):
        data = file_bytes(data_set)
        if index == MIDDLE and name == "a file is cut":
            data = data[: len(data) * 2 // 3]
        if index == MIDDLE and name == "a file begins with zeros":
            data = bytes(2000) + data[2000:]
        (folder / f"{index:03d}.dcm").write_bytes(data)


@pytest.mark.parametrize("series", SERIES)
def test_the_honest_series_is_accepted(series: str, shared_data: Path, tmp_path: Path) -> None:
    for index, data in enumerate(honest(shared_data / "dicom_cases" / series)):
        (tmp_path / f"{index:03d}.dcm").write_bytes(data)
    (report,) = inspect_path(tmp_path)
    assert report.verdict is Verdict.REGULAR


@pytest.mark.parametrize("name", MUTATIONS)
@pytest.mark.parametrize("series", SERIES)
def test_a_mutated_series_is_refused(series: str, name: str, shared_data: Path, tmp_path: Path) -> None:
    mutate, codes = MUTATIONS[name]
    with quiet_pydicom():
        slices = [
            pydicom.dcmread(pydicom.filebase.DicomBytesIO(data), force=True)
            for data in honest(shared_data / "dicom_cases" / series)
        ]
        if mutate is not None:
            mutate(slices)
        write(slices, tmp_path, name)
    reports = inspect_path(tmp_path)
    assert all(report.verdict is Verdict.REFUSED and not report.is_chosen for report in reports)
    assert codes & {reason.code for report in reports for reason in report.reasons}
