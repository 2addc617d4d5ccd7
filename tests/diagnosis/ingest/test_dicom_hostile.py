"""Damaged and hostile input: refused early, in words, never in silence and never with a patient's data."""

import io
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_factory import write_series
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from diagnosis.errors import DiagnosisError, GeometryError, InputError, LimitExceededError
from diagnosis.ingest import limits
from diagnosis.ingest.codestream import codestream_size
from diagnosis.ingest.dicom_volume import inspect_path, read_volume
from diagnosis.vocabulary import GeometryCode, Verdict

IDENTIFIERS = ("P1", "Planted", "1.2.3.4", "1.2.9", "Thorax", "20200101")


def reasons(path: Path) -> list[tuple[GeometryCode, str]]:
    return [(reason.code, reason.message) for report in inspect_path(path) for reason in report.reasons]


def test_a_missing_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="input: the path does not exist"):
        read_volume(tmp_path / "nothing")


def test_a_folder_without_dicom(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match="there are no DICOM images at this path"):
        inspect_path(tmp_path)


def test_a_pipe_is_passed_over(tmp_path: Path) -> None:
    write_series(tmp_path)
    os.mkfifo(tmp_path / "pipe.dcm")
    assert read_volume(tmp_path).hu.shape[0] == 8
    with pytest.raises(InputError, match="neither a file nor a folder"):
        read_volume(tmp_path / "pipe.dcm")


def test_links_are_not_followed(tmp_path: Path) -> None:
    write_series(tmp_path / "elsewhere")
    (tmp_path / "named").mkdir()
    (tmp_path / "named" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "named" / "loop").symlink_to(tmp_path / "named")
    with pytest.raises(InputError, match=r"2 symbolic links were not followed"):
        inspect_path(tmp_path / "named")


@pytest.mark.parametrize("kept", [10, 200, 600])
def test_a_truncated_header_refuses_the_series(tmp_path: Path, kept: int) -> None:
    last = write_series(tmp_path)[-1]
    last.write_bytes(last.read_bytes()[:kept])
    (report,) = inspect_path(tmp_path)
    assert report.verdict is Verdict.REFUSED
    assert report.n_instances == 8
    assert GeometryCode.UNDECODABLE in {reason.code for reason in report.reasons}


def test_a_damaged_frame_of_a_file_refuses_the_series(tmp_path: Path) -> None:
    """The gate reads past an unknown kind of value where pydicom gives up."""
    paths = write_series(tmp_path)
    for path in paths:
        raw = path.read_bytes()
        place = raw.index(b"\x02\x00\x10\x00UI")
        path.write_bytes(raw[: place + 4] + b"\x55\xff" + raw[place + 6 :])
    with pytest.raises(GeometryError, match="cannot be parsed"):
        read_volume(tmp_path)


def test_truncated_pixels_refuse_the_series(tmp_path: Path) -> None:
    path = write_series(tmp_path)[3]
    path.write_bytes(path.read_bytes()[:-100])
    assert reasons(tmp_path) == [
        (
            GeometryCode.UNDECODABLE,
            "1 file cannot be decoded: it ends 100 bytes too early; copy or export the series again",
        )
    ]


def test_truncated_compressed_pixels_refuse_the_series(tmp_path: Path) -> None:
    for path in write_series(tmp_path):
        data_set = pydicom.dcmread(path)
        data_set.compress(RLELossless)
        data_set.save_as(path)
    path.write_bytes(path.read_bytes()[:-100])
    assert [code for code, _ in reasons(tmp_path)] == [GeometryCode.UNDECODABLE]


def test_damage_inside_a_codestream_is_found_by_inspection(tmp_path: Path) -> None:
    for path in write_series(tmp_path):
        data_set = pydicom.dcmread(path)
        data_set.compress(RLELossless)
        data_set.save_as(path)
    raw = bytearray(path.read_bytes())
    item = b"\xfe\xff\x00\xe0"
    offset = raw.index(item, raw.index(item) + 4) + 8
    raw[offset : offset + 64] = b"\xff" * 64
    path.write_bytes(raw)
    ((code, message),) = reasons(tmp_path)
    assert code is GeometryCode.UNDECODABLE
    assert message.startswith("slice 8 cannot be decoded")
    with pytest.raises(GeometryError, match="slice 8 cannot be decoded"):
        read_volume(tmp_path)


def test_a_lying_header_costs_no_memory(tmp_path: Path) -> None:
    for path in write_series(tmp_path):
        data_set = pydicom.dcmread(path)
        data_set.Rows = data_set.Columns = 60000
        data_set.save_as(path)
    ((code, message),) = reasons(tmp_path)
    assert code is GeometryCode.UNDECODABLE
    assert "its header claims 60000 x 60000 pixels" in message


def test_a_lying_number_of_frames_costs_no_time(tmp_path: Path) -> None:
    for path in write_series(tmp_path):
        data_set = pydicom.dcmread(path)
        data_set.NumberOfFrames = 2_000_000
        data_set.save_as(path)
    said = dict(reasons(tmp_path))
    assert "its header claims more than 20000 frames" in said[GeometryCode.UNDECODABLE]
    assert said[GeometryCode.DUPLICATE_POSITION].startswith(
        "slices 1 and 2 lie at the same position, and so in 7 further places"
    )


def test_a_codestream_of_another_size_is_not_decoded() -> None:
    j2k = b"\xff\x4f\xff\x51\x00\x2f\x00\x00" + struct.pack(">IIII", 60000, 50000, 0, 0)
    jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc3\x00\x0b\x10" + struct.pack(">HH", 40000, 30000) + bytes(8)
    assert codestream_size(j2k) == (50000, 60000)
    assert codestream_size(jpeg) == (40000, 30000)
    assert codestream_size(b"\xff\xd8garbage") is None


def test_a_deflated_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_INFLATED_BYTES", 2**20)
    path = write_series(tmp_path)[0]
    data_set = pydicom.dcmread(path)
    data_set.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, data_set, implicit_vr=False, little_endian=True)
    raw = buffer.getvalue()
    head = raw[: 144 + int.from_bytes(raw[140:144], "little")]
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    path.write_bytes(head + deflater.compress(bytes(2**26)) + deflater.flush())
    messages = [message for _, message in reasons(tmp_path)]
    assert any("its deflated data set is larger than 1 MiB" in message for message in messages)


def zipped(path: Path, name: str, data: bytes = b"x", mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, data)
    return path


@pytest.mark.parametrize("is_deflated", [False, True])
def test_a_header_of_endless_empty_items_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_deflated: bool
) -> None:
    """They cost a parser a thousand times what they cost to store."""
    write_series(tmp_path)
    path = sorted(tmp_path.glob("*.dcm"))[0]
    item, end = struct.pack("<HHI", 0xFFFE, 0xE000, 0), struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    data_set = pydicom.dcmread(path)
    data_set.remove_private_tags()
    head, pixels = io.BytesIO(), data_set.PixelData
    del data_set.PixelData
    assert pixels
    data_set.save_as(head)
    endless = struct.pack("<HH2sHI", 0x6FFE, 0x0010, b"SQ", 0, 0xFFFFFFFF) + item * 5_000 + end
    plain = head.getvalue()
    if is_deflated:
        end_of_meta = 132 + 12 + int.from_bytes(plain[140:144], "little")
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = packer.compress(plain[end_of_meta:] + endless) + packer.flush()
        data_set.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        meta = io.BytesIO()
        pydicom.dcmwrite(meta, data_set)
        end_of_meta = 132 + 12 + int.from_bytes(meta.getvalue()[140:144], "little")
        path.write_bytes(meta.getvalue()[:end_of_meta] + packed)
    else:
        path.write_bytes(plain + endless)
    assert not any("cannot be parsed" in message for _, message in reasons(tmp_path))  # a few are but odd
    monkeypatch.setattr(limits, "MAX_READS_OF_A_FILE", 5_000)
    ((code, message),) = reasons(tmp_path)
    assert code is GeometryCode.UNDECODABLE
    assert message.startswith("1 file cannot be read: its header cannot be parsed")


@pytest.mark.parametrize("name", ["../evil.dcm", "/etc/evil", "a/../../b", "..\\evil", "C:\\evil"])
def test_a_zip_that_leaves_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="zip archive: a member's path leaves the archive"):
        read_volume(zipped(tmp_path / "a.zip", name))


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="zip archive: it holds a symbolic link"):
        read_volume(zipped(tmp_path / "a.zip", "link", b"/etc/passwd", stat.S_IFLNK | 0o777))


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    with pytest.raises(LimitExceededError, match=r"zip archive: 0\.\d MiB would unpack to 96 MiB"):
        read_volume(zipped(tmp_path / "a.zip", "bomb", bytes(96 * 2**20)))


def test_a_zip_that_lies_about_its_size_is_stopped(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", "image.dcm", bytes(2**20))
    raw = path.read_bytes()
    path.write_bytes(raw.replace(struct.pack("<L", 2**20), struct.pack("<L", 100)))
    with pytest.raises(InputError, match="zip archive: it is damaged and cannot be unpacked"):
        read_volume(path)


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(InputError, match="zip archive: it is damaged"):
        read_volume(path)


def test_a_dicomdir_that_points_elsewhere_is_refused(tmp_path: Path) -> None:
    record = pydicom.Dataset()
    record.DirectoryRecordType = "IMAGE"
    record.ReferencedFileID = ["..", "SECRET"]
    data_set = pydicom.Dataset()
    data_set.DirectoryRecordSequence = [record]
    data_set.file_meta = pydicom.dataset.FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    data_set.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    data_set.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    pydicom.dcmwrite(tmp_path / "DICOMDIR", data_set, enforce_file_format=True)
    with pytest.raises(InputError, match="DICOMDIR: it refers to files outside its folder"):
        read_volume(tmp_path / "DICOMDIR")


def test_a_gzip_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    monkeypatch.setattr(limits, "MAX_UNPACKED_FILE_BYTES", 2**20)
    (tmp_path / "a.dcm").write_bytes(gzip.compress(bytes(2**22)))
    ((code, message),) = reasons(tmp_path)
    assert code is GeometryCode.UNDECODABLE
    assert "it unpacks to more than 1 MiB" in message


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_never_crash_and_never_speak_of_the_patient(tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / "fuzz"
    paths = sorted(folder.glob("*.dcm")) or write_series(folder)
    victim = paths[data.draw(st.integers(0, 7))]
    original = victim.read_bytes()
    raw = bytearray(original)
    for position in data.draw(st.lists(st.integers(0, 1200), min_size=1, max_size=4)):
        raw[position] = data.draw(st.integers(0, 255))
    victim.write_bytes(raw[: data.draw(st.integers(1, len(raw)))] if data.draw(st.booleans()) else raw)
    try:
        said = [reason.message for report in inspect_path(folder) for reason in report.reasons]
        said += [str(report.why_not_chosen) for report in inspect_path(folder)]
        try:
            assert np.isfinite(read_volume(folder).hu).all()
        except DiagnosisError as error:
            said.append(str(error))
        assert not [word for word in IDENTIFIERS for sentence in said if word in sentence]
    finally:
        victim.write_bytes(original)


def test_every_file_that_pydicom_ships_gets_a_verdict() -> None:
    """197 files of many kinds, honest, odd and damaged; a single one is never a volume."""
    root = Path(pydicom.__file__).parent / "data"
    files = [p for p in root.rglob("*") if p.is_file() and p.suffix not in {".py", ".pyc", ".json", ".txt", ".md"}]
    assert len(files) > 150
    n_not_dicom = 0
    for path in files:
        try:
            reports = inspect_path(path)
        except InputError:
            n_not_dicom += 1
            continue
        is_directory = path.name.startswith("DICOMDIR")
        assert is_directory or all(report.verdict is Verdict.REFUSED for report in reports), path.name
        assert all(reason.message for report in reports for reason in report.reasons)
    assert n_not_dicom < 10
