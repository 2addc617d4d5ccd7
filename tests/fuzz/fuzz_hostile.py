"""Inputs made to harm: headers that lie, bombs, links, names that leave the folder, nesting without end."""

import io
import zipfile
import zlib
from functools import cache

from fuzz_seeds import dicom_bytes, dicom_seeds, dicom_slice
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
)


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
