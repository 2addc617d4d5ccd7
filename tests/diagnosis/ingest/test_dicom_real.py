"""Real series: each gets the verdict that is right for it, and clean ones equal SimpleITK's reading."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from diagnosis.errors import GeometryError
from diagnosis.ingest import dicom_elements
from diagnosis.ingest.dicom_elements import scan_elements
from diagnosis.ingest.dicom_header import Instance, read_header
from diagnosis.ingest.dicom_pixels import read_hu
from diagnosis.ingest.dicom_series import group_series
from diagnosis.ingest.dicom_volume import inspect_path, read_volume
from diagnosis.vocabulary import GeometryCode as Code
from diagnosis.vocabulary import Verdict

CLEAN = ("Lung_Dx-A0001_40805", "philips_head_std_5mm", "ts_j2k_overlap_missing_tags")


@pytest.fixture(scope="module")
def series(shared_data: Path) -> Path:
    return shared_data / "dicom_cases"


@pytest.mark.parametrize(
    ("name", "n_instances", "codes"),
    [
        ("Lung_Dx-A0001_40805", 64, []),
        ("philips_head_std_5mm", 28, []),
        ("ts_j2k_overlap_missing_tags", 20, []),
        ("philips_localizer_1", 1, [Code.LOCALIZER]),
        ("ge_head_tilt_variable_gap", 28, [Code.VARIABLE_SPACING, Code.GANTRY_TILT]),
        ("d2n_gantry_tilt", 4, [Code.GANTRY_TILT]),
        ("d2n_missing_slice", 4, [Code.GAP]),
        ("single_files/eCT_Supplemental.dcm", 1, [Code.NOT_CT, Code.TOO_FEW_SLICES]),
        ("single_files/CT1_UNC.zst.dcm", 1, [Code.TOO_FEW_SLICES]),
        ("single_files/explicit_VR-UN.dcm", 1, [Code.TOO_FEW_SLICES]),
        ("single_files/bad_sequence.dcm", 1, [Code.TOO_FEW_SLICES]),
    ],
)
def test_every_real_series_gets_its_verdict(series: Path, name: str, n_instances: int, codes: list[Code]) -> None:
    (report,) = inspect_path(series / name)
    assert [reason.code for reason in report.reasons] == codes
    assert report.n_instances == n_instances
    assert report.verdict is (Verdict.REFUSED if codes else Verdict.REGULAR)
    assert report.is_chosen is not bool(codes)


def test_a_real_tilted_series_is_repaired_only_when_asked(series: Path) -> None:
    (report,) = inspect_path(series / "d2n_gantry_tilt", repair="resample")
    assert report.verdict is Verdict.REPAIRED
    volume = read_volume(series / "d2n_gantry_tilt", repair="resample")
    assert volume.hu.shape == (4, 521, 512)
    (still_refused,) = inspect_path(series / "ge_head_tilt_variable_gap", repair="resample")
    assert still_refused.verdict is Verdict.REFUSED


@pytest.mark.parametrize("name", CLEAN)
def test_clean_series_equal_simpleitk(series: Path, name: str) -> None:
    sitk = pytest.importorskip("SimpleITK")
    volume = read_volume(series / name)
    reader = sitk.ImageSeriesReader()
    files = [path for path in sorted((series / name).iterdir()) if path.name != "DIRFILE"]
    heights = {path: float(scan_elements(path).numbers("ImagePositionPatient", 3)[2]) for path in files}
    reader.SetFileNames([str(path) for path in sorted(files, key=heights.get)])
    image = reader.Execute()
    assert np.array_equal(sitk.GetArrayFromImage(image), volume.hu)
    last = [size - 1 for size in image.GetSize()]
    assert volume.position_of([0, 0, 0]) == pytest.approx(image.TransformIndexToPhysicalPoint([0, 0, 0]), abs=1e-3)
    assert volume.position_of(last[::-1]) == pytest.approx(image.TransformIndexToPhysicalPoint(last), abs=1e-3)


@pytest.mark.parametrize(
    "name", ["CT1_JPLL", "CT1_JLSL", "CT1_J2KR", "CT1_RLE", "CT2_JPLL", "CT2_JLSL", "CT2_J2KR", "CT2_RLE"]
)
def test_lossless_transfer_syntaxes_decode_bit_exactly(series: Path, tmp_path: Path, name: str) -> None:
    plain = one_slice(series / "single_files" / f"{name[:3]}_UNC.zst.dcm", tmp_path)
    assert np.array_equal(one_slice(series / "single_files" / f"{name}.dcm", tmp_path), plain)


@pytest.mark.parametrize("name", ["CT1_JLSN", "CT1_J2KI", "CT2_JLSN", "CT2_J2KI"])
def test_lossy_transfer_syntaxes_decode_closely(series: Path, tmp_path: Path, name: str) -> None:
    plain = one_slice(series / "single_files" / f"{name[:3]}_UNC.zst.dcm", tmp_path)
    lossy = one_slice(series / "single_files" / f"{name}.dcm", tmp_path)
    assert np.abs(lossy - plain).mean() < 25


def test_damaged_jpeg_ls_is_refused_and_not_decoded_to_noise(series: Path, tmp_path: Path) -> None:
    raw = bytearray((series / "single_files" / "CT1_JLSL.dcm").read_bytes())
    raw[len(raw) // 2] ^= 0x10
    (tmp_path / "damaged.dcm").write_bytes(raw)
    with pytest.raises(GeometryError, match="slice 1 cannot be decoded"):
        one_slice(tmp_path / "damaged.dcm", tmp_path)


def one_slice(path: Path, scratch: Path) -> np.ndarray:
    header = read_header(path, scratch)
    assert isinstance(header, Instance)
    return read_hu(group_series([header])[0].planes)[0]


def test_the_quick_walk_reads_what_pydicom_reads(series: Path) -> None:
    n_walked = 0
    for path in sorted(series.rglob("*")):
        if not path.is_file():
            continue
        with path.open("rb") as file:
            head = file.read(dicom_elements.HEAD_BYTES)
            walked = dicom_elements._walk(head)
            if walked is None:
                continue
            file.seek(0)
            assert walked == dicom_elements._scan_with_pydicom(file, has_preamble=True)
        n_walked += 1
    assert n_walked > 150


@pytest.mark.parametrize(("missing", "code"), [("1-30.dcm", Code.GAP), ("1-02.dcm", Code.GAP)])
def test_a_real_series_with_a_slice_removed_is_refused(series: Path, tmp_path: Path, missing: str, code: Code) -> None:
    copy = tmp_path / "ct"
    shutil.copytree(series / CLEAN[0], copy)
    (copy / missing).unlink()
    (report,) = inspect_path(copy)
    assert [reason.code for reason in report.reasons] == [code]


def test_a_localizer_and_a_series_in_one_tree(series: Path, tmp_path: Path) -> None:
    shutil.copytree(series / "philips_localizer_1", tmp_path / "a")
    shutil.copytree(series / "philips_head_std_5mm", tmp_path / "b")
    reports = inspect_path(tmp_path)
    assert [(r.verdict, r.is_chosen) for r in reports] == [(Verdict.REFUSED, False), (Verdict.REGULAR, True)]
    assert reports[0].why_not_chosen == "refused: localizer"


def test_a_dicomdir_whose_folders_are_gone_reads_its_folder(series: Path) -> None:
    (report,) = inspect_path(series / "philips_head_std_5mm" / "DIRFILE")
    assert report.n_instances == 28
