"""Series that look regular and are not what they seem: values that are no HU, two phases as one, half of the files."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_factory import set_pixels, setting, stored_values, write_enhanced, write_series
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet

from diagnosis.errors import GeometryError, InputError
from diagnosis.ingest.dicom_volume import inspect_path, read_series, read_volume
from diagnosis.vocabulary import GeometryCode as Code
from diagnosis.vocabulary import Verdict


def assert_refused(folder: Path, code: Code, words: str) -> None:
    (report,) = inspect_path(folder)
    assert [reason.code for reason in report.reasons] == [code]
    with pytest.raises(GeometryError, match=words):
        read_volume(folder)


def without_intercept(data_set: Dataset, index: int) -> None:
    """Stored from 0, as scanners do, signed, and the intercept that belongs to it is lost."""
    set_pixels(data_set, stored_values(index).astype(np.int16))
    data_set.RescaleIntercept = 0


def halved_twice(data_set: Dataset, index: int) -> None:
    """All values far below fat."""
    set_pixels(data_set, stored_values(index) // 4)


def beside_their_bits(data_set: Dataset, index: int) -> None:
    data_set.BitsStored, data_set.HighBit = 12, 15


def assert_doubted(folder: Path, words: str) -> None:
    """Told by inspection and by reading; no refusal, for a phantom may be made so."""
    (report,) = inspect_path(folder)
    assert report.verdict is Verdict.REGULAR
    (told,) = report.warnings
    assert words in told
    assert read_series(folder).warnings == (f"CT: {told}",)


def test_a_lost_intercept_is_seen_in_the_values(tmp_path: Path) -> None:
    write_series(tmp_path, change=without_intercept)
    assert_doubted(tmp_path, "no voxel lies between air and water")


def test_padding_does_not_hide_a_lost_intercept(tmp_path: Path) -> None:
    def change(data_set: Dataset, index: int) -> None:
        pixels = stored_values(index).astype(np.int16)
        pixels[:3] = -2000
        set_pixels(data_set, pixels)
        data_set.RescaleIntercept, data_set.PixelPaddingValue = 0, -2000
        data_set["PixelPaddingValue"].VR = "SS"

    write_series(tmp_path, change=change)
    assert_doubted(tmp_path, "no voxel lies between air and water")


def test_values_without_any_tissue_are_no_ct(tmp_path: Path) -> None:
    write_series(tmp_path, change=halved_twice)
    assert_doubted(tmp_path, "no voxel is denser than fat")


def test_values_at_other_bits_than_the_header_says(tmp_path: Path) -> None:
    """A High Bit of 15 beside values in bits 0 to 11 would divide them by 16."""
    write_series(tmp_path, change=beside_their_bits)
    assert_refused(tmp_path, Code.UNDECODABLE, "places the values at other bits")


def test_a_lookup_table_that_cannot_be_used_is_found_by_inspection(tmp_path: Path) -> None:
    def change(data_set: Dataset, _: int) -> None:
        item = Dataset()
        item.add_new("LUTDescriptor", "US", [4096, 0, 16])
        item.add_new("LUTData", "OW", bytes(6))
        data_set.ModalityLUTSequence = [item]

    write_series(tmp_path, change=change)
    assert_refused(tmp_path, Code.UNDECODABLE, "cannot be decoded")


def test_two_phases_that_alternate_are_not_one_volume(tmp_path: Path) -> None:
    """The second lies halfway between the slices of the first: the distances are regular."""
    for number in (1, 2):
        places = [(-10.0, -20.0, 2.5 * k + 1.25 * number) for k in range(6)]
        write_series(tmp_path / str(number), places, change=setting(AcquisitionNumber=number))
    assert_refused(tmp_path, Code.MIXED_SERIES, "2 acquisitions over the same range")


def test_acquisitions_one_after_the_other_are_one_volume(tmp_path: Path) -> None:
    """As a scanner in steps writes them."""
    for number in (1, 2):
        places = [(-10.0, -20.0, 2.5 * k + 15.0 * number) for k in range(6)]
        write_series(tmp_path / str(number), places, change=setting(AcquisitionNumber=number))
    assert read_volume(tmp_path).hu.shape[0] == 12


@pytest.mark.parametrize("is_zipped", [True, False])
def test_files_that_were_not_looked_into_are_said(tmp_path: Path, is_zipped: bool) -> None:
    folder = tmp_path / "in"
    paths = write_series(folder)
    with zipfile.ZipFile(folder / "rest.zip", "w") as archive:
        for path in paths[4:]:
            archive.write(path, path.name)
            path.unlink()
    with zipfile.ZipFile(folder / "letter.docx", "w") as document:
        document.writestr("[Content_Types].xml", "<Types/>")
    source = folder
    if is_zipped:
        source = Path(shutil.make_archive(str(tmp_path / "whole"), "zip", folder))
    told = "among the files 1 archive was not opened; what lies there was not read"
    (report,) = inspect_path(source)
    assert (report.verdict, report.n_instances, report.warnings) == (Verdict.REGULAR, 4, (told,))
    assert read_series(source).warnings == (f"CT: {told}",)
    for path in paths[:4]:
        path.unlink()
    with pytest.raises(InputError) as refused:
        read_volume(folder)
    assert str(refused.value) == f"input: there are no DICOM images at this path ({told}); unpack the archive"


def test_links_beside_images_are_said(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "in")
    (tmp_path / "in" / "more.dcm").symlink_to(paths[0])
    assert inspect_path(tmp_path / "in")[0].warnings == (
        "among the files 1 symbolic link was not followed; what lies there was not read",
    )


@pytest.mark.parametrize("is_named", [True, False])
def test_images_that_a_dicomdir_misses_are_said(tmp_path: Path, is_named: bool) -> None:
    """The last slice is gone: what is left is regular, and only the DICOMDIR knows of more."""
    medium, files = tmp_path / "medium", FileSet()
    for path in write_series(tmp_path / "in"):
        files.add(path)
    files.write(medium)
    source = medium / "DICOMDIR" if is_named else medium
    assert inspect_path(source)[0].warnings == ()
    images = {float(pydicom.dcmread(p).ImagePositionPatient[2]): p for p in medium.rglob("IM*")}
    images[max(images)].unlink()
    told = "the DICOMDIR lists 1 further image of this series that cannot be found; copy the medium again"
    (report,) = inspect_path(source)
    assert (report.verdict, report.n_instances, report.warnings) == (Verdict.REGULAR, 7, (told,))
    assert read_series(source).warnings == (f"CT: {told}",)


def test_one_frame_of_another_pixel_spacing(tmp_path: Path) -> None:
    path = write_enhanced(tmp_path / "enhanced.dcm", [2.5 * k for k in range(8)])
    data_set, other = pydicom.dcmread(path), Dataset()
    other.PixelSpacing = [0.5, 0.5]
    data_set.PerFrameFunctionalGroupsSequence[4].PixelMeasuresSequence = [other]
    data_set.save_as(path)
    assert_refused(tmp_path, Code.MIXED_SERIES, "images of 2 pixel spacings")


def test_a_data_set_that_is_not_encoded_as_its_header_names(tmp_path: Path) -> None:
    """Implicit VR under the name of explicit VR: pydicom and GDCM read it, and the pixels lie four bytes earlier."""
    write_series(tmp_path / "honest")
    write_series(tmp_path / "named_wrong")
    named, really = b"1.2.840.10008.1.2.1\0", "1.2.840.10008.1.2"
    for path in (tmp_path / "named_wrong").iterdir():
        data_set = pydicom.dcmread(path)
        data_set.file_meta.TransferSyntaxUID = really
        data_set.save_as(path, implicit_vr=True, little_endian=True)
        raw = path.read_bytes()
        stated = really.encode() + b"\0"
        assert raw.count(b"UI" + len(stated).to_bytes(2, "little") + stated) == 1
        longer = raw.replace(
            b"UI" + len(stated).to_bytes(2, "little") + stated, b"UI" + len(named).to_bytes(2, "little") + named
        )
        start = longer.index(b"UL\x04\x00") + 4
        group_length = int.from_bytes(longer[start : start + 4], "little") + len(named) - len(stated)
        path.write_bytes(longer[:start] + group_length.to_bytes(4, "little") + longer[start + 4 :])
    read, honest = read_volume(tmp_path / "named_wrong"), read_volume(tmp_path / "honest")
    assert np.array_equal(read.hu, honest.hu)
    assert np.array_equal(read.affine_lps, honest.affine_lps)
