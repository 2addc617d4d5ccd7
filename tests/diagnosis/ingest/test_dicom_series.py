"""Verdicts on synthetic series, each with one property bent."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from dicom_factory import on_slice, set_pixels, setting, stored_values, write_series
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.uid import SecondaryCaptureImageStorage

from diagnosis.errors import GeometryError, InputError
from diagnosis.ingest.dicom_volume import Box, Slab, inspect_path, read_series, read_volume
from diagnosis.record import SeriesReport
from diagnosis.vocabulary import GeometryCode as Code
from diagnosis.vocabulary import Verdict

SAGITTAL = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]
TILTED = [1.0, 0.0, 0.0, 0.0, float(np.cos(np.radians(15))), float(-np.sin(np.radians(15)))]


def at(*heights: float) -> list[tuple[float, float, float]]:
    return [(-10.0, -20.0, height) for height in heights]


def the_only(folder: Path, **options: str) -> SeriesReport:
    (report,) = inspect_path(folder, **options)
    return report


def codes(folder: Path) -> list[Code]:
    return [reason.code for reason in the_only(folder).reasons]


def test_a_regular_series_is_chosen_and_read(tmp_path: Path) -> None:
    write_series(tmp_path)
    report = the_only(tmp_path)
    assert (report.verdict, report.reasons, report.is_chosen) == (Verdict.REGULAR, (), True)
    assert report.shape == (8, 40, 32)
    assert report.spacing_mm == pytest.approx((2.5, 0.8, 0.8))
    volume = read_volume(tmp_path)
    assert volume.hu.dtype == np.float32
    assert np.array_equal(volume.hu, np.stack([stored_values(k) for k in range(8)]).astype(np.float32) - 1024)
    assert volume.position_of([3, 0, 0]) == pytest.approx([-10, -20, 7.5])


def test_the_order_of_files_plays_no_part(tmp_path: Path) -> None:
    write_series(tmp_path / "up")
    write_series(tmp_path / "down", [(-10, -20, 2.5 * k) for k in reversed(range(8))])
    up, down = read_volume(tmp_path / "up"), read_volume(tmp_path / "down")
    assert np.array_equal(up.affine_lps, down.affine_lps)
    assert np.array_equal(down.hu[0], stored_values(7) - np.float32(1024))


def test_rows_and_columns_are_not_swapped(tmp_path: Path) -> None:
    write_series(tmp_path, change=setting(PixelSpacing=[1.2, 0.8]))
    volume = read_volume(tmp_path)
    assert volume.spacing_mm == pytest.approx((2.5, 1.2, 0.8))
    assert volume.position_of([0, 10, 0]) - volume.position_of([0, 0, 0]) == pytest.approx([0, 12, 0])
    assert volume.position_of([0, 0, 10]) - volume.position_of([0, 0, 0]) == pytest.approx([8, 0, 0])


def test_an_oblique_series_keeps_its_place(tmp_path: Path) -> None:
    normal = np.cross(TILTED[:3], TILTED[3:])
    places = [tuple(np.array([5.0, 6.0, 7.0]) + 2.0 * k * normal) for k in range(6)]
    write_series(tmp_path, places, change=setting(ImageOrientationPatient=TILTED))
    volume = read_volume(tmp_path)
    assert volume.spacing_mm == pytest.approx((2.0, 0.8, 0.8))
    assert volume.position_of([5, 0, 0]) == pytest.approx(places[5])


def test_overlapping_slices_are_regular_and_thickness_plays_no_part(tmp_path: Path) -> None:
    write_series(tmp_path, change=setting(SliceThickness=5.0, SpacingBetweenSlices=9.0))
    assert read_volume(tmp_path).spacing_mm[0] == pytest.approx(2.5)


def test_positions_rounded_to_a_tenth_are_regular(tmp_path: Path) -> None:
    write_series(tmp_path, at(*(round(0.625 * k, 1) for k in range(12))))
    assert the_only(tmp_path).verdict is Verdict.REGULAR


def test_pixel_spacings_rounded_by_each_image_are_one(tmp_path: Path) -> None:
    def rounded(data_set: Dataset, index: int) -> None:
        data_set.PixelSpacing = ["0.84149", "0.84149"] if index % 2 else ["0.84151", "0.84151"]

    write_series(tmp_path, change=rounded)
    assert the_only(tmp_path).verdict is Verdict.REGULAR


def test_what_the_same_slices_lack_is_said_once(tmp_path: Path) -> None:
    write_series(tmp_path, change=setting(ImagePositionPatient=["1e300", "0", "0"], PixelSpacing=None))
    (reason,) = the_only(tmp_path).reasons
    assert reason.message == (
        "8 of 8 slices have no usable Image Position (Patient) or Pixel Spacing; export the original images, not a "
        "converted copy"
    )


@pytest.mark.parametrize(
    ("heights", "expected", "message"),
    [
        ((0, 2.5, 5, 10, 12.5, 15), Code.GAP, r"slices 3 and 4 are 5\.00 mm apart, the others 2\.50 mm \(median\)"),
        ((0, 2.5, 5, 5, 7.5, 10), Code.DUPLICATE_POSITION, "slices 3 and 4 lie at the same position; export"),
        ((0, 2.5, 5, 8.2, 10, 12.5), Code.VARIABLE_SPACING, r"vary from 1\.80 to 3\.20 mm \(median 2\.50 mm\), first "),
        ((0, 1, 2, 3, 4, 6.1, 8.2, 10.3, 12.4), Code.VARIABLE_SPACING, "slice distances vary from"),
        ((0, 2.5), Code.TOO_FEW_SLICES, "2 slice positions, at least 3 are needed"),
        ((0,), Code.TOO_FEW_SLICES, "1 slice position, at least 3 are needed"),
    ],
)
def test_irregular_positions_are_refused(
    tmp_path: Path, heights: tuple[float, ...], expected: Code, message: str
) -> None:
    write_series(tmp_path, at(*heights))
    assert codes(tmp_path) == [expected]
    with pytest.raises(GeometryError, match=message):
        read_volume(tmp_path)


def test_small_differences_may_not_add_up(tmp_path: Path) -> None:
    heights = np.cumsum([2.5] * 20 + [2.6] * 20)
    write_series(tmp_path, at(*heights))
    assert codes(tmp_path) == [Code.VARIABLE_SPACING]
    assert "drift" in the_only(tmp_path).reasons[0].message


def test_a_tilted_series_is_refused_and_repaired_when_asked(tmp_path: Path) -> None:
    write_series(tmp_path, change=setting(ImageOrientationPatient=TILTED))
    assert codes(tmp_path) == [Code.GANTRY_TILT]
    with pytest.raises(
        GeometryError,
        match=r"sheared by 15\.0 degrees; have the tilt repaired \(.*--repair resample\)",
    ):
        read_volume(tmp_path)
    report = the_only(tmp_path, repair="resample")
    assert (report.verdict, report.is_chosen) == (Verdict.REPAIRED, True)
    volume = read_volume(tmp_path, repair="resample")
    assert "gantry tilt of 15.0 degrees repaired" in volume.history[0]
    # A point of the patient keeps its value: stored values rise by 10 a row, so linear interpolation is exact.
    spot = np.array([-10.0, -20.0, 10.0]) + 5 * 0.8 * np.array(TILTED[:3]) + 7 * 0.8 * np.array(TILTED[3:])
    slice_index, row, column = volume.index_of(spot)
    assert slice_index == pytest.approx(4)
    plane = volume.hu[4]
    low = int(np.floor(row))
    value = plane[low, round(column)] * (low + 1 - row) + plane[low + 1, round(column)] * (row - low)
    assert value == pytest.approx(1000 + 10 * 7 + 5 + 400 - 1024, abs=1e-2)


def test_tilt_with_a_gap_is_not_repaired(tmp_path: Path) -> None:
    write_series(tmp_path, at(0, 2.5, 5, 10, 12.5, 15), change=setting(ImageOrientationPatient=TILTED))
    assert the_only(tmp_path, repair="resample").verdict is Verdict.REFUSED


def test_an_unknown_repair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="repair: the only kind is 'resample'"):
        inspect_path(tmp_path, repair="magic")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"ImagePositionPatient": None}, Code.MISSING_GEOMETRY),
        ({"ImageOrientationPatient": None}, Code.MISSING_GEOMETRY),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, Code.MISSING_GEOMETRY),
        ({"PixelSpacing": None}, Code.MISSING_GEOMETRY),
        ({"PixelSpacing": [0, 0]}, Code.MISSING_GEOMETRY),
        ({"RescaleSlope": None}, Code.MISSING_RESCALE),
        ({"RescaleIntercept": None}, Code.MISSING_RESCALE),
        ({"RescaleIntercept": 0}, Code.MISSING_RESCALE),
        ({"RescaleSlope": -1}, Code.MISSING_RESCALE),
        ({"RescaleSlope": 0}, Code.MISSING_RESCALE),
        ({"RescaleType": "Z_EFF"}, Code.MISSING_RESCALE),
        ({"Modality": "MR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, Code.NOT_CT),
        ({"Modality": "PT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.128"}, Code.NOT_CT),
        ({"SOPClassUID": SecondaryCaptureImageStorage}, Code.SECONDARY_CAPTURE),
        ({"PhotometricInterpretation": "RGB"}, Code.SECONDARY_CAPTURE),
        ({"ImageType": ["DERIVED", "SECONDARY", "OTHER", "DOSE_INFO"]}, Code.SECONDARY_CAPTURE),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, Code.LOCALIZER),
        ({"ImageType": ["DERIVED", "PRIMARY", "PERFUSION", "RCBF"]}, Code.NOT_CT),
        ({"ImageType": ["DERIVED", "PRIMARY", "VOLUME", "EFF_ATOMIC_NUM"]}, Code.NOT_CT),
        ({"BitsAllocated": 64}, Code.UNDECODABLE),
        ({"Rows": 60000, "Columns": 60000}, Code.UNDECODABLE),
        ({"Rows": 41}, Code.UNDECODABLE),
    ],
)
def test_what_is_missing_or_of_another_kind_is_refused(
    tmp_path: Path, values: dict[str, object], expected: Code
) -> None:
    write_series(tmp_path, change=setting(**values))
    assert codes(tmp_path) == [expected]
    with pytest.raises(GeometryError, match=f"is refused: {expected.value}: "):
        read_volume(tmp_path)


def test_a_scout_is_known_by_its_plane(tmp_path: Path) -> None:
    write_series(tmp_path, at(0), change=setting(ImageOrientationPatient=SAGITTAL))
    assert codes(tmp_path) == [Code.LOCALIZER]


def test_a_localizer_inside_a_series_refuses_it(tmp_path: Path) -> None:
    scout = setting(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], ImageOrientationPatient=SAGITTAL)
    write_series(tmp_path, change=on_slice(3, scout))
    assert codes(tmp_path) == [Code.LOCALIZER, Code.MIXED_ORIENTATION]
    with pytest.raises(GeometryError, match="1 of 8 images are localizers"):
        read_volume(tmp_path)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"PatientID": "P2"}, "patients"),
        ({"StudyInstanceUID": "1.9"}, "studies"),
        ({"FrameOfReferenceUID": "1.9"}, "frames of reference"),
        ({"ConvolutionKernel": "LUNG"}, "kernels"),
        ({"PixelSpacing": [0.7, 0.7]}, "pixel spacings"),
    ],
)
def test_two_kinds_of_images_under_one_uid_are_refused(tmp_path: Path, values: dict[str, object], word: str) -> None:
    write_series(tmp_path, change=on_slice(5, setting(**values)))
    assert codes(tmp_path) == [Code.MIXED_SERIES]
    with pytest.raises(GeometryError, match=f"images of 2 {word} under one series"):
        read_volume(tmp_path)


def test_two_image_sizes_under_one_uid_are_refused(tmp_path: Path) -> None:
    def smaller(data_set: Dataset, index: int) -> None:
        set_pixels(data_set, stored_values(index)[:20])

    write_series(tmp_path, change=on_slice(2, smaller))
    assert codes(tmp_path) == [Code.MIXED_SERIES]


def test_two_orientations_under_one_uid_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path, change=on_slice(2, setting(ImageOrientationPatient=TILTED)))
    assert codes(tmp_path) == [Code.MIXED_ORIENTATION]


def test_two_acquisitions_over_one_another_are_a_mixed_series(tmp_path: Path) -> None:
    def later(data_set: Dataset, index: int) -> None:
        data_set.AcquisitionNumber = 1 + index // 4

    write_series(tmp_path, at(0, 2.5, 5, 7.5, 0, 2.5, 5, 7.5), change=later)
    assert codes(tmp_path) == [Code.MIXED_SERIES, Code.DUPLICATE_POSITION]


def test_two_series_in_a_folder_are_told_apart_and_the_thinner_is_chosen(tmp_path: Path) -> None:
    write_series(tmp_path, uid="1.2.9")
    write_series(tmp_path, at(*(1.25 * k for k in range(16))), uid="1.2.8")
    thick, thin = sorted(inspect_path(tmp_path), key=lambda r: r.n_instances)
    assert (thick.is_chosen, thin.is_chosen, thin.why_not_chosen) == (False, True, None)
    assert thick.why_not_chosen == "its slices are 2.5 mm apart, those of the chosen series 1.2 mm"
    assert read_volume(tmp_path).hu.shape[0] == 16
    assert read_volume(tmp_path, series_uid="1.2.9").hu.shape[0] == 8
    with pytest.raises(InputError, match="series: none has the UID"):
        read_volume(tmp_path, series_uid="1.2.7")


def test_two_series_without_uids_are_told_apart_by_their_attributes(tmp_path: Path) -> None:
    write_series(tmp_path, uid="1.2.9", change=setting(SeriesInstanceUID=""))
    write_series(tmp_path, uid="1.2.8", change=setting(SeriesInstanceUID="", ConvolutionKernel="BONE"))
    smooth, sharp = inspect_path(tmp_path)[::-1]
    assert (smooth.is_chosen, sharp.is_chosen) == (True, False)
    assert sharp.why_not_chosen == "its kernel is sharp; that of the chosen series is smoother"


def test_a_short_thin_stack_does_not_win(tmp_path: Path) -> None:
    write_series(tmp_path, uid="1.2.9")
    write_series(tmp_path, at(0, 1, 2), uid="1.2.8")
    short = next(r for r in inspect_path(tmp_path) if r.n_instances == 3)
    assert short.why_not_chosen == "it covers less than half the length of the longest series"


def test_a_reformation_is_passed_over(tmp_path: Path) -> None:
    write_series(tmp_path, uid="1.2.9")
    write_series(
        tmp_path,
        at(*(1.0 * k for k in range(20))),
        uid="1.2.8",
        change=setting(ImageType=["DERIVED", "SECONDARY", "REFORMATTED"]),
    )
    assert read_volume(tmp_path).hu.shape[0] == 8


def test_two_patients_are_never_chosen_between(tmp_path: Path) -> None:
    write_series(tmp_path, uid="1.2.9")
    write_series(tmp_path, uid="1.2.8", change=setting(PatientID="P2", StudyInstanceUID="1.7"))
    assert not any(report.is_chosen for report in inspect_path(tmp_path))
    with pytest.raises(InputError, match="CT of more than one patient"):
        read_volume(tmp_path)
    assert read_volume(tmp_path, series_uid="1.2.8").hu.shape[0] == 8


def test_different_images_under_one_uid_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path, change=setting(SOPInstanceUID="1.2.3.99"))
    (report,) = inspect_path(tmp_path)
    (reason,) = report.reasons
    assert reason.code is Code.MIXED_SERIES
    assert reason.message.startswith("8 different images share a SOP Instance UID")


def test_files_without_extension_in_a_tree(tmp_path: Path) -> None:
    for number, path in enumerate(write_series(tmp_path)):
        target = tmp_path / f"S{number % 2}" / f"IM{number}"
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
    (tmp_path / "README.txt").write_text("not an image")
    assert read_volume(tmp_path).hu.shape == (8, 40, 32)


def test_zip_and_dicomdir_give_the_same_volume(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "ct")
    plain = read_volume(tmp_path / "ct")
    with zipfile.ZipFile(tmp_path / "ct.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.write(path, f"study/{path.name}")
    media = FileSet()
    for path in paths:
        media.add(path)
    media.write(tmp_path / "media")
    for source in (tmp_path / "ct.zip", tmp_path / "media" / "DICOMDIR", tmp_path / "media"):
        other = read_volume(source)
        assert np.array_equal(other.hu, plain.hu)
        assert np.array_equal(other.affine_lps, plain.affine_lps)


def test_only_the_slices_around_a_point(tmp_path: Path) -> None:
    write_series(tmp_path)
    part = read_volume(tmp_path, within=Slab((0.0, 0.0, 10.0), 3.0))
    assert np.array_equal(part.hu, read_volume(tmp_path).hu[2:7])
    assert part.position_of([0, 0, 0]) == pytest.approx([-10, -20, 5])
    assert part.history == ("only 5 of 8 slices read",)


def test_a_box_reads_the_slices_it_touches(tmp_path: Path) -> None:
    write_series(tmp_path)
    part = read_volume(tmp_path, within=Box((0.0, 0.0, 10.0), (100.0, 100.0, 3.0)))
    assert np.array_equal(part.hu, read_volume(tmp_path, within=Slab((0.0, 0.0, 10.0), 3.0)).hu)
    along_x = Box((0.0, 0.0, 10.0), (100.0, 2.0, 3.0))
    assert along_x.reach_mm(np.array([1.0, 0.0, 0.0])) == 100
    assert along_x.reach_mm(np.array([0.0, 0.6, -0.8])) == pytest.approx(3.6)


def test_identity_age_and_sex_travel_apart_from_the_volume(tmp_path: Path) -> None:
    write_series(tmp_path)
    series = read_series(tmp_path)
    assert (series.identity.patient_id, series.age_years, series.sex) == ("P1", 67, "F")
    assert len(series.identity.sop_instance_uids) == 8
    assert "P1" not in repr(series.identity)


def test_progress_is_told(tmp_path: Path) -> None:
    write_series(tmp_path)
    told: list[tuple[int, int]] = []
    read_volume(tmp_path, on_progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (8, 8)
