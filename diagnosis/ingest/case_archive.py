"""A case folder that was zipped, made a case folder again.

In the archive lie case.json, ct/ or ct.nii.gz or ct.zip, note.txt, voice.wav, with or without folders around them. No
name in it becomes a path: a member is compared with the names a case folder has, large letters or small, and written
under that constant; what lies in ct/, and what is DICOM anywhere, is CT and is numbered.
"""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from diagnosis.errors import InputError
from diagnosis.ingest.archive import DICOM_SUFFIXES
from diagnosis.ingest.case_folder import CT_NAMES, NOTE_NAMES, VOICE_NAMES
from diagnosis.ingest.dicom_header import read_header

CT_FOLDER: Final = CT_NAMES[0]
PART_NAMES: Final = frozenset({"case.json", *CT_NAMES[1:], *NOTE_NAMES, *VOICE_NAMES})
"""Files of a case folder."""
NIFTI_SUFFIXES = (".nii.gz", ".nii")

Member = tuple[PurePosixPath, Path]
"""A file's name in the archive, and where it was written (`archive.unpack_named_zip`)."""


def place_case(members: Sequence[Member], folder: Path, scratch: Path, part_names: frozenset[str]) -> int:
    """Move each member to its place in a case folder; returns how many have none and stay where they are.

    Args:
        members: of one archive.
        folder: of the case, which exists and is empty.
        scratch: for what has to be unpacked to be recognized.
        part_names: files that a case folder may have, in small letters.

    Raises:
        InputError: parts of several cases.
    """
    root = case_root(members)
    ct = folder / CT_FOLDER
    ct.mkdir()
    n_unused = 0
    for number, (full_name, file) in enumerate(members):
        name = full_name.relative_to(root)
        is_in_ct = len(name.parts) > 1 and name.parts[0].lower() == CT_FOLDER
        if not is_in_ct and name.name.lower() in part_names:
            target = folder / name.name.lower()
            if target.exists() or len(name.parts) > 1:
                msg = (
                    "zip archive: it holds a part of the case twice, or in another folder than the rest; give one "
                    "case folder"
                )
                raise InputError(msg)
        elif is_in_ct or read_header(file, scratch) is not None:
            target = ct / f"{number:06d}{_suffix(name)}"
        else:
            n_unused += 1
            continue
        file.replace(target)
    if not any(ct.iterdir()):
        ct.rmdir()
    return n_unused


def holds_case(members: Sequence[Member], part_names: frozenset[str]) -> bool:
    """Whether a part of a case, or ct/, lies where all members have their common folder."""
    root = case_root(members)
    names = [name.relative_to(root).parts for name, _ in members]
    return any(parts[0].lower() in part_names if len(parts) == 1 else parts[0].lower() == CT_FOLDER for parts in names)


def case_root(members: Sequence[Member]) -> PurePosixPath:
    """The deepest folder that all lie in, short of ct/."""
    if not members:
        return PurePosixPath()
    common = PurePosixPath(os.path.commonpath([name.parent for name, _ in members]))
    return common.parent if common.name.lower() == CT_FOLDER else common


def _suffix(name: PurePosixPath) -> str:
    lower = name.name.lower()
    known = (*NIFTI_SUFFIXES, *sorted(DICOM_SUFFIXES))
    return next((suffix for suffix in known if lower.endswith(suffix)), "")
