"""The few elements of a DICOM data set that matter here, as raw bytes with typed access, and where the pixels begin.

Plain headers (little endian, no sequence of undefined length before the pixels) are walked directly, because
`pydicom.dcmread` takes a millisecond a file, which for 300 slices is more than the pixels cost. Everything else, and
everything that looks odd, is given to pydicom. A test compares both on every real file at hand.
"""

import io
import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import BinaryIO, final

import pydicom
from pydicom import config
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_dataset, read_partial
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from diagnosis.errors import LimitExceededError
from diagnosis.ingest import limits

PARSE_FAILURES = (
    BytesLengthException,
    InvalidDicomError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What pydicom and its codecs raise on damaged files; anything else is a mistake of ours and is let through."""

_NAMES = (
    "SpecificCharacterSet ImageType SOPClassUID SOPInstanceUID Modality PatientID AccessionNumber PatientAge "
    "PatientSex StudyInstanceUID SeriesInstanceUID SeriesNumber SeriesDescription FrameOfReferenceUID "
    "AcquisitionNumber SliceThickness ConvolutionKernel Rows Columns NumberOfFrames SamplesPerPixel "
    "PhotometricInterpretation BitsAllocated BitsStored HighBit PixelRepresentation PixelSpacing "
    "ImagePositionPatient ImageOrientationPatient RescaleSlope RescaleIntercept RescaleType ModalityLUTSequence "
    "PixelPaddingValue PixelPaddingRangeLimit LossyImageCompression SharedFunctionalGroupsSequence "
    "PerFrameFunctionalGroupsSequence DirectoryRecordSequence"
)
WANTED: tuple[str, ...] = tuple(_NAMES.split())
TAGS: dict[str, int] = {keyword: int(tag_for_keyword(keyword) or 0) for keyword in WANTED}
_WANTED_TAGS = frozenset(TAGS.values())
_SEQUENCES = frozenset(TAGS[keyword] for keyword in WANTED if keyword.endswith("Sequence"))

_WANTED_AS_TAGS: list[BaseTag | int] = [Tag(tag) for tag in _WANTED_TAGS]

PIXEL_DATA = 0x7FE00010
FLOAT_PIXELS = frozenset({0x7FE00008, 0x7FE00009})
UNDEFINED_LENGTH = 0xFFFFFFFF
HEAD_BYTES = 2**16
_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_SHORT_VRS = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FL", b"FD", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS"}
    | {b"ST", b"TM", b"UI", b"UL", b"US"}
)


@final
class _Quiet:
    """How pydicom was set before the first of several threads asked for silence."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._n_readers = 0
        self._undo = ExitStack()

    def enter(self) -> None:
        """Silence pydicom unless another thread already has."""
        with self._lock:
            self._n_readers += 1
            if self._n_readers > 1:
                return
            self._undo.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module="pydicom")
            self._undo.callback(setattr, config.logger, "disabled", config.logger.disabled)
            before = config.settings.reading_validation_mode
            self._undo.callback(setattr, config.settings, "reading_validation_mode", before)
            config.logger.disabled = True
            config.settings.reading_validation_mode = config.IGNORE

    def leave(self) -> None:
        """Undo it when the last thread is done."""
        with self._lock:
            self._n_readers -= 1
            if self._n_readers == 0:
                self._undo.close()


_quiet = _Quiet()


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Silence pydicom while files are read: its warnings quote values and file names, which may identify a patient."""
    _quiet.enter()
    try:
        yield
    finally:
        _quiet.leave()


@final
@dataclass(frozen=True)
class Elements:
    """Raw elements of one file.

    Attributes:
        values: bytes of each wanted element that is there; empty for a sequence.
        transfer_syntax: its UID; guessed where the file states none.
        is_little_endian: byte order of the data set.
        pixel_offset: where the value of Pixel Data begins in the file, or None where there is none or it is deflated.
        pixel_length: its length in bytes, or None where it is encapsulated.
        has_pixels: whether there is Pixel Data at all.
    """

    values: dict[int, bytes]
    transfer_syntax: str
    is_little_endian: bool = True
    pixel_offset: int | None = None
    pixel_length: int | None = None
    has_pixels: bool = False
    _charset: list[str] = field(default_factory=list)

    def has(self, keyword: str) -> bool:
        """Whether the element is there with a value."""
        tag = TAGS[keyword]
        return tag in self.values and (tag in _SEQUENCES or bool(self.values[tag]))

    def code(self, keyword: str) -> str:
        """An identifier or code, without padding; empty where it is missing."""
        return self.values.get(TAGS[keyword], b"").decode("latin-1").strip(" \0")

    def text(self, keyword: str) -> str:
        """Free text in the file's character set."""
        raw = self.values.get(TAGS[keyword], b"")
        charset = self.code("SpecificCharacterSet")
        if not charset or raw.isascii():
            return raw.decode("latin-1").strip(" \0")
        return decode_bytes(raw, convert_encodings(charset.split("\\")), {0xD, 0xA, 0x9, 0xC}).strip(" \0")

    def numbers(self, keyword: str, count: int) -> tuple[float, ...] | None:
        """A decimal string of so many finite values, or None."""
        try:
            found = tuple(float(part) for part in self.code(keyword).split("\\"))
        except ValueError:
            return None
        return found if len(found) == count and all(math.isfinite(v) for v in found) else None

    def number(self, keyword: str) -> float | None:
        """A decimal string of one finite value, or None."""
        found = self.numbers(keyword, 1)
        return found[0] if found else None

    def unsigned(self, keyword: str) -> int | None:
        """An unsigned 16-bit value, or None."""
        raw = self.values.get(TAGS[keyword], b"")
        return int.from_bytes(raw[:2], "little" if self.is_little_endian else "big") if len(raw) >= 2 else None


def scan_elements(path: Path) -> Elements | None:
    """The wanted elements of a DICOM file; None where the file does not look like DICOM.

    Raises:
        LimitExceededError: the file, or its deflated data set, is larger than the limits.
        One of PARSE_FAILURES: the file is damaged.
    """
    limits.check_file_size(path, limits.MAX_FILE_BYTES, "DICOM file")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if not _looks_like_dicom(head):
            return None
        quick = _walk(head)
        if quick is not None:
            return quick
        if str(DeflatedExplicitVRLittleEndian).encode() in head[:1024]:
            return _scan_deflated(_inflated(file, head))
        file.seek(0)
        return _scan_with_pydicom(file, has_preamble=head[128:132] == b"DICM")


def _looks_like_dicom(head: bytes) -> bool:
    """A preamble, or a bare data set that begins with group 0002 or 0008 and a plausible first element."""
    if head[128:132] == b"DICM":
        return True
    if len(head) < 16 or head[:2] not in {b"\x02\x00", b"\x08\x00"} or head[3] != 0 or head[2] > 0x20:
        return False
    is_explicit = head[4:6].isalpha() and head[4:6].isupper()
    return is_explicit or int.from_bytes(head[4:8], "little") < 0x1000


def _walk(head: bytes) -> Elements | None:
    """Walk a plain header; None wherever it is not plain."""
    if head[128:132] != b"DICM":
        return None
    try:
        position, syntax = _walk_meta(head)
        if syntax in {"", str(DeflatedExplicitVRLittleEndian), "1.2.840.10008.1.2.2"}:
            return None
        return _walk_data_set(head, position, syntax)
    except struct.error:  # not plain, or longer than what was read
        return None


def _walk_meta(head: bytes) -> tuple[int, str]:
    position, syntax = 132, ""
    while True:
        group, element = struct.unpack_from("<HH", head, position)
        if group != 2:
            return position, syntax
        is_long = head[position + 4 : position + 6] in _LONG_VRS
        start = position + (12 if is_long else 8)
        (length,) = struct.unpack_from("<I" if is_long else "<H", head, start - (4 if is_long else 2))
        if element == 0x0010:
            syntax = head[start : start + length].decode("latin-1").strip(" \0")
        position = start + length


def _walk_data_set(head: bytes, position: int, syntax: str) -> Elements | None:
    is_implicit = syntax == str(ImplicitVRLittleEndian)
    values: dict[int, bytes] = {}
    previous = 0
    while True:
        tag, start, length = _element_at(head, position, is_implicit=is_implicit)
        if tag <= previous:
            return None
        previous = tag
        if tag == PIXEL_DATA:
            known = None if length == UNDEFINED_LENGTH else length
            return Elements(values, syntax, pixel_offset=start, pixel_length=known, has_pixels=True)
        if length == UNDEFINED_LENGTH:
            position = _after_sequence(head, start, is_implicit=is_implicit)
            raw = b""
        else:
            position = start + length
            raw = head[start:position]
        if position > len(head):
            return None
        if tag in _WANTED_TAGS:
            values[tag] = raw


def _element_at(head: bytes, position: int, *, is_implicit: bool) -> tuple[int, int, int]:
    """Tag, where the value starts, and its length; struct.error where the header is not plain."""
    group, element, length = struct.unpack_from("<HHI", head, position)
    start = position + 8
    if not is_implicit and group != 0xFFFE:
        vr = head[position + 4 : position + 6]
        if vr in _LONG_VRS:
            (length,) = struct.unpack_from("<I", head, position + 8)
            start += 4
        elif vr in _SHORT_VRS:
            length >>= 16
        else:
            msg = "not a value representation"
            raise struct.error(msg)
    return group << 16 | element, start, length


def _after_sequence(head: bytes, position: int, *, is_implicit: bool) -> int:
    """Where the element after a sequence of undefined length begins."""
    depth = 1
    while depth:
        tag, start, length = _element_at(head, position, is_implicit=is_implicit)
        if tag in {0xFFFEE00D, 0xFFFEE0DD}:
            depth, position = depth - 1, start
        elif length == UNDEFINED_LENGTH:
            depth, position = depth + 1, start
        else:
            position = start + length
    return position


def _scan_with_pydicom(file: BinaryIO, *, has_preamble: bool) -> Elements:
    found: list[tuple[int, str | None, int]] = []

    def at_pixels(tag: int, vr: str | None, length: int) -> bool:
        if tag == PIXEL_DATA or tag in FLOAT_PIXELS:
            found.append((int(tag), vr, length))
            return True
        return False

    with quiet_pydicom():
        data_set = read_partial(
            limits.MeteredFile(file),  # type: ignore[arg-type]
            stop_when=at_pixels,
            force=not has_preamble,
            specific_tags=_WANTED_AS_TAGS,
        )
        values = _raw_values(data_set)
        syntax = str(data_set.file_meta.get("TransferSyntaxUID", "")).strip(" \0")
    is_implicit, is_little = data_set.original_encoding
    syntax = syntax or str(ImplicitVRLittleEndian if is_implicit else ExplicitVRLittleEndian)
    offset = length = None
    if found and found[0][0] == PIXEL_DATA:
        _, vr, length = found[0]
        # By the element itself, not by the transfer syntax, for some writers name the wrong one; implicit has no VR.
        offset = file.tell() + (12 if vr is not None and vr.encode() in _LONG_VRS else 8)
        length = None if length == UNDEFINED_LENGTH else length
    has_pixels = bool(found) and found[0][0] == PIXEL_DATA
    return Elements(values, syntax, is_little is not False, offset, length, has_pixels)


def _scan_deflated(inflated: bytes) -> Elements:
    """Read to its end, pixels and what follows them included: who wants the pixels has to do the same."""
    found: set[int] = set()

    def at_pixels(tag: int, _vr: str | None, _length: int) -> bool:
        found.update({int(tag)} & {PIXEL_DATA, *FLOAT_PIXELS})
        return False

    with quiet_pydicom():
        data_set = read_dataset(
            limits.MeteredFile(io.BytesIO(inflated)),  # type: ignore[arg-type]
            is_implicit_VR=False,
            is_little_endian=True,
            stop_when=at_pixels,
            specific_tags=_WANTED_AS_TAGS,
        )
        values = _raw_values(data_set)
    return Elements(values, str(DeflatedExplicitVRLittleEndian), has_pixels=found == {PIXEL_DATA})


def _raw_values(data_set: pydicom.Dataset) -> dict[int, bytes]:
    return {int(tag): _raw_bytes(data_set.get_item(tag)) for tag in data_set.keys()}  # noqa: SIM118 - not a dict


def _raw_bytes(element: object) -> bytes:
    if isinstance(element, RawDataElement):
        return element.value or b""
    value = getattr(element, "value", b"")  # already converted: a sequence, or the character set
    return value.encode("latin-1", "replace") if isinstance(value, str) else b""


def _inflated(file: BinaryIO, head: bytes) -> bytes:
    """The data set of a deflated file, inflated with a limit, which pydicom does not have."""
    position, _ = _walk_meta(head)
    file.seek(position)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    pieces, total = [], 0
    pending = file.read(HEAD_BYTES)
    while pending and not inflater.eof:
        pieces.append(inflater.decompress(pending, 2**22))
        total += len(pieces[-1])
        pending = inflater.unconsumed_tail or file.read(HEAD_BYTES)
        if total > limits.MAX_INFLATED_BYTES:
            msg = (
                f"DICOM file: its deflated data set is larger than {limits.MAX_INFLATED_BYTES / 2**20:.0f} MiB; "
                "no CT image is that large"
            )
            raise LimitExceededError(msg)
    return b"".join(pieces)
