"""Inputs to begin with, one small honest file of each kind, and the ways to damage them."""

import gzip
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

INTERESTING = (b"\0", b"\xff", b"\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"-1")
NUMBERS = (
    b"0",
    b"-1",
    b"1e309",
    b"NaN",
    b"Infinity",
    b"99999999999999999999",
    b"60000",
    b"1e-320",
    b"null",
    b"[]",
    b"{}",
)
CANDIDATES = Path(__file__).resolve().parents[2] / "models" / "lung_candidates"
NOTE = (
    "CHEST CT 2024-03-05\nPatient: Jane Q. Doe, MRN 00123456, phone (555) 123-4567.\nHISTORY: 92-year-old woman.\n"
    "FINDINGS: An 8 mm spiculated nodule in the right upper lobe. No effusion.\nIMPRESSION: Suspicious nodule.\n"
)


def dicom_slice(index: int = 0) -> pydicom.FileDataset:
    """A slice of 40 x 32 pixels, a part of a series of three."""
    from dicom_factory import make_slice

    data_set = make_slice((-10.0, -20.0, 2.5 * index), series_uid="1.2.9", index=index)
    data_set.add_new(0x00091010, "LO", "private")
    item = pydicom.Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "1", "99X", "Dr. Planted"
    data_set.ProcedureCodeSequence = [item]
    return data_set


def dicom_bytes(data_set: pydicom.FileDataset) -> bytes:
    buffer = io.BytesIO()
    data_set.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@cache
def dicom_seeds() -> tuple[bytes, ...]:
    seeds = [dicom_bytes(dicom_slice())]
    for syntax in (RLELossless, JPEG2000Lossless, JPEGLSLossless):
        data_set = dicom_slice()
        data_set.compress(syntax)
        seeds.append(dicom_bytes(data_set))
    for syntax in (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian):
        data_set = dicom_slice()
        buffer = io.BytesIO()
        data_set.file_meta.TransferSyntaxUID = syntax
        is_little = syntax != ExplicitVRBigEndian
        if not is_little:
            data_set.PixelData = np.frombuffer(data_set.PixelData, "<u2").astype(">u2").tobytes()
        pydicom.dcmwrite(buffer, data_set, enforce_file_format=True)
        seeds.append(buffer.getvalue())
    return (*seeds, dicom_bytes(_enhanced()), dicom_bytes(_ultrasound()), seeds[0][132:])


def _enhanced() -> pydicom.FileDataset:
    data_set = dicom_slice()
    data_set.SOPClassUID = data_set.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    frames = []
    for index in range(3):
        group, place = pydicom.Dataset(), pydicom.Dataset()
        place.ImagePositionPatient = [0.0, 0.0, 2.5 * index]
        group.PlanePositionSequence = [place]
        frames.append(group)
    shared, measures, turn = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    measures.PixelSpacing, turn.ImageOrientationPatient = [0.8, 0.8], [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [turn]
    data_set.NumberOfFrames = 3
    data_set.PixelData = data_set.PixelData * 3
    data_set.PerFrameFunctionalGroupsSequence, data_set.SharedFunctionalGroupsSequence = frames, [shared]
    return data_set


def _ultrasound() -> pydicom.FileDataset:
    data_set = dicom_slice()
    data_set.SOPClassUID = data_set.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
    data_set.Modality = "US"
    region = pydicom.Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 4, 6
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 15, 20
    data_set.SequenceOfUltrasoundRegions = [region]
    return data_set


@cache
def zip_seeds() -> tuple[bytes, ...]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(3):
            archive.writestr(f"study/{index}.dcm", dicom_bytes(dicom_slice(index)))
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.dcm", bytes(2**20))
    return buffer.getvalue(), bomb.getvalue(), gzip.compress(dicom_bytes(dicom_slice()))


@cache
def nifti_seeds() -> tuple[bytes, ...]:
    import nibabel

    hu = np.linspace(-1024, 1200, 960).reshape(12, 10, 8)
    raw = nibabel.Nifti1Image(hu.astype(np.int16), np.diag([-0.8, -0.8, 2.5, 1.0])).to_bytes()
    return raw, gzip.compress(raw), nibabel.Nifti2Image(hu.astype(np.float32), np.eye(4)).to_bytes()


@cache
def note_seeds() -> tuple[bytes, ...]:
    stated = json.dumps({"text": NOTE, "authored_at": "2024-05-01T10:00:00Z"})
    return NOTE.encode(), NOTE.encode("utf-16"), NOTE.encode("cp1252"), stated.encode()


@cache
def pdf_seeds() -> tuple[bytes, ...]:
    from reportlab.pdfgen.canvas import Canvas

    seeds = []
    for compression in (0, 1):
        buffer = io.BytesIO()
        page = Canvas(buffer, pageCompression=compression)
        for number, line in enumerate(NOTE.splitlines()):
            page.drawString(40, 800 - 14 * number, line)
        page.showPage()
        page.save()
        seeds.append(buffer.getvalue())
    return tuple(seeds)


@cache
def audio_seeds() -> tuple[bytes, ...]:
    import soundfile

    samples = (0.3 * np.sin(np.arange(4000) / 20)).astype(np.float32)
    seeds = []
    for kind, subtype in (("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", None), ("OGG", "VORBIS"), ("MP3", None)):
        buffer = io.BytesIO()
        soundfile.write(buffer, samples, 16000, format=kind, subtype=subtype)
        seeds.append(buffer.getvalue())
    return tuple(seeds)


@cache
def case_json_seeds() -> tuple[bytes, ...]:
    case = {"case_id": "c-1", "age_years": 67, "sex": "F", "region": {"center_mm": [1.0, 2.0, 3.0], "diameter_mm": 9}}
    return (json.dumps(case).encode(),)


@cache
def manifest_seeds() -> tuple[bytes, ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    head = (
        "case_id,patient_id,note_text,center_x_mm,center_y_mm,center_z_mm,diameter_mm,age_years,sex,split,malignancy\n"
    )
    rows = 'c1,p1,A nodule.,1,2,3,8,67,F,train,1\nc2,p2,"Quoted, text",,,,,,,test,\n'
    table = pa.table({"case_id": ["c1"], "patient_id": ["p1"], "note_text": ["A nodule."], "malignancy": [1]})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return (head + rows).encode(), sink.getvalue()


@cache
def metadata_seeds() -> tuple[bytes, ...]:
    shipped = Path(__file__).resolve().parents[2] / "models" / "lung_nodule" / "configs" / "metadata.json"
    return (shipped.read_bytes(),)


@cache
def pacs_seeds() -> tuple[bytes, ...]:
    whole = """\
dicomweb: {url: https://pacs.example/dicom-web, username: diagnosis}
dimse: {host: pacs.example, port: 11112, ae_title: ARCHIVE, retrieve: move, use_tls: true}
local:
  ae_title: DIAGNOSIS
  address: 127.0.0.1
  port: 11113
  callers:
    - {ae_title: ARCHIVE, address: 10.1.2.3}
timeouts: {connect_s: 10, response_s: 60, total_s: 3600}
retries: {attempts: 4, longest_wait_s: 20}
completeness: {settle_s: 5, quiet_s: 60, give_up_s: 600}
limits: {images_per_study: 20000, gib_per_study: 16}
"""
    return whole.encode(), b"dimse: {host: localhost, port: 104, ae_title: A}\n", b"{}"


@cache
def regions_seeds() -> tuple[bytes, ...]:
    head = "study_uid,center_x_mm,center_y_mm,center_z_mm,diameter_mm\n"
    return f"{head}1.2.3,1,2,3,8\n1.2.4,-1.5,2e1,3,\n".encode(), f"\ufeff{head}".encode()


@cache
def tree_regions_seeds() -> tuple[bytes, ...]:
    head = "path,center_x_mm,center_y_mm,center_z_mm,diameter_mm,case_id,note_text\n"
    return (f'{head}a/b,1,2,3,8,c1,"A nodule, solid"\na/c,,,,,,\n'.encode(),)


@cache
def bundle_seeds() -> tuple[bytes, ...]:
    """The small JSON files of a bundle beside its metadata."""
    shipped = Path(__file__).resolve().parents[2] / "models" / "lung_nodule"
    return tuple(
        (shipped / name).read_bytes()
        for name in ("checksums.json", "models/calibration.json", "models/familiarity.json")
    )


@cache
def weights_seeds() -> tuple[bytes, ...]:
    from diagnosis.candidates.ranking import WEIGHTS

    return ((CANDIDATES / WEIGHTS).read_bytes(),)


@cache
def upload_seeds() -> tuple[bytes, ...]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("case/case.json", case_json_seeds()[0])
        archive.writestr("case/note.txt", NOTE)
        for index in range(3):
            archive.writestr(f"case/ct/{index}.dcm", dicom_bytes(dicom_slice(index)))
    return buffer.getvalue(), zip_seeds()[0]


@cache
def hostile_dicom() -> tuple[bytes, ...]:
    """Headers that promise what is not there."""
    lying = []
    for keyword, value in (
        ("Rows", 60000),
        ("BitsAllocated", 64),
        ("NumberOfFrames", 10**9),
        ("SamplesPerPixel", 60000),
    ):
        data_set = dicom_slice()
        setattr(data_set, keyword, value)
        if keyword == "Rows":
            data_set.Columns = value
        lying.append(dicom_bytes(data_set))
    data_set = dicom_slice()
    data_set.compress(JPEG2000Lossless)
    data_set.Rows = data_set.Columns = 60000
    return (*lying, dicom_bytes(data_set))


@cache
def deflated_bomb() -> tuple[bytes, ...]:
    """A deflated data set of more zeros than are inflated."""
    from diagnosis.ingest.limits import MAX_INFLATED_BYTES

    deflated = next(s for s in dicom_seeds() if str(DeflatedExplicitVRLittleEndian).encode() in s)
    head = deflated[: _end_of_meta(deflated)]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    chunk = bytes(2**22)
    zeros = b"".join(packer.compress(chunk) for _ in range(MAX_INFLATED_BYTES // len(chunk) + 20)) + packer.flush()
    return (head + zeros,)


def _end_of_meta(data: bytes) -> int:
    """File meta information begins with the length of what follows its first element."""
    return 132 + 12 + int.from_bytes(data[140:144], "little")


@cache
def hostile_zip() -> tuple[bytes, ...]:
    """Bombs, links, and names that leave the folder."""
    made = []
    for name in ("../../etc/evil.dcm", "/etc/evil.dcm", "..\\evil.dcm", "C:\\evil.dcm", "a/../../evil"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(zipfile.ZipInfo(name), dicom_bytes(dicom_slice()))
        made.append(buffer.getvalue())
    link = zipfile.ZipInfo("study/link.dcm")
    link.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    made.append(buffer.getvalue())
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.dcm", "w") as member:
        for _ in range(160):
            member.write(bytes(2**20))
    lying = bomb.getvalue().replace((160 * 2**20).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    return (*made, bomb.getvalue(), lying)


@cache
def hostile_json() -> tuple[bytes, ...]:
    """Deep nesting, long numbers, surrogates, repeated keys."""
    return (
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"case_id": ' + b"9" * 10_000 + b"}",
        b'{"case_id": "\\ud800", "age_years": 1e999}',
        b'{"text": "a", "text": "b", "authored_at": "9999-99-99T99:99:99Z"}',
        b'{"text": "\\u0000"}',
    )


@cache
def hostile_yaml() -> tuple[bytes, ...]:
    """Entities that multiply, tags that construct, nesting, timestamps that are none."""
    laughs = b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n".encode() for i in range(1, 10)
    )
    return (
        laughs,
        laughs + b"dimse: *a9\n",
        b"dimse: !!python/object/apply:os.system ['touch evil']\n",
        b"[" * 20_000,
        b"{a: " * 5_000,
        b"timeouts: {connect_s: 2024-99-99}\n",
        b"&a [*a]",
        b"dimse: &a {host: *a}",
        b"local: {port: " + b"9" * 6_000 + b"}",
        b"local: {port: 0b2}",
        b"? {a: b}\n: c\n",
        b"1: {}\n",
    )


def mutated(seed: bytes, others: tuple[bytes, ...], random_: random.Random) -> bytes:
    """The seed after one to six kinds of damage."""
    data = bytearray(seed)
    for _ in range(random_.choice((1, 1, 1, 2, 3, 6))):
        random_.choice(_WAYS)(data, others, random_)
    return bytes(data[: 2**20])


def _flip(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    for _n in range(random_.choice((1, 1, 2, 8))):
        if data:
            data[random_.randrange(len(data))] ^= 1 << random_.randrange(8)


def _overwrite(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    token = random_.choice((*INTERESTING, *NUMBERS, struct.pack("<I", random_.getrandbits(32))))
    place = random_.randrange(len(data) + 1)
    data[place : place + len(token)] = token


def _header_overwrite(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    """Most of what a parser trusts stands at the beginning."""
    place = random_.randrange(min(len(data), 600) + 1)
    data[place : place + 1] = bytes([random_.choice((0, 1, 0x7F, 0x80, 0xFF, random_.randrange(256)))])


def _number(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    places = [i for i in range(min(len(data), 4000)) if 0x30 <= data[i] <= 0x39]
    if places:
        place = random_.choice(places)
        data[place : place + random_.randrange(1, 4)] = random_.choice(NUMBERS)


def _cut(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    del data[random_.randrange(len(data) + 1) :]


def _remove(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    place = random_.randrange(len(data) + 1)
    del data[place : place + random_.choice((1, 2, 4, 16, 200))]


def _repeat(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    place, length = random_.randrange(len(data) + 1), random_.choice((1, 4, 32, 400))
    data[place:place] = data[place : place + length] * random_.choice((1, 2, 50))


def _splice(data: bytearray, others: tuple[bytes, ...], random_: random.Random) -> None:
    other = random_.choice(others)
    place, start = random_.randrange(len(data) + 1), random_.randrange(len(other) + 1)
    data[place : place + 64] = other[start : start + random_.choice((8, 64, 512))]


def _noise(data: bytearray, _: tuple[bytes, ...], random_: random.Random) -> None:
    place = random_.randrange(len(data) + 1)
    data[place : place + 16] = random_.randbytes(random_.choice((1, 4, 16, 128)))


_WAYS: tuple[Callable[[bytearray, tuple[bytes, ...], random.Random], None], ...] = (
    _flip, _flip, _overwrite, _header_overwrite, _header_overwrite, _number, _cut, _remove, _repeat, _splice, _noise,
)  # fmt: skip
