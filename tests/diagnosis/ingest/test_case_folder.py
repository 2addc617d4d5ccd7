"""Case folders and loose parts to cases."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from dicom_factory import setting, write_series

from diagnosis.errors import CaseError, GeometryError, RegionError
from diagnosis.ingest.case_folder import NO_REGION, NO_WORDS, assemble_case, read_case
from diagnosis.ingest.manifest import voice_note_from_text
from diagnosis.record import RegionOfInterest
from diagnosis.vocabulary import Modality, Sex

REGION = {"center_mm": [0.0, -10.0, 10.0], "diameter_mm": 8.0}


def make_folder(folder: Path, **stated: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "case.json").write_text(json.dumps({"case_id": "c-1", **stated}))
    return folder


def test_a_whole_case(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "case", age_years=67, sex="F", region=REGION)
    write_series(folder / "ct")
    (folder / "note.txt").write_text("History: smoker.\nFindings: nodule in the left upper lobe.")
    case, identity = read_case(folder)
    assert (case.case_id, case.age_years, case.sex) == ("c-1", 67, Sex.FEMALE)
    assert case.present == {Modality.CT, Modality.NOTE}
    assert case.region == RegionOfInterest((0.0, -10.0, 10.0), 8.0)
    assert case.warnings == ()
    assert (identity.case_id, identity.patient_id) == ("c-1", "P1")


def test_age_and_sex_come_from_the_headers_where_they_are_not_stated(tmp_path: Path) -> None:
    write_series(tmp_path / "ct")
    case, _ = assemble_case("c-1", ct=tmp_path / "ct")
    assert (case.age_years, case.sex, case.warnings) == (67, Sex.FEMALE, (NO_REGION,))


def test_a_ct_of_someone_else_is_warned_of(tmp_path: Path) -> None:
    write_series(tmp_path / "ct")
    case, _ = assemble_case(
        "c-1", ct=tmp_path / "ct", region=RegionOfInterest((0, -10, 10)), age_years=30, sex=Sex.MALE
    )
    assert len(case.warnings) == 2
    assert all("check that it is the same patient" in warning for warning in case.warnings)


def test_a_note_alone_is_a_case_with_a_pseudonym_that_hides_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "Smith_John"
    folder.mkdir()
    (folder / "note.txt").write_text("A nodule.")
    case, _ = read_case(folder)
    assert case.present == {Modality.NOTE}
    assert case.case_id.startswith("case-")
    assert "Smith" not in case.case_id


def test_a_nifti_case(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "case", region={"center_mm": [-3, -3, 3]})
    data = (np.arange(512, dtype=np.int16) * 4 - 1000).reshape(8, 8, 8)
    nib.save(nib.Nifti1Image(data, np.eye(4)), folder / "ct.nii.gz")
    case, identity = read_case(folder)
    assert case.present == {Modality.CT}
    assert identity.patient_id is None


def test_a_dictation_without_words_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("A nodule.")
    case, _ = assemble_case("c-1", note=tmp_path / "note.txt", voice=voice_note_from_text("  "))
    assert case.present == {Modality.NOTE}
    assert case.warnings == (NO_WORDS,)


def test_a_repaired_ct_is_warned_of(tmp_path: Path) -> None:
    tilted = [1.0, 0.0, 0.0, 0.0, float(np.cos(0.2)), float(-np.sin(0.2))]
    write_series(tmp_path / "ct", change=setting(ImageOrientationPatient=tilted))
    with pytest.raises(GeometryError, match="gantry_tilt"):
        assemble_case("c-1", ct=tmp_path / "ct")
    case, _ = assemble_case("c-1", ct=tmp_path / "ct", repair="resample")
    assert case.warnings[0].startswith("CT: gantry tilt of 11.5 degrees repaired")


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"age": 5}, "case.json: age is not known; the fields are case_id, age_years, sex, region, repair; correct it"),
        ({"age_years": 200}, "case.json: age_years must be at most 125; correct it"),
        ({"sex": "female"}, "case.json: sex must be 'F', 'M' or 'O'; correct it"),
        ({"case_id": ""}, "case.json: case_id must not be empty; correct it"),
        ({"region": {"center_mm": [1, 2]}}, r"case.json: region.center_mm\[2\] is missing; correct it"),
        ({"region": {"center_mm": [1, 2, float("nan")]}}, r"case.json: region.center_mm\[2\] must be a finite number"),
    ],
)
def test_a_bad_case_file_is_refused(tmp_path: Path, stated: dict[str, object], message: str) -> None:
    folder = make_folder(tmp_path / "case", **stated)
    (folder / "note.txt").write_text("A nodule.")
    with pytest.raises(CaseError, match=message):
        read_case(folder)


def test_a_case_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text("{not json")
    with pytest.raises(CaseError, match=r"case\.json: it is not valid JSON at line 1, column 2; correct it"):
        read_case(tmp_path)


def test_nothing_to_assess(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="holds no CT, no note and no dictation"):
        read_case(make_folder(tmp_path / "case"))
    with pytest.raises(CaseError, match="case: the folder does not exist"):
        read_case(tmp_path / "nowhere")
    (tmp_path / "case.zip").write_bytes(b"PK")
    with pytest.raises(CaseError, match="it is a file and not a case folder; unpack an archive"):
        read_case(tmp_path / "case.zip")
    write_series(tmp_path / "dicom")
    with pytest.raises(CaseError, match=r"none of its 8 files and folders is named as a part .* \(a CT with --ct\)"):
        read_case(tmp_path / "dicom")


def test_the_same_part_twice(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "case")
    (folder / "note.txt").write_text("A nodule.")
    (folder / "note.json").write_text("{}")
    with pytest.raises(CaseError, match=r"case: note\.txt and note\.json are both there"):
        read_case(folder)


def test_a_region_outside_the_ct(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "case", region={"center_mm": [0, 0, 900]})
    write_series(folder / "ct")
    with pytest.raises(RegionError, match="region: the center lies outside the CT"):
        read_case(folder)


def test_a_whole_real_case(shared_data: Path, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("History: weight loss.")
    ct = shared_data / "dicom_cases" / "Lung_Dx-A0001_40805"
    case, _ = assemble_case("c-1", ct=ct, note=note, region=RegionOfInterest((42.0, 190.0, -210.0)))
    assert case.present == {Modality.CT, Modality.NOTE}
    assert (case.age_years, case.sex) == (58, Sex.MALE)


def test_a_case_of_loose_files_is_named_once():
    with pytest.raises(CaseError, match=r"^case: it holds no CT, no note and no dictation"):
        assemble_case("case")
    with pytest.raises(CaseError, match=r"^case c-1: it holds no CT"):
        assemble_case("c-1")
    for pseudonym in ("case-7f21", "case_001", "Case 9"):
        with pytest.raises(CaseError, match=rf"^{pseudonym}: it holds no CT"):
            assemble_case(pseudonym)
    with pytest.raises(CaseError, match=r"^case casey-1: it holds no CT"):
        assemble_case("casey-1")
