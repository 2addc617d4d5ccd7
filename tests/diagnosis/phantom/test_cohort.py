import csv
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEG2000Lossless

from diagnosis.errors import InputError, MissingDependencyError
from diagnosis.phantom import speech
from diagnosis.phantom.case import PhantomCase
from diagnosis.phantom.cohort import MANIFEST_COLUMNS, WITHOUT_VOICE, write_cohort, write_phantom
from diagnosis.phantom.dicom_series import write_ct_series
from diagnosis.phantom.patient import PlantedCt
from diagnosis.phantom.spec import PhantomSpec, ScanSpec
from diagnosis.record.geometry import LPS_TO_RAS, index_to_mm

needs_voices = pytest.mark.skipif(
    not (shutil.which("flite") and shutil.which("espeak-ng")) and os.environ.get("CI") != "true",
    reason="needs the programs flite and espeak-ng (Debian packages of these names)",
)


@pytest.fixture(scope="module")
def folder(small_case: PhantomCase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("phantom") / "case"
    write_phantom(small_case, out, WITHOUT_VOICE)
    return out


def hashes(folder: Path) -> dict[str, str]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_same_case_gives_the_same_bytes(folder: Path, small_case: PhantomCase, tmp_path: Path) -> None:
    write_phantom(small_case, tmp_path / "again", WITHOUT_VOICE)
    assert hashes(folder) == hashes(tmp_path / "again")


def test_case_json_says_where_to_look(folder: Path, small_case: PhantomCase) -> None:
    about = json.loads((folder / "case.json").read_text())
    region = {"center_mm": list(small_case.ct.center_mm), "diameter_mm": 20.0}
    assert about == {"case_id": "test_case", "age_years": 64, "sex": "M", "region": region}


def test_dicom_is_synthetic_compressed_and_small(folder: Path) -> None:
    files = sorted((folder / "ct").iterdir())
    first = pydicom.dcmread(files[0])
    assert first.file_meta.TransferSyntaxUID == JPEG2000Lossless
    assert str(first.PatientName).startswith("Phantom^")
    assert first.PatientID.startswith("PHANTOM-")
    raw = len(files) * first.Rows * first.Columns * 2
    assert sum(f.stat().st_size for f in files) < 0.5 * raw


def test_dicom_gives_back_the_voxels_and_their_place(folder: Path, small_case: PhantomCase) -> None:
    sitk = pytest.importorskip("SimpleITK")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder / "ct")))
    image = reader.Execute()
    assert (sitk.GetArrayFromImage(image) == small_case.ct.hu).all()
    assert image.GetSpacing() == pytest.approx((2.2, 2.2, 4.0))
    index = image.TransformPhysicalPointToIndex(small_case.ct.center_mm)
    assert small_case.ct.mask[index[::-1]]


def test_pydicom_agrees_on_the_place(folder: Path, small_case: PhantomCase) -> None:
    ct = small_case.ct
    for k, path in ((len(ct.hu) - 1, "0001.dcm"), (0, f"{len(ct.hu):04d}.dcm")):
        instance = pydicom.dcmread(folder / "ct" / path)
        position = [float(v) for v in instance.ImagePositionPatient]
        assert position == pytest.approx(list(index_to_mm(ct.affine_lps, [k, 0, 0])), abs=1e-3)
        hu = instance.pixel_array * float(instance.RescaleSlope) + float(instance.RescaleIntercept)
        assert (hu == ct.hu[k]).all()


def test_truth_mask_lies_on_the_ct(folder: Path, small_case: PhantomCase) -> None:
    image = nib.load(folder / "truth_mask.nii.gz")
    voxels = np.argwhere(np.asarray(image.dataobj) > 0)
    assert len(voxels) == small_case.ct.mask.sum()
    ras = (image.affine @ np.append(voxels.mean(axis=0), 1))[:3]
    assert ras @ LPS_TO_RAS[:3, :3] == pytest.approx(list(small_case.ct.center_mm), abs=1.5)


def small_ct(scan: ScanSpec) -> PlantedCt:
    hu = np.random.default_rng(0).integers(-512, 700, (3, scan.size, scan.size)).astype(np.int16) * 2
    if scan.has_padding:
        hu[:, :8, :8] = -3024
    return PlantedCt(hu, np.diag([2.5, 1, 1, 1.0]), np.zeros(hu.shape, dtype=bool), (0.0, 0.0, 0.0))


@pytest.mark.parametrize("has_padding", [False, True])
@pytest.mark.parametrize("hu_step", [1, 2])
def test_every_kind_of_series_is_valid_dicom(tmp_path: Path, has_padding: bool, hu_step: int) -> None:
    scan = ScanSpec(size=64, has_padding=has_padding, hu_step=hu_step)
    ct = small_ct(scan)
    write_ct_series(PhantomSpec("valid", 1, scan=scan), ct, tmp_path)
    instance = pydicom.dcmread(tmp_path / "0003.dcm")
    assert (instance.pixel_array * float(instance.RescaleSlope) - 1024 == ct.hu[0]).all()
    if has_padding:
        assert instance.pixel_array[0, 0] == instance.PixelPaddingValue
    if shutil.which("dciodvfy") is None and os.environ.get("CI") != "true":
        pytest.skip("dciodvfy is not installed (Debian package dicom3tools)")
    found = subprocess.run(["dciodvfy", str(tmp_path / "0003.dcm")], capture_output=True, text=True, check=False)
    assert "Error" not in found.stdout + found.stderr


def test_uids_follow_the_seed_and_differ_between_variants(tmp_path: Path) -> None:
    scan = ScanSpec(size=64)
    uids = []
    for n, spec in enumerate(
        (
            PhantomSpec("a", 1, scan=scan),
            PhantomSpec("a", 1, scan=scan),
            PhantomSpec("a", 2, scan=scan),
            PhantomSpec("a", 1, scan=scan, informative="note"),
        )
    ):
        write_ct_series(spec, small_ct(scan), tmp_path / str(n))
        uids.append(pydicom.dcmread(tmp_path / str(n) / "0001.dcm").SeriesInstanceUID)
    assert uids[0] == uids[1]
    assert len(set(uids)) == 3


def test_a_folder_that_holds_something_is_refused(small_case: PhantomCase, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(InputError, match=r"already exists and is not an empty folder; name a new one"):
        write_phantom(small_case, tmp_path)
    with pytest.raises(InputError, match="not an empty folder"):
        next(write_cohort(tmp_path, 1, 0))
    assert [p.name for p in tmp_path.iterdir()] == ["precious.txt"]


def test_a_missing_voice_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match=r"Debian packages flite and espeak-ng, or .*--no-voice"):
        speech.require_voices()


@needs_voices
@pytest.mark.parametrize("voice", speech.VOICES)
def test_voices_speak_16_khz_mono_and_the_same_again(voice: speech.Voice, tmp_path: Path) -> None:
    import soundfile

    seconds = speech.speak("Solid nodule in the right upper lobe, twelve millimeters.", voice, tmp_path / "a.wav")
    speech.speak("Solid nodule in the right upper lobe, twelve millimeters.", voice, tmp_path / "b.wav")
    about = soundfile.info(tmp_path / "a.wav")
    assert (about.samplerate, about.channels) == (16_000, 1)
    assert 2 < seconds < 8
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


@pytest.mark.slow
def test_a_cohort_has_a_manifest_of_what_was_written(tmp_path: Path) -> None:
    cases = list(write_cohort(tmp_path / "out", 2, 9, WITHOUT_VOICE, "ct"))
    with (tmp_path / "out" / "manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == MANIFEST_COLUMNS
    assert [row["case_id"] for row in rows] == ["phantom_001", "phantom_002"]
    for row, case in zip(rows, cases, strict=True):
        assert (tmp_path / "out" / row["ct"]).is_dir()
        assert (tmp_path / "out" / row["note"]).is_file()
        assert row["voice"] == ""
        assert row["malignancy"] == str(int(case.is_malignant))
        assert float(row["center_z_mm"]) == case.ct.center_mm[2]
        assert "nodule" not in (tmp_path / "out" / row["note"]).read_text().lower()
