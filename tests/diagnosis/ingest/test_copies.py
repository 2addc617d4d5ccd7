"""The same image in several files is read once, and nothing else is taken for a copy."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_factory import setting, write_series
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from diagnosis.ingest.copies import copies_words
from diagnosis.ingest.dicom_volume import inspect_path, read_series, read_volume
from diagnosis.vocabulary import GeometryCode as Code
from diagnosis.vocabulary import Verdict


def test_copies_of_an_image_are_read_once_and_said(tmp_path: Path) -> None:
    """A folder exported twice; one copy got another comment on the way, which changes nothing of the image."""
    paths = write_series(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "again")
    data_set = pydicom.dcmread(tmp_path / "again" / paths[2].name)
    data_set.ImageComments = "sent by the archive"
    data_set.save_as(tmp_path / "again" / paths[2].name)
    (report,) = inspect_path(tmp_path)
    assert (report.verdict, report.n_instances, report.n_copies) == (Verdict.REGULAR, 8, 8)
    read = read_series(tmp_path)
    assert read.warnings == (
        "CT: 8 files are copies of other images of the series, the same to the pixel, and passed over",
    )
    assert np.array_equal(read.volume.hu, read_volume(tmp_path / "a").hu)
    assert len(read.identity.sop_instance_uids) == 8


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless, DeflatedExplicitVRLittleEndian])
def test_a_copy_in_another_transfer_syntax_is_read_once(tmp_path: Path, syntax: UID) -> None:
    """An archive that keeps some images compressed sends a study twice: no image counts as a duplicate of itself."""
    paths = write_series(tmp_path / "a")
    for path in paths[1:4]:
        data_set = pydicom.dcmread(path)
        if syntax == DeflatedExplicitVRLittleEndian:
            data_set.file_meta.TransferSyntaxUID = syntax
        else:
            data_set.compress(syntax, generate_instance_uid=False)
        data_set.save_as(tmp_path / path.name)
    (report,) = inspect_path(tmp_path)
    assert (report.verdict, report.n_instances, report.n_copies) == (Verdict.REGULAR, 8, 3)
    read = read_series(tmp_path)
    assert read.warnings == (f"CT: {copies_words(3)}",)
    assert np.array_equal(read.volume.hu, read_volume(tmp_path / "a").hu)


@pytest.mark.parametrize("bent", ["pixels", "position", "cut"])
def test_another_image_in_another_transfer_syntax_is_no_copy(tmp_path: Path, bent: str) -> None:
    paths = write_series(tmp_path)
    data_set = pydicom.dcmread(paths[2])
    if bent == "pixels":
        data_set.PixelData = bytes([data_set.PixelData[0] ^ 1]) + data_set.PixelData[1:]
    elif bent == "position":
        data_set.ImagePositionPatient = [-10, -20, 5.1]
    data_set.compress(JPEG2000Lossless, generate_instance_uid=False)
    data_set.save_as(tmp_path / "more.dcm")
    if bent == "cut":
        (tmp_path / "more.dcm").write_bytes((tmp_path / "more.dcm").read_bytes()[:-200])
    (report,) = inspect_path(tmp_path)
    assert (report.verdict, report.n_copies) == (Verdict.REFUSED, 0)


def test_of_two_encodings_the_one_that_tells_of_a_loss_is_kept(tmp_path: Path) -> None:
    paths = write_series(tmp_path)
    data_set = pydicom.dcmread(paths[2])
    data_set.LossyImageCompression = "01"
    data_set.compress(RLELossless, generate_instance_uid=False)
    data_set.save_as(tmp_path / "z.dcm")
    assert any("compressed with loss" in warning for warning in read_series(tmp_path).warnings)


def test_damage_in_one_compressed_slice_among_others_is_found(tmp_path: Path) -> None:
    """The first slice is not compressed; what is, is tried."""
    data_set = pydicom.dcmread(write_series(tmp_path)[3])
    data_set.compress(JPEG2000Lossless, generate_instance_uid=False)
    raw = bytearray(data_set.PixelData)
    raw[-120:-40] = bytes(80)
    data_set.PixelData = bytes(raw)
    data_set.save_as(tmp_path / "1.2.9_003.dcm")
    (report,) = inspect_path(tmp_path)
    assert report.verdict is Verdict.REFUSED, report


def test_a_gap_is_not_hidden_by_a_copy(tmp_path: Path) -> None:
    paths = write_series(tmp_path)
    shutil.copy(paths[2], tmp_path / "copy.dcm")
    paths[4].unlink()
    (report,) = inspect_path(tmp_path)
    assert [reason.code for reason in report.reasons] == [Code.GAP]


@pytest.mark.parametrize("bent", ["pixels", "uid", "rescale"])
def test_what_is_no_copy_stays_a_duplicate(tmp_path: Path, bent: str) -> None:
    """The same UID with other pixels, the same pixels with another UID, or on another scale."""
    paths = write_series(tmp_path)
    data_set = pydicom.dcmread(paths[2])
    if bent == "pixels":
        data_set.PixelData = bytes([data_set.PixelData[0] ^ 1]) + data_set.PixelData[1:]
    elif bent == "rescale":
        data_set.RescaleIntercept = -1000
    else:
        data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = "1.2.3.99"
    data_set.save_as(tmp_path / "more.dcm")
    (report,) = inspect_path(tmp_path)
    assert (report.verdict, report.n_copies) == (Verdict.REFUSED, 0)
    assert Code.DUPLICATE_POSITION in {reason.code for reason in report.reasons} or bent == "rescale"


def test_files_without_uid_are_copies_only_byte_for_byte(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "a", change=setting(SOPInstanceUID=""))
    shutil.copy(paths[1], tmp_path / "a" / "copy.dcm")
    (report,) = inspect_path(tmp_path)
    assert (report.verdict, report.n_copies) == (Verdict.REGULAR, 1)
