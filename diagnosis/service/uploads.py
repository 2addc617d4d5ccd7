"""Bodies to files: streamed to disk within a limit; a zip of a case folder unpacked under names of our own.

A zip may hold a case folder (case.json, ct/, note.txt, voice.wav, with or without one folder around them) or DICOM
alone. No name in it becomes a path: a member is compared with the names a case folder has and written under that
constant; whatever else there is counts as CT and is numbered.
"""

import zipfile
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath

from diagnosis.errors import InputError, LimitExceededError
from diagnosis.ingest.archive import unpack_named_zip
from diagnosis.ingest.case_folder import NOTE_NAMES, VOICE_NAMES

NAMED = frozenset({"case.json", *NOTE_NAMES, *VOICE_NAMES})


async def write_stream(chunks: AsyncIterator[bytes], path: Path, limit: int) -> int:
    """Write a body to a new file as it arrives.

    Raises:
        LimitExceededError: more bytes than the limit.
        InputError: an empty body.
    """
    size = 0
    with path.open("xb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                msg = f"upload: it is larger than the {limit / 2**20:.0f} MiB that are taken; send less"
                raise LimitExceededError(msg)
            file.write(chunk)
    if size == 0:
        msg = "upload: the body is empty; send a zip archive of a case folder or of DICOM"
        raise InputError(msg)
    return size


def unpack_case(archive: Path, folder: Path) -> None:
    """Make a case folder of an uploaded zip; the zip is removed.

    Raises:
        InputError: not a zip, damaged, hostile, or the same part twice.
        LimitExceededError: beyond the limits of `ingest.limits`.
    """
    if not zipfile.is_zipfile(archive):
        msg = "upload: it is not a zip archive; send a zip of a case folder or of DICOM"
        raise InputError(msg)
    scratch = folder.with_name("unpacked")
    scratch.mkdir(mode=0o700)
    folder.mkdir(mode=0o700)
    members = unpack_named_zip(archive, scratch)
    ct = folder / "ct"
    ct.mkdir()
    for number, (name, file) in enumerate(members):
        is_part = name.name in NAMED and len(name.parts) <= 2
        target = folder / name.name if is_part else ct / f"{number:06d}{file.suffix}"
        if target.exists():
            msg = "upload: the archive holds a part of the case twice; send one case"
            raise InputError(msg)
        file.replace(target)
    if not any(ct.iterdir()):
        ct.rmdir()
    archive.unlink()
    _remove_tree(scratch)


def _remove_tree(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def resolve_reference(root: Path | None, path: str) -> Path:
    """The case folder that a reference names, links resolved.

    Raises:
        InputError: references are not taken, or the path leaves the folder of studies, or there is no such folder.
    """
    if root is None:
        msg = "study: this service takes no references; upload the study"
        raise InputError(msg)
    missing = "study: there is no such case folder below the folder of studies"
    if "\0" in path or Path(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise InputError(missing)
    try:
        found = (root / path).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(missing) from error
    if not found.is_dir() or not found.is_relative_to(root.resolve()):
        raise InputError(missing)
    return found
