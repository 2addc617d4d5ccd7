"""Bodies to files: streamed to disk within a limit; a zip of a case folder unpacked under names of our own.

A zip may hold a case folder (see `ingest.case_archive`) or DICOM alone. Whatever else there is (a viewer, pictures,
what a desktop leaves in folders) is not used, and the answer says how many files.
"""

import zipfile
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath

from diagnosis.errors import InputError, LimitExceededError, OutputError, system_reason
from diagnosis.ingest.archive import unpack_named_zip
from diagnosis.ingest.case_archive import CT_FOLDER, PART_NAMES, place_case

EVIDENCE = PART_NAMES - {"case.json"}
DESKTOP_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})


async def write_stream(chunks: AsyncIterator[bytes], path: Path, limit: int) -> int:
    """Write a body to a new file as it arrives.

    Raises:
        LimitExceededError: more bytes than the limit.
        InputError: an empty body.
        OutputError: there is no room for it.
    """
    size = 0
    try:
        with path.open("xb") as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    msg = f"upload: it is larger than the {limit / 2**20:.0f} MiB that are taken; send less"
                    raise LimitExceededError(msg)
                file.write(chunk)
    except OSError as error:
        msg = f"upload: the service cannot keep it ({system_reason(error)}); tell who runs the service"
        raise OutputError(msg) from error
    if size == 0:
        msg = "upload: the body is empty; send a zip archive of a case folder or of DICOM"
        raise InputError(msg)
    return size


def unpack_case(archive: Path, folder: Path) -> int:
    """Make a case folder of an uploaded zip; the zip is removed.

    Returns:
        How many files of it are no part of a case.

    Raises:
        InputError: not a zip, damaged, hostile, parts of several cases, or no evidence in it.
        LimitExceededError: beyond the limits of `ingest.limits`.
        OutputError: there is no room for it.
    """
    if not zipfile.is_zipfile(archive):
        msg = "upload: it is not a zip archive; send a zip of a case folder or of DICOM"
        raise InputError(msg)
    scratch = folder.with_name("unpacked")
    scratch.mkdir(mode=0o700)
    folder.mkdir(mode=0o700)
    members = [member for member in unpack_named_zip(archive, scratch) if not _is_of_desktop(member[0])]
    n_unused = place_case(members, folder, scratch, PART_NAMES)
    if not (folder / CT_FOLDER).exists() and not any((folder / name).exists() for name in EVIDENCE):
        msg = (
            "upload: nothing in the archive is a CT in DICOM, ct.nii.gz, a note named note.txt (.pdf, .json) or a "
            "recording named voice.wav (.flac, .mp3, .m4a, .ogg, .webm); name the parts so"
        )
        raise InputError(msg)
    archive.unlink()
    _remove_tree(scratch)
    return n_unused


def _is_of_desktop(name: PurePosixPath) -> bool:
    return name.name.startswith("._") or name.name.lower() in DESKTOP_NAMES


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
