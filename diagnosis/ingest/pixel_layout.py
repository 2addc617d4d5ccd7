"""What can be said of stored pixels without decoding them: whether they are all there, and can be decoded at all."""

import os
from functools import lru_cache
from pathlib import Path

from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    UID,
    AllTransferSyntaxes,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from diagnosis.ingest import limits
from diagnosis.ingest.dicom_header import PixelLayout

NATIVE = frozenset(map(str, (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)))
DEFLATED = str(DeflatedExplicitVRLittleEndian)
SEQUENCE_DELIMITER = b"\xfe\xff\xdd\xe0"


def frame_bytes(layout: PixelLayout) -> int:
    """Bytes of one uncompressed frame; YBR 4:2:2 keeps one color for two neighbors (PS3.3 C.7.6.3.1.2)."""
    is_shared = layout.samples == 3 and layout.photometric in {"YBR_FULL_422", "YBR_PARTIAL_422"}
    samples = 2 if is_shared else max(layout.samples, 1)
    return layout.rows * layout.columns * samples * layout.bits_allocated // 8


def layout_fault(layout: PixelLayout, path: Path) -> str | None:
    """Why these pixels cannot be decoded, in words without the file's name, or None."""
    largest = limits.MAX_ROWS_OR_COLUMNS
    if not layout.has_pixels:
        return "there are no pixels in it"
    if not 0 < layout.rows <= largest or not 0 < layout.columns <= largest:
        return f"its header claims {layout.rows} x {layout.columns} pixels; 1 to {largest} each way are read"
    if layout.n_frames > limits.MAX_FRAMES:
        return f"its header claims more than {limits.MAX_FRAMES} frames"
    if layout.bits_allocated not in {8, 16, 32} or not 0 < layout.bits_stored <= layout.bits_allocated:
        return f"pixels of {layout.bits_stored} in {layout.bits_allocated} bits are not CT"
    if not layout.bits_stored - 1 <= layout.high_bit < layout.bits_allocated:
        return "its header states an impossible high bit"
    return _storage_fault(layout, path)


def _storage_fault(layout: PixelLayout, path: Path) -> str | None:
    if layout.transfer_syntax == DEFLATED:
        return None
    if layout.transfer_syntax in NATIVE:
        return _native_fault(layout, path)
    if not _is_decodable(layout.transfer_syntax):
        return "its transfer syntax is not one that can be decoded here"
    return _encapsulated_fault(layout, path)


@lru_cache(maxsize=64)
def _is_decodable(transfer_syntax: str) -> bool:
    if transfer_syntax not in AllTransferSyntaxes:
        return False
    try:
        return get_decoder(UID(transfer_syntax)).is_available
    except NotImplementedError:
        return False


def _native_fault(layout: PixelLayout, path: Path) -> str | None:
    wanted = frame_bytes(layout) * layout.n_frames
    if layout.offset is None or layout.length is None:
        return "its pixels are neither compressed nor of a stated length"
    if layout.length < wanted:
        return f"its header promises {wanted} bytes of pixels and there are {layout.length}"
    if layout.length - wanted >= frame_bytes(layout) // layout.rows > 1:  # less than a row may be padding
        return f"its header promises {wanted} bytes of pixels and there are {layout.length}, so its size is wrong"
    there = path.stat().st_size - layout.offset
    return f"it ends {wanted - there} bytes too early" if there < wanted else None


def _encapsulated_fault(layout: PixelLayout, path: Path) -> str | None:
    """Walk the fragments: each must lie within the file, and a delimiter must end them (PS3.5 A.4)."""
    if layout.offset is None or layout.length is not None:
        return "its pixels are declared as compressed and are not stored so"
    size = path.stat().st_size
    n_items = 0
    with path.open("rb") as file:
        file.seek(layout.offset)
        while True:
            head = file.read(8)
            if head[:4] == SEQUENCE_DELIMITER:
                break
            if len(head) < 8 or head[:4] != b"\xfe\xff\x00\xe0":
                return "its compressed pixels are damaged or end too early"
            position = file.seek(int.from_bytes(head[4:], "little"), os.SEEK_CUR)
            if position > size:
                return "its compressed pixels end too early"
            n_items += 1
    return None if n_items > layout.n_frames else "there are fewer compressed frames in it than its header promises"
