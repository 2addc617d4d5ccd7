"""Manifests: what is read, and that every bad row is named before anything is loaded."""

from pathlib import Path

import pandas as pd
import pytest
from dicom_factory import write_series

from diagnosis.errors import DiagnosisError, ManifestError
from diagnosis.ingest.manifest import read_manifest, read_manifest_case
from diagnosis.vocabulary import Modality, Sex

HEADING = (
    "case_id,patient_id,ct,note_text,voice_text,center_x_mm,center_y_mm,center_z_mm,diameter_mm,age_years,sex,split"
)


def write(folder: Path, *rows: str, heading: str = f"{HEADING},malignancy,calcified") -> Path:
    path = folder / "manifest.csv"
    path.write_text("\n".join([heading, *rows]) + "\n", encoding="utf-8-sig")
    return path


def test_rows_are_typed(tmp_path: Path) -> None:
    write_series(tmp_path / "ct1")
    path = write(
        tmp_path,
        'c1,p1,ct1,"A nodule, left.",spiculated nodule,0,-10,10,8,67,F,train,1,',
        "c2,p2,,Clear.,,,,,,,,test,0,0",
    )
    manifest = read_manifest(path)
    assert manifest.findings == ("malignancy", "calcified")
    first, second = manifest.rows
    assert first.labels == {"malignancy": 1, "calcified": None}
    assert (first.center_mm, first.diameter_mm, first.age_years, first.sex) == ((0, -10, 10), 8, 67, Sex.FEMALE)
    assert (second.split, second.ct, second.sex, second.labels["calcified"]) == ("test", None, None, 0)
    case = read_manifest_case(first)
    assert case.present == set(Modality)
    assert case.voice_note is not None
    assert case.voice_note.text == "spiculated nodule"


def test_parquet_gives_the_same_rows(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "case_id": ["c1", "c2"],
            "patient_id": [1, 2],
            "note_text": ["A nodule.", "Clear."],
            "age_years": [67.0, None],
            "malignancy": [1.0, None],
        }
    )
    frame.to_parquet(tmp_path / "m.parquet")
    frame.to_csv(tmp_path / "m.csv", index=False)
    first = read_manifest(tmp_path / "m.parquet")
    assert first == read_manifest(tmp_path / "m.csv")
    assert [row.labels for row in first.rows] == [{"malignancy": 1}, {"malignancy": None}]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("c1,p2,,Clear.,,,,,,,,,0,", "row 2: its case_id is that of row 1"),
        ("c2,p1,,Clear.,,,,,,,,test,0,", "row 2: its patient is in split 'test' and, by row 1, in ''"),
        (",p2,,Clear.,,,,,,,,,0,", "row 2: case_id is blank"),
        ("c2,p2,,Clear.,,,,,,,,,2,", "row 2: malignancy is '2'; a finding is 0, 1 or blank"),
        ("c2,p2,,Clear.,,,,,,,,,yes,", "row 2: malignancy is 'yes'"),
        ("c2,p2,gone,Clear.,,,,,,,,,0,", "row 2: the file in column ct does not exist"),
        ("c2,p2,,,,,,,,,,,0,", "row 2: there is no ct, note or voice"),
        ("c2,p2,,Clear.,,1,2,,,,,,0,", "row 2: the region's center is not complete"),
        ("c2,p2,,Clear.,,1,2,x,,,,,0,", "row 2: center_z_mm 'x' is not a position in mm"),
        ("c2,p2,,Clear.,,1,2,inf,,,,,0,", "row 2: center_z_mm 'inf' is not a position in mm"),
        ("c2,p2,,Clear.,,,,,-3,,,,0,", "row 2: diameter_mm '-3' is not a diameter of 0.5 to 300 mm"),
        ("c2,p2,,Clear.,,,,,,230,,,0,", "row 2: age_years '230' is not an age in years"),
        ("c2,p2,,Clear.,,,,,,,female,,0,", "row 2: sex 'female' is not F, M or O"),
        ("c2,p2,,Clear.,,,,,,,,,0", "manifest: row 2 has 13 cells, the heading 14"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read_manifest(write(tmp_path, "c1,p1,,Clear.,,,,,,,,,0,", row))


def test_all_bad_rows_are_named_together(tmp_path: Path) -> None:
    rows = [f"c{k},p{k},,Clear.,,,,,,,,,7," for k in range(14)]
    with pytest.raises(ManifestError, match=r"row 1: .*; row 10: .*; and 4 more; correct the rows"):
        read_manifest(write(tmp_path, *rows))


def test_an_empty_note_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "n.txt").touch()
    path = write(tmp_path, "c1,p1,n.txt", heading="case_id,patient_id,note")
    with pytest.raises(ManifestError, match="row 1: the file in column note is empty"):
        read_manifest(path)


def test_a_note_given_twice_is_named(tmp_path: Path) -> None:
    (tmp_path / "n.txt").write_text("x")
    path = write(tmp_path, "c1,p1,n.txt,words", heading="case_id,patient_id,note,note_text")
    with pytest.raises(ManifestError, match="row 1: both note and note_text are given"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("heading", "message"),
    [
        ("case_id,note_text", "the column patient_id is missing"),
        ("case_id,patient_id,note_text,note_text", "the column 'note_text' is there twice"),
        ("case_id,patient_id,note_text,center_x_mm", "a region needs all of center_x_mm, center_y_mm, center_z_mm"),
    ],
)
def test_a_bad_heading_is_refused(tmp_path: Path, heading: str, message: str) -> None:
    with pytest.raises(ManifestError, match=f"manifest: {message}"):
        read_manifest(write(tmp_path, heading=heading))


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="manifest: the file does not exist"):
        read_manifest(tmp_path / "gone.csv")
    with pytest.raises(ManifestError, match="manifest: it has no rows"):
        read_manifest(write(tmp_path))
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ManifestError, match="manifest: it cannot be read as Parquet"):
        read_manifest(tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_bytes(b"case_id,patient_id\n\xff\xfe\x00")
    with pytest.raises(DiagnosisError, match="manifest: it is not a CSV table in UTF-8"):
        read_manifest(tmp_path / "a.csv")


def test_a_missing_file_can_be_left_to_its_row(tmp_path: Path) -> None:
    path = write(tmp_path, "c1,p1,gone,Clear.,,,,,,,,,0,", "c2,p2,,Clear.,,,,,,,,,0,")
    first, second = read_manifest(path, checks_files=False).rows
    assert first.ct == tmp_path / "gone"
    assert second.ct is None
    with pytest.raises(DiagnosisError, match="the path does not exist"):
        read_manifest_case(first)


@pytest.mark.parametrize(
    ("delimiter", "encoding", "end"),
    [(",", "utf-8-sig", "\r\n"), (";", "utf-8", "\n"), ("\t", "utf-16", "\r\n")],
)
def test_tables_of_spreadsheets_of_other_countries(tmp_path: Path, delimiter: str, encoding: str, end: str) -> None:
    heading = ["Case_ID", "PATIENT_ID", "Note_Text", "center_x_mm", "center_y_mm", "center_z_mm", "Sex", "Malignancy"]
    x = "-54,2" if delimiter == ";" else "-54.2"
    rows = [heading, ["c1", "p1", "Größe: 8 mm", x, "31", "-120", "f", "TRUE"]]
    path = tmp_path / "m.csv"
    path.write_bytes(end.join(delimiter.join(cells) for cells in rows).encode(encoding))
    manifest = read_manifest(path, findings=["malignancy"])
    (row,) = manifest.rows
    assert (row.case_id, row.note_text, row.center_mm) == ("c1", "Größe: 8 mm", (-54.2, 31, -120))
    assert (row.sex, row.labels, manifest.findings) == (Sex.FEMALE, {"malignancy": 1}, ("malignancy",))


def test_what_programs_write_for_nothing_is_blank(tmp_path: Path) -> None:
    """R's write.csv, pandas with a name for what is missing, and a spreadsheet's columns that were emptied."""
    path = tmp_path / "manifest.csv"
    path.write_text(
        'sep=;\n"case_id";"patient_id";"ct";"note_text";"diameter_mm";"sex";"malignancy";;\n'
        '"c1";"p1";NA;"solid; 8 mm";NA;NA;1;;\n"c2";"p2";NaN;"part-solid";"8,5";"F";NULL;;\n'
    )
    one, two = read_manifest(path).rows
    assert (one.ct, one.note_text, one.diameter_mm, one.sex, one.labels) == (
        None, "solid; 8 mm", None, None, {"malignancy": 1},
    )  # fmt: skip
    assert (two.ct, two.diameter_mm, two.labels) == (None, 8.5, {"malignancy": None})
    path.write_text("case_id,patient_id,note_text,\nc1,p1,solid,\nc2,p2,solid,left\n")
    with pytest.raises(ManifestError, match="a column has no name"):
        read_manifest(path)


def test_columns_of_other_purposes_are_left_alone_where_the_findings_are_named(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "c1,p1,A nodule.,adenocarcinoma,IIIa,1",
        heading="case_id,patient_id,note_text,histology,stage,malignancy",
    )
    manifest = read_manifest(path, findings=["malignancy"])
    assert (manifest.findings, manifest.other_columns) == (("malignancy",), ("histology", "stage"))
    with pytest.raises(
        ManifestError, match=r"row 1: histology is \(a text of 14 characters\); a finding is 0, 1 or blank"
    ):
        read_manifest(path)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("center_i", "a region is given by center_x_mm, center_y_mm, center_z_mm, the patient's LPS coordinates in mm"),
        ("voxel", "the column 'voxel' is not known; a region is given by center_x_mm"),
        ("x_mm", "the column 'x_mm' is not known; a region is given by center_x_mm"),
        ("diameter", "if it is diameter_mm, name it so, else give it another name"),
        ("voice_txt", "if it is voice_text, name it so"),
    ],
)
def test_a_column_that_is_likely_meant_is_not_left_alone(tmp_path: Path, column: str, message: str) -> None:
    path = write(tmp_path, "c1,p1,A nodule.,1,1", heading=f"case_id,patient_id,note_text,{column},malignancy")
    with pytest.raises(ManifestError, match=message):
        read_manifest(path, findings=["malignancy"])


def test_paths_of_windows_and_absolute_ones_are_found(tmp_path: Path) -> None:
    (tmp_path / "Müller 1").mkdir()
    (tmp_path / "Müller 1" / "a note.txt").write_text("A nodule.")
    for written in ("Müller 1\\a note.txt", str(tmp_path / "Müller 1" / "a note.txt")):
        path = write(tmp_path, f"c1,p1,{written}", heading="case_id,patient_id,note")
        assert read_manifest(path).rows[0].note == tmp_path / "Müller 1" / "a note.txt"


def test_a_workbook_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.xlsx").write_bytes(b"PK\x03\x04rest of a workbook")
    with pytest.raises(ManifestError, match="it is a workbook or an archive, not a table; save the sheet as CSV UTF-8"):
        read_manifest(tmp_path / "m.xlsx")
    (tmp_path / "m.csv").touch()
    with pytest.raises(ManifestError, match="the file is empty; write a heading and one row a case"):
        read_manifest(tmp_path / "m.csv")
