"""Zip archives and single compressed files, unpacked to a scratch folder within limits.

No name from an archive ever becomes a path: members are written under numbers. An archive whose names try to leave its
folder, or that holds links, is refused all the same, for nobody exports a study in that way.
"""

import gzip
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from diagnosis.errors import InputError, LimitExceededError, OutputError, is_disk_full
from diagnosis.ingest import limits
from diagnosis.progress import OnProgress

ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP_MAGIC = b"PK\x05\x06"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
GZIP_MAGIC = b"\x1f\x8b"
DICOM_SUFFIXES = frozenset({".dcm", ".dicom", ".ima", ".img"})
CHUNK_BYTES = 2**20
ARCHIVE_FAILURES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


def is_zip(path: Path) -> bool:
    """Whether the file begins as a zip archive does."""
    with path.open("rb") as file:
        return file.read(4) in {ZIP_MAGIC, EMPTY_ZIP_MAGIC}


def unpack_zip(path: Path, folder: Path, on_progress: OnProgress | None = None) -> list[Path]:
    """The files of `unpack_named_zip` without their names.

    Args:
        path: the archive.
        folder: that they are written into.
        on_progress: told how many members have been written, and of how many.

    Raises:
        InputError, LimitExceededError: see there.
    """
    return [file for _, file in unpack_named_zip(path, folder, on_progress)]


def unpack_named_zip(
    path: Path, folder: Path, on_progress: OnProgress | None = None
) -> list[tuple[PurePosixPath, Path]]:
    """Write the members of a zip archive into a folder, under numbers; the folders inside it become numbers too.

    Archives inside the archive are not opened. Each file comes with the name it has in the archive, which is never to
    be used as a path.

    Raises:
        InputError: a damaged or encrypted archive, a path that leaves it, a link.
        LimitExceededError: more or larger members than the limits allow, or a ratio that no image reaches.
        OutputError: no room to unpack it.
    """
    limits.check_file_size(path, limits.MAX_FILE_BYTES, "zip archive")
    try:
        with zipfile.ZipFile(path) as archive:
            # An empty name would make `is_dir` fail; `_check_member` refuses it.
            members = [member for member in archive.infolist() if not member.filename or not member.is_dir()]
            _check_members(members, path.stat().st_size)
            written = []
            for number, file in enumerate(_written(archive, members, folder), start=1):
                written.append(file)
                if on_progress is not None:
                    on_progress(number, len(members))
            return written
    except InputError:
        raise
    except ARCHIVE_FAILURES as error:
        _require_room(error)
        msg = f"zip archive: it is damaged and cannot be unpacked ({type(error).__name__}); make it again"
        raise InputError(msg) from error


def _require_room(error: BaseException) -> None:
    """A full disk is no fault of the archive."""
    if isinstance(error, OSError) and is_disk_full(error):
        msg = f"zip archive: it cannot be unpacked ({error.strerror}); free some space in the temporary folder"
        raise OutputError(msg) from error


def _check_members(members: list[zipfile.ZipInfo], packed_bytes: int) -> None:
    if len(members) > limits.MAX_FILES:
        msg = f"zip archive: {len(members)} members are more than the {limits.MAX_FILES} that are read; give one study"
        raise LimitExceededError(msg)
    for member in members:
        _check_member(member)
    total = sum(member.file_size for member in members)
    is_bomb = total > limits.RATIO_IS_CHECKED_FROM_BYTES and total > limits.MAX_UNPACKED_RATIO * packed_bytes
    if total > limits.MAX_UNPACKED_BYTES or is_bomb:
        msg = (
            f"zip archive: {packed_bytes / 2**20:.1f} MiB would unpack to {total / 2**20:.0f} MiB, more than the "
            f"{limits.MAX_UNPACKED_BYTES / 2**20:.0f} MiB or the {limits.MAX_UNPACKED_RATIO} times that are allowed; "
            "unpack it yourself if you trust it"
        )
        raise LimitExceededError(msg)


def _check_member(member: zipfile.ZipInfo) -> None:
    name = member.filename.replace("\\", "/")
    if not PurePosixPath(name).parts:
        msg = "zip archive: it has a member without a name; make the archive again from the folder itself"
        raise _refusal(msg)
    if name.startswith("/") or ".." in PurePosixPath(name).parts or name[1:2] == ":":
        msg = "zip archive: a member's path leaves the archive; make the archive again from the folder itself"
        raise _refusal(msg)
    if stat.S_ISLNK(member.external_attr >> 16):
        msg = "zip archive: it holds a symbolic link; make the archive again with the files themselves"
        raise _refusal(msg)
    if member.flag_bits & 0x1:
        msg = "zip archive: it is encrypted; unpack it with its password first"
        raise _refusal(msg)
    if member.file_size > limits.MAX_UNPACKED_FILE_BYTES:
        msg = f"zip archive: a member would unpack to {member.file_size / 2**20:.0f} MiB; no CT image is that large"
        raise LimitExceededError(msg)


def _refusal(message: str) -> InputError:
    return InputError(message)


def _written(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path
) -> Iterator[tuple[PurePosixPath, Path]]:
    deadline = limits.Deadline()
    folders: dict[str, Path] = {}
    for number, member in enumerate(members):
        deadline.check()
        pure = PurePosixPath(member.filename.replace("\\", "/"))
        if pure.parts[0] == "__MACOSX":
            continue
        parent = folders.setdefault(str(pure.parent), folder / f"folder_{len(folders):06d}")
        parent.mkdir(exist_ok=True)
        suffix = pure.suffix.lower() if pure.suffix.lower() in DICOM_SUFFIXES else ""
        target = parent / f"{number:06d}{suffix}"
        with archive.open(member) as packed, target.open("xb") as file:
            _copy_limited(packed, file, member.file_size)
        yield pure, target


def _copy_limited(source: object, target: BinaryIO, limit: int) -> None:
    """Copy at most `limit` bytes; a stream that holds more than it declared is refused."""
    copied = 0
    while chunk := source.read(CHUNK_BYTES):  # type: ignore[attr-defined]
        copied += len(chunk)
        if copied > limit:
            msg = (
                f"compressed file: it unpacks to more than {limit / 2**20:.0f} MiB; unpack it yourself if you trust it"
            )
            raise LimitExceededError(msg)
        target.write(chunk)


def unpack_single(path: Path, target: Path) -> Path:
    """Unpack a file that is Zstandard- or gzip-compressed as a whole (not a DICOM transfer syntax of its own).

    Raises:
        InputError: the compressed stream is damaged.
        LimitExceededError: it unpacks to more than the limit.
        OutputError: no room to unpack it.
    """
    with path.open("rb") as file:
        is_zstd = file.read(4) == ZSTD_MAGIC
    try:
        with target.open("xb") as unpacked:
            if is_zstd:
                import pyarrow as pa

                with pa.OSFile(str(path)) as packed, pa.CompressedInputStream(packed, "zstd") as stream:
                    _copy_limited(stream, unpacked, limits.MAX_UNPACKED_FILE_BYTES)
            else:
                with gzip.open(path) as stream:
                    _copy_limited(stream, unpacked, limits.MAX_UNPACKED_FILE_BYTES)
    except ARCHIVE_FAILURES as error:
        _require_room(error)
        msg = f"compressed file: it is damaged and cannot be unpacked ({type(error).__name__}); copy it again"
        raise InputError(msg) from error
    return target
