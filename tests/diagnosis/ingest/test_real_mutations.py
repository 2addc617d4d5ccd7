"""Three real series, each damaged in 58 ways: every one is refused with its reason, and none accepted silently."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest

from diagnosis.ingest.dicom_elements import quiet_pydicom
from diagnosis.ingest.dicom_volume import inspect_path, read_volume
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


def swapped_sign(slices: Slices) -> None:
    slices[MIDDLE].PixelRepresentation = 1 - slices[MIDDLE].PixelRepresentation


def other_intercept(slices: Slices) -> None:
    slices[MIDDLE].RescaleIntercept = float(slices[MIDDLE].RescaleIntercept) + 100


def all_intercepts(slices: Slices) -> None:
    for data_set in slices:
        data_set.RescaleIntercept = float(data_set.RescaleIntercept) + 500


def half_as_high(slices: Slices) -> None:
    for data_set in slices:
        data_set.Rows = data_set.Rows // 2


def one_half_as_wide(slices: Slices) -> None:
    slices[MIDDLE].Columns = slices[MIDDLE].Columns // 2


def longer_pixels(slices: Slices) -> None:
    """Of one slice: not square any more."""
    rows, columns = slices[MIDDLE].PixelSpacing
    slices[MIDDLE].PixelSpacing = [float(rows) * 1.5, float(columns)]


def sideways(slices: Slices) -> None:
    x, y, z = slices[MIDDLE].ImagePositionPatient
    slices[MIDDLE].ImagePositionPatient = [float(x) + 5, y, z]


def far_away(slices: Slices) -> None:
    x, y, _ = slices[MIDDLE].ImagePositionPatient
    slices[MIDDLE].ImagePositionPatient = [x, y, 9999]


def mirrored(slices: Slices) -> None:
    turned = [-float(value) for value in slices[MIDDLE].ImageOrientationPatient]
    slices[MIDDLE].ImageOrientationPatient = turned


def every_second_shifted(slices: Slices) -> None:
    for data_set in slices[::2]:
        x, y, z = data_set.ImagePositionPatient
        data_set.ImagePositionPatient = [x, y, float(z) + 0.5]


def drop_two(slices: Slices) -> None:
    del slices[3:5]


def interleaved(slices: Slices) -> None:
    """Two acquisitions of the same range, one between the slices of the other."""
    for number, data_set in enumerate(slices):
        x, y, z = data_set.ImagePositionPatient
        data_set.AcquisitionNumber = 1 + number % 2
        data_set.ImagePositionPatient = [x, y, float(z) + 0.7 * (number % 2)]


SECONDARY_CAPTURE, MR = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.4"
LOCALIZER_TYPE = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
# Where the series UIDs are blank, an odd slice counts as a series of its own and leaves a gap.
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
    "a slice has another slope": (one("RescaleSlope", 2), {Code.MIXED_SERIES}),
    "a slice has another intercept": (other_intercept, {Code.MIXED_SERIES}),
    "a slice has no slope": (without("RescaleSlope", everywhere=False), {Code.MISSING_RESCALE}),
    "a slice has no intercept": (without("RescaleIntercept", everywhere=False), {Code.MISSING_RESCALE}),
    "a slice has the slope 0": (one("RescaleSlope", 0), {Code.MISSING_RESCALE}),
    "a slice has a negative slope": (one("RescaleSlope", -1), {Code.MISSING_RESCALE}),
    "air cannot be told": (all_intercepts, {Code.MISSING_RESCALE}),
    "a slice of 8 bits": (one("BitsStored", 8), {Code.MISSING_RESCALE}),
    "a slice is signed otherwise": (swapped_sign, {Code.MIXED_SERIES}),
    "a slice is inverted": (one("PhotometricInterpretation", "MONOCHROME1"), {Code.MIXED_SERIES}),
    "a slice is in color": (one("PhotometricInterpretation", "RGB"), {Code.MIXED_SERIES}),
    "a slice has three samples": (one("SamplesPerPixel", 3), {Code.MIXED_SERIES, Code.UNDECODABLE}),
    "half as many rows as pixels": (half_as_high, {Code.UNDECODABLE}),
    "a slice is half as wide": (one_half_as_wide, {Code.MIXED_SERIES, Code.GAP}),
    "an impossible high bit": (all_("HighBit", 99), {Code.UNDECODABLE}),
    "a slice promises two frames": (one("NumberOfFrames", 2), {Code.UNDECODABLE}),
    "a slice has no pixels": (without("PixelData", everywhere=False), {Code.UNDECODABLE}),
    "a slice is of another series": (one("SeriesInstanceUID", "1.2.3.4"), {Code.GAP}),
    "a slice is of another study": (one("StudyInstanceUID", "1.2.3.4"), {Code.MIXED_SERIES, Code.GAP}),
    "a slice is a secondary capture": (one("SOPClassUID", SECONDARY_CAPTURE), {Code.NOT_CT, Code.SECONDARY_CAPTURE}),
    "a slice is of MR": (one("SOPClassUID", MR), {Code.NOT_CT}),
    "a slice says that it is PET": (one("Modality", "PT"), {Code.NOT_CT}),
    "a localizer among the slices": (one("ImageType", LOCALIZER_TYPE), {Code.LOCALIZER}),
    "a slice of another kernel": (one("ConvolutionKernel", "SHARP9"), {Code.MIXED_SERIES, Code.GAP}),
    "a slice is not square": (longer_pixels, {Code.MIXED_SERIES, Code.GAP}),
    "a slice has no pixel spacing": (without("PixelSpacing", everywhere=False), {Code.MISSING_GEOMETRY}),
    "pixels of no size": (all_("PixelSpacing", [0, 0]), {Code.MISSING_GEOMETRY}),
    "a slice has no orientation": (without("ImageOrientationPatient", everywhere=False), {Code.MISSING_GEOMETRY}),
    "no slice has an orientation": (without("ImageOrientationPatient", everywhere=True), {Code.MISSING_GEOMETRY}),
    "rows along columns": (all_("ImageOrientationPatient", [1, 0, 0, 1, 0, 0]), {Code.MISSING_GEOMETRY}),
    "sagittal planes stacked axially": (
        all_("ImageOrientationPatient", [0, 1, 0, 0, 0, -1]),
        {Code.DUPLICATE_POSITION},
    ),
    "a slice is mirrored": (mirrored, {Code.MIXED_ORIENTATION, Code.GAP}),
    "a slice lies sideways": (sideways, {Code.MIXED_SERIES}),
    "a slice lies far away": (far_away, {Code.GAP}),
    "all slices at one place": (all_("ImagePositionPatient", [0, 0, 0]), {Code.DUPLICATE_POSITION}),
    "every second slice is shifted": (every_second_shifted, {Code.VARIABLE_SPACING}),
    "two slices are missing": (drop_two, {Code.GAP}),
    "two acquisitions between each other": (interleaved, {Code.MIXED_SERIES, Code.VARIABLE_SPACING}),
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


def per_slice_rescale(slices: Slices) -> None:
    """Each slice by its own slope and intercept, as PET and some CT scanners write; the values in HU stay."""
    for number, data_set in enumerate(slices):
        data_set.RescaleIntercept = float(data_set.RescaleIntercept) - number
        data_set.PixelData = (data_set.pixel_array + number).astype("<u2").tobytes()


def not_square(slices: Slices) -> None:
    for data_set in slices:
        data_set.PixelSpacing = [0.9, 0.6]


def read_again(series: str, shared_data: Path, mutate: Callable[[Slices], None]) -> Slices:
    with quiet_pydicom():
        slices = [
            pydicom.dcmread(pydicom.filebase.DicomBytesIO(data), force=True)
            for data in honest(shared_data / "dicom_cases" / series)
        ]
        mutate(slices)
    return slices


@pytest.mark.parametrize("mutate", [Slices.reverse, per_slice_rescale, not_square])
@pytest.mark.parametrize("series", SERIES[:2])
def test_what_is_unusual_and_right_is_accepted(series: str, mutate, shared_data: Path, tmp_path: Path) -> None:
    """The order of the files, a rescale of each slice, pixels that are no squares: the volume is the same."""
    volumes = []
    for name, change in (("before", lambda _: None), ("after", mutate)):
        folder = tmp_path / name
        folder.mkdir()
        write(read_again(series, shared_data, change), folder, "")
        volumes.append(read_volume(folder))
    before, after = volumes
    np.testing.assert_array_equal(after.hu, before.hu)
    expected = (before.spacing_mm[0], 0.9, 0.6) if mutate is not_square else before.spacing_mm
    np.testing.assert_allclose(after.spacing_mm, expected)


@pytest.mark.parametrize("name", MUTATIONS)
@pytest.mark.parametrize("series", SERIES)
def test_a_mutated_series_is_refused(series: str, name: str, shared_data: Path, tmp_path: Path) -> None:
    mutate, codes = MUTATIONS[name]
    write(read_again(series, shared_data, mutate or (lambda _: None)), tmp_path, name)
    reports = inspect_path(tmp_path)
    assert all(report.verdict is Verdict.REFUSED and not report.is_chosen for report in reports)
    assert codes & {reason.code for report in reports for reason in report.reasons}
