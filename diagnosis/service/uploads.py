"""Bodies to files: streamed to disk within a limit; a zip of a case folder unpacked under names of our own.

A zip may hold a case folder (case.json, ct/ or ct.nii.gz or ct.zip, note.txt, voice.wav, with or without folders around
them) or DICOM alone. No name in it becomes a path: a member is compared with the names a case folder has, large letters
or small, and written under that constant; what lies in ct/, and what is DICOM anywhere, is CT and is numbered. Whatever
else there is (a viewer, pictures, what a desktop leaves in folders) is not used, and the answer says how many files.
"""

import os
import zipfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from diagnosis.errors import InputError, LimitExceededError, OutputError, system_reason
from diagnosis.ingest.archive import DICOM_SUFFIXES, unpack_named_zip
from diagnosis.ingest.case_folder import CT_NAMES, NOTE_NAMES, VOICE_NAMES
from diagnosis.ingest.dicom_header import read_header

CT_FOLDER: Final = CT_NAMES[0]
EVIDENCE = frozenset({*CT_NAMES[1:], *NOTE_NAMES, *VOICE_NAMES})
NAMED = EVIDENCE | {"case.json"}
NIFTI_SUFFIXES = (".nii.gz", ".nii")
DESKTOP_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})

Member = tuple[PurePosixPath, Path]


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
    ct = folder / CT_FOLDER
    ct.mkdir()
    n_unused = _placed(members, folder, scratch)
    has_ct = any(ct.iterdir())
    if not has_ct:
        ct.rmdir()
    if not has_ct and not any((folder / name).exists() for name in EVIDENCE):
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


def _placed(members: Sequence[Member], folder: Path, scratch: Path) -> int:
    """Move each member to its place in the case folder; returns how many have none."""
    root = _common_folder([name for name, _ in members])
    n_unused = 0
    for number, (full_name, file) in enumerate(members):
        name = full_name.relative_to(root)
        is_in_ct = len(name.parts) > 1 and name.parts[0].lower() == CT_FOLDER
        if not is_in_ct and name.name.lower() in NAMED:
            target = folder / name.name.lower()
            if target.exists() or len(name.parts) > 1:
                msg = (
                    "upload: the archive holds a part of the case twice, or in another folder than the rest; send one "
                    "case folder"
                )
                raise InputError(msg)
        elif is_in_ct or read_header(file, scratch) is not None:
            target = folder / CT_FOLDER / f"{number:06d}{_suffix(name)}"
        else:
            n_unused += 1
            continue
        file.replace(target)
    return n_unused


def _common_folder(names: Sequence[PurePosixPath]) -> PurePosixPath:
    """The deepest folder that all lie in, short of ct/."""
    if not names:
        return PurePosixPath()
    common = PurePosixPath(os.path.commonpath([name.parent for name in names]))
    return common.parent if common.name.lower() == CT_FOLDER else common


def _suffix(name: PurePosixPath) -> str:
    lower = name.name.lower()
    known = (*NIFTI_SUFFIXES, *sorted(DICOM_SUFFIXES))
    return next((suffix for suffix in known if lower.endswith(suffix)), "")


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
