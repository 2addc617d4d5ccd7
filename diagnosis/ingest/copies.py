"""Copies of one image: the same file exported twice, under two names or into two folders.

A SOP Instance UID names one image for ever (PS3.5 section 9), so files that share it and hold the same pixels at the
same place are copies of one another, whatever a system wrote into their other elements on the way; they are read once.
An archive may also have sent the image in another transfer syntax: then both are decoded and compared in HU. Files
without a UID are copies only where every byte is the same. Nothing else is: images that share a UID and differ
contradict each other, and two images with UIDs of their own at one place may be two acquisitions. Both are left for the
geometry gate to refuse.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

from diagnosis.errors import GeometryError
from diagnosis.ingest import limits
from diagnosis.ingest.dicom_header import Instance, Plane, Unreadable
from diagnosis.ingest.dicom_pixels import read_hu
from diagnosis.ingest.pixel_layout import layout_fault

CHUNK_BYTES = 2**20
FRAMES_AT_ONCE = 16


def without_copies(
    headers: Sequence[Instance | Unreadable],
) -> tuple[list[Instance | Unreadable], list[Instance]]:
    """The headers without those of copies, the first of each kept, and the copies; only look-alikes are read."""
    instances = [header for header in headers if isinstance(header, Instance) and not header.is_directory]
    copies = _copies_among(instances, _looks_as_stored, _digest_as_stored)
    dropped = {id(copy) for copy in copies}
    named = [instance for instance in instances if instance.sop_uid and id(instance) not in dropped]
    # Of two encodings the one that tells of a loss is kept, for the other would hide it.
    named.sort(key=lambda instance: not instance.is_lossy)
    copies += _copies_among(named, _looks, _digest_in_hu)
    dropped |= {id(copy) for copy in copies}
    return [header for header in headers if id(header) not in dropped], copies


def copies_words(n_copies: int) -> str:
    """What to tell of copies."""
    told = "1 file is a copy" if n_copies == 1 else f"{n_copies} files are copies"
    return f"{told} of other images of the series, the same to the pixel, and passed over"


def _looks(instance: Instance) -> Hashable:
    """What copies have in common in whatever way they are encoded."""
    size = instance.pixels.rows, instance.pixels.columns, instance.pixels.n_frames
    return instance.sop_uid, instance.sop_class, instance.study_uid, instance.series_uid, instance.frames, size


def _looks_as_stored(instance: Instance) -> Hashable:
    pixels = instance.pixels
    stored = (pixels.transfer_syntax, pixels.length, pixels.is_signed, pixels.bits_stored)
    return _looks(instance), stored


def _copies_among(
    instances: Sequence[Instance],
    looks: Callable[[Instance], Hashable],
    digest_of: Callable[[Instance], bytes | None],
) -> list[Instance]:
    """All but the first of those that look alike and have the same digest; None is like nothing else."""
    alike: dict[Hashable, list[Instance]] = defaultdict(list)
    for instance in instances:
        alike[looks(instance)].append(instance)
    copies = []
    for group in alike.values():
        seen: set[bytes] = set()
        for instance in group if len(group) > 1 else ():
            digest = digest_of(instance)
            if digest in seen:
                copies.append(instance)
            elif digest is not None:
                seen.add(digest)
    return copies


def _digest_as_stored(instance: Instance) -> bytes:
    pixels = instance.pixels
    has_place = bool(instance.sop_uid) and pixels.offset is not None
    start, length = (pixels.offset or 0, pixels.length) if has_place else (0, None)
    return _digest(instance.path, start, length)


def _digest_in_hu(instance: Instance) -> bytes | None:
    """Of the decoded image; None where it cannot be decoded, or cannot be in HU."""
    pixels = instance.pixels
    n_voxels = pixels.rows * pixels.columns * pixels.n_frames
    if n_voxels > limits.MAX_VOXELS or pixels.samples != 1 or layout_fault(pixels, instance.path) is not None:
        return None
    digest = hashlib.sha256()
    planes = [Plane(instance, frame) for frame in instance.frames]
    try:
        for start in range(0, len(planes), FRAMES_AT_ONCE):
            digest.update(read_hu(planes[start : start + FRAMES_AT_ONCE])[0].tobytes())
    except GeometryError:
        return None
    return digest.digest()


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
