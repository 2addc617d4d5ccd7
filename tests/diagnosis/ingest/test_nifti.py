"""NIfTI to LPS volumes: placement, refusal."""

import contextlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnosis.errors import DiagnosisError, GeometryError, InputError, LimitExceededError
from diagnosis.ingest.case_folder import assemble_case
from diagnosis.ingest.dicom_volume import inspect_path
from diagnosis.ingest.nifti import inspect_nifti, read_ct_nifti, read_nifti
from diagnosis.record.volume import RegionOfInterest


def ct_values() -> np.ndarray:
    return np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7) * 8 - 1000


def write(path: Path, data: np.ndarray, ras: np.ndarray | None = None, *, codes: tuple[int, int] = (1, 1)) -> Path:
    image = nib.Nifti1Image(data, np.diag([0.7, 0.8, 2.5, 1.0]) if ras is None else ras)
    image.set_sform(image.affine, code=codes[0])
    image.set_qform(image.affine, code=codes[1])
    nib.save(image, path)
    return path


def test_each_voxel_keeps_its_value_and_its_place(tmp_path: Path) -> None:
    ras = np.array([[-0.7, 0, 0, 90], [0, 0.8, 0, -40], [0, 0, 2.5, 10], [0, 0, 0, 1.0]])
    volume = read_ct_nifti(write(tmp_path / "ct.nii.gz", ct_values(), ras))
    assert volume.hu.shape == (7, 6, 5)
    for i, j, k in [(0, 0, 0), (4, 5, 6), (1, 2, 3)]:
        assert volume.hu[k, j, i] == ct_values()[i, j, k]
        x, y, z, _ = ras @ [i, j, k, 1]
        assert volume.position_of([k, j, i]) == pytest.approx([-x, -y, z])


def test_scaling_is_applied(tmp_path: Path) -> None:
    image = nib.Nifti1Image(ct_values(), np.eye(4))
    image.header.set_slope_inter(2.0, -100.0)
    nib.save(image, tmp_path / "ct.nii")
    assert read_nifti(tmp_path / "ct.nii").hu.max() == ct_values().max() * 2 - 100


def test_a_fourth_axis_of_length_one_is_no_fourth_axis(tmp_path: Path) -> None:
    assert read_nifti(write(tmp_path / "a.nii", ct_values()[..., None])).hu.shape == (7, 6, 5)


def test_a_mask_is_a_volume_and_no_ct(tmp_path: Path) -> None:
    path = write(tmp_path / "mask.nii.gz", (ct_values() > 0).astype(np.uint8))
    assert set(np.unique(read_nifti(path).hu)) == {0, 1}
    with pytest.raises(GeometryError, match="NIfTI: values from 0 to 1 are not Hounsfield units"):
        read_ct_nifti(path)


def test_values_without_air_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "ct.nii.gz", ct_values() + 1024)
    with pytest.raises(GeometryError, match=r"hold no air and no fat.*the rescale intercept was left out"):
        read_ct_nifti(path)


def test_a_folder_of_one_image_and_its_companions_is_that_image(tmp_path: Path) -> None:
    write(tmp_path / "ct.nii.gz", ct_values())
    (tmp_path / "ct.json").write_text("{}")
    case, _ = assemble_case("c", ct=tmp_path, region=RegionOfInterest((-1.0, -1.0, 5.0)))
    assert case.volume is not None
    assert case.volume.hu.shape == (7, 6, 5)
    assert inspect_path(tmp_path)[0].shape == (7, 6, 5)
    write(tmp_path / "other.nii.gz", ct_values())
    with pytest.raises(InputError, match="it holds NIfTI files, of which one has to be named by its own path"):
        assemble_case("c", ct=tmp_path)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("ct.mha", "it holds MetaImage or NRRD, which is not read; convert it to NIfTI"),
        ("CT.NRRD", "it holds MetaImage or NRRD"),
        ("ct.hdr", "it holds Analyze or a NIfTI pair, which is not read; convert it to one .nii.gz"),
        ("ct.tar.gz", "it holds an archive inside, or of a kind that is not read; unpack it"),
        ("slice.png", "it holds pictures, which hold no Hounsfield units; export DICOM"),
        ("._ct.mha", "name a folder, zip archive or file with CT"),
    ],
)
def test_other_formats_are_refused_with_their_remedy(tmp_path: Path, name: str, remedy: str) -> None:
    (tmp_path / name).write_bytes(b"no image of ours")
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(InputError, match=f"there are no DICOM images at this path; {remedy}"):
            inspect_path(path)


def test_inspection_gives_verdict_and_spacing(tmp_path: Path) -> None:
    report = inspect_nifti(write(tmp_path / "ct.nii.gz", ct_values()))
    assert (report.verdict.value, report.is_chosen, report.reasons) == ("regular", True, ())
    assert report.shape == (7, 6, 5)
    assert report.spacing_mm == pytest.approx((2.5, 0.8, 0.7))


@pytest.mark.parametrize(
    ("data", "codes", "reason"),
    [
        ((ct_values() > 0).astype(np.uint8), (1, 1), "missing_rescale"),
        (np.zeros((4, 4, 4, 3), np.int16), (1, 1), "not_ct"),
        (ct_values(), (0, 0), "missing_geometry"),
    ],
)
def test_inspection_refuses_with_a_code(tmp_path: Path, data: np.ndarray, codes: tuple[int, int], reason: str) -> None:
    report = inspect_nifti(write(tmp_path / "ct.nii.gz", data, codes=codes))
    assert (report.verdict.value, [r.code.value for r in report.reasons]) == ("refused", [reason])


def test_inspection_of_a_truncated_file(tmp_path: Path) -> None:
    path = write(tmp_path / "ct.nii", ct_values())
    path.write_bytes(path.read_bytes()[:400])
    assert inspect_nifti(path).reasons[0].code.value == "undecodable"


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (np.zeros((4, 4, 4, 3), np.int16), GeometryError, "4x4x4x3 is not one three-dimensional volume"),
        (np.zeros((4, 4), np.int16), GeometryError, "4x4 is not one three-dimensional volume"),
        (np.zeros((4, 4, 4), np.complex64), GeometryError, "colors or complex numbers"),
    ],
)
def test_other_kinds_of_images_are_refused(
    tmp_path: Path, data: np.ndarray, error: type[DiagnosisError], message: str
) -> None:
    with pytest.raises(error, match=message):
        read_nifti(write(tmp_path / "a.nii", data))


def test_what_lies_outside_of_the_scanner_is_air_as_in_dicom(tmp_path: Path) -> None:
    data = ct_values()
    data[:2] = -3024
    volume = read_ct_nifti(write(tmp_path / "ct.nii.gz", data))
    assert volume.padding_hu == -1000.0
    assert (volume.hu[:, :, :2] == -1000.0).all()
    assert np.array_equal(volume.hu[:, :, 2:], data.transpose(2, 1, 0)[:, :, 2:])


def test_other_units_than_millimeters_are_refused(tmp_path: Path) -> None:
    image = nib.Nifti1Image(ct_values(), np.diag([700.0, 800.0, 2500.0, 1.0]))
    image.header.set_xyzt_units("micron")
    nib.save(image, tmp_path / "ct.nii.gz")
    with pytest.raises(GeometryError, match="are stated in micrometers, where mm are read; convert it again in mm"):
        read_nifti(tmp_path / "ct.nii.gz")


def test_a_degenerate_spacing_is_told_in_plain_numbers(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match=r"voxel spacing 0\.0025 x 0\.0008 x 0\.0007 mm is degenerate"):
        read_nifti(write(tmp_path / "ct.nii.gz", ct_values(), np.diag([0.0007, 0.0008, 0.0025, 1.0])))


@pytest.mark.parametrize(
    ("made", "named", "told"),
    [
        ("a.nii", "b.nii.gz", r"the file is not compressed and its name ends in \.gz; rename it"),
        ("a.nii.gz", "b.nii", r"the file is gzip-compressed and its name does not end in \.gz; rename it"),
    ],
)
def test_a_name_that_contradicts_the_compression(tmp_path: Path, made: str, named: str, told: str) -> None:
    write(tmp_path / made, np.tile(ct_values(), (4, 4, 4))).rename(tmp_path / named)
    with pytest.raises(InputError, match=told):
        read_ct_nifti(tmp_path / named)


def test_an_image_without_a_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match="neither sform nor qform"):
        read_nifti(write(tmp_path / "a.nii", ct_values(), codes=(0, 0)))


def test_two_places_that_differ_are_refused(tmp_path: Path) -> None:
    image = nib.Nifti1Image(ct_values(), np.eye(4))
    image.set_sform(np.diag([1.0, 1, 1, 1]), code=1)
    image.set_qform(np.diag([1.0, 1, 2, 1]), code=1)
    nib.save(image, tmp_path / "a.nii")
    with pytest.raises(GeometryError, match=r"sform and qform place it 7\.0 mm apart"):
        read_nifti(tmp_path / "a.nii")


def test_a_lying_header_costs_no_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nii", ct_values())
    raw = bytearray(path.read_bytes())
    raw[42:48] = np.array([30000, 30000, 30000], "<i2").tobytes()
    path.write_bytes(raw)
    with pytest.raises(LimitExceededError, match="its header claims 30000x30000x30000 voxels"):
        read_nifti(path)


def test_voxels_that_do_not_fit_into_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_arguments: object, **_options: object) -> np.ndarray:
        raise MemoryError

    monkeypatch.setattr(nib.Nifti1Image, "get_fdata", no_memory)
    with pytest.raises(LimitExceededError, match="claims 5x6x7 voxels, more than this machine has memory for"):
        read_nifti(write(tmp_path / "ct.nii", ct_values()))


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nii", ct_values())
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match="NIfTI: its voxels are damaged or end too early"):
        read_nifti(path)


def test_what_is_no_nifti_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_text("hello")
    with pytest.raises(InputError, match="NIfTI: the file is damaged or not NIfTI"):
        read_nifti(tmp_path / "a.nii")
    with pytest.raises(InputError, match="NIfTI: the file does not exist"):
        read_nifti(tmp_path / "b.nii")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 351), value=st.integers(0, 255), is_packed=st.booleans())
def test_flipped_header_bytes_never_crash(tmp_path: Path, position: int, value: int, is_packed: bool) -> None:
    path = tmp_path / ("a.nii.gz" if is_packed else "a.nii")
    raw = bytearray(write(path, ct_values()).read_bytes())
    raw[position % len(raw)] = value
    path.write_bytes(raw)
    with contextlib.suppress(DiagnosisError):
        assert np.isfinite(read_nifti(path).hu).all()


def test_real_nodules_are_ct(shared_data: Path) -> None:
    paths = sorted((shared_data / "lidc_nodules" / "image").glob("*.nii.gz"))[:10]
    assert len(paths) == 10
    for path in paths:
        image, volume = nib.load(path), read_ct_nifti(path)
        i, j, k = (size // 2 for size in image.shape)
        x, y, z, _ = image.affine @ [i, j, k, 1]
        assert volume.hu[k, j, i] == image.get_fdata()[i, j, k]
        assert volume.position_of([k, j, i]) == pytest.approx([-x, -y, z])
