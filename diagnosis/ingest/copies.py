"""Copies of one image: the same file exported twice, under two names or into two folders.

A SOP Instance UID names one image for ever (PS3.5 section 9), so files that share it and hold the same pixels at the
same place are copies of one another, whatever a system wrote into their other elements on the way; they are read once.
Files without a UID are copies only where every byte is the same. Nothing else is: images that share a UID and differ
contradict each other, and two images with UIDs of their own at one place may be two acquisitions. Both are left for the
geometry gate to refuse.
"""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path

from diagnosis.ingest.dicom_header import Instance, Unreadable

CHUNK_BYTES = 2**20


def without_copies(
    headers: Sequence[Instance | Unreadable],
) -> tuple[list[Instance | Unreadable], list[Instance]]:
    """The headers without those of copies, the first of each kept, and the copies; only look-alikes are read."""
    alike: dict[Hashable, list[Instance]] = defaultdict(list)
    for header in headers:
        if isinstance(header, Instance) and not header.is_directory:
            alike[_looks(header)].append(header)
    copies = [copy for group in alike.values() if len(group) > 1 for copy in _copies(group)]
    dropped = {id(copy) for copy in copies}
    return [header for header in headers if id(header) not in dropped], copies


def copies_words(n_copies: int) -> str:
    """What to tell of copies."""
    told = "1 file is a copy" if n_copies == 1 else f"{n_copies} files are copies"
    return f"{told} of other images of the series, the same to the pixel, and passed over"


def _looks(instance: Instance) -> Hashable:
    pixels = instance.pixels
    stored = (pixels.transfer_syntax, pixels.length, pixels.rows, pixels.columns, pixels.is_signed, pixels.bits_stored)
    return instance.sop_uid, instance.sop_class, instance.study_uid, instance.series_uid, instance.frames, stored


def _copies(group: Sequence[Instance]) -> list[Instance]:
    seen: set[bytes] = set()
    copies = []
    for instance in group:
        pixels = instance.pixels
        has_place = bool(instance.sop_uid) and pixels.offset is not None
        start, length = (pixels.offset or 0, pixels.length) if has_place else (0, None)
        digest = _digest(instance.path, start, length)
        if digest in seen:
            copies.append(instance)
        seen.add(digest)
    return copies


def _digest(path: Path, offset: int = 0, length: int | None = None) -> bytes:
    """Of so many bytes of a file, or of all that follow; a file cut short differs from a whole one."""
    digest = hashlib.sha256()
    left = path.stat().st_size - offset if length is None else length
    with path.open("rb") as file:
        file.seek(offset)
        while left > 0 and (chunk := file.read(min(left, CHUNK_BYTES))):
            digest.update(chunk)
            left -= len(chunk)
    digest.update(left.to_bytes(8, "big", signed=True))
    return digest.digest()
