"""The image size that a compressed frame states itself, read before any codec sees it.

A codec allocates what the codestream claims; a header of 512 x 512 around a codestream of 60,000 x 60,000 is an attack
or damage, and either way to be refused first.
"""

import struct

START_OF_FRAME = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
"""JPEG's frame headers (ITU-T T.81, table B.1) and that of JPEG-LS (T.87); C4, C8 and CC are tables."""
WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
J2K_START = b"\xff\x4f\xff\x51"


def codestream_size(frame: bytes) -> tuple[int, int] | None:
    """Rows and columns that a JPEG, JPEG-LS or JPEG 2000 frame states, or None where it states none."""
    try:
        return _jpeg_size(frame) if frame[:2] == b"\xff\xd8" else _j2k_size(frame)
    except (struct.error, IndexError):
        return None


def _j2k_size(frame: bytes) -> tuple[int, int] | None:
    """SIZ marker of ITU-T T.800, A.5.1; the codestream may lie in a JP2 box."""
    start = frame.find(J2K_START, 0, 4096)
    if start < 0:
        return None
    right, bottom, left, top = struct.unpack_from(">IIII", frame, start + 8)
    return bottom - top, right - left


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    position = 2
    while position < len(frame):
        if frame[position] != 0xFF:
            return None
        marker = frame[position + 1]
        position += 2
        if marker == 0xFF:
            position -= 1
        elif marker in START_OF_FRAME:
            rows, columns = struct.unpack_from(">HH", frame, position + 3)
            return int(rows), int(columns)
        elif marker not in WITHOUT_LENGTH:
            (length,) = struct.unpack_from(">H", frame, position)
            position += length
    return None
