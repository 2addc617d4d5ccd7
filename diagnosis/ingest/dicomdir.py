"""The files that a DICOMDIR lists.

Media are often copied without their folders, so the list no longer fits; then the folder of the DICOMDIR is read whole.
"""

from pathlib import Path

import pydicom

from diagnosis.errors import InputError
from diagnosis.ingest.dicom_elements import PARSE_FAILURES, quiet_pydicom
from diagnosis.ingest.file_tree import files_below


def listed_files(path: Path) -> tuple[Path, ...]:
    """Files that a DICOMDIR refers to, or all files of its folder where some of those are missing.

    Raises:
        InputError: the DICOMDIR cannot be read, or refers to files outside its folder.
    """
    try:
        with quiet_pydicom():
            records = pydicom.dcmread(path, force=True).get("DirectoryRecordSequence") or []
            parts = [record.get("ReferencedFileID") for record in records]
            names = [[str(p)] if isinstance(p, str) else [str(q) for q in p] for p in parts if p]
    except PARSE_FAILURES as error:
        msg = f"DICOMDIR: it cannot be read ({type(error).__name__}); name its folder instead"
        raise InputError(msg) from error
    if any(part in {"", ".", ".."} or "/" in part or "\\" in part or ":" in part for name in names for part in name):
        msg = "DICOMDIR: it refers to files outside its folder; name the folder of the images instead"
        raise InputError(msg)
    files = [path.parent.joinpath(*name) for name in names]
    if not files or any(not file.is_file() or _has_link(file, path.parent) for file in files):
        files = [file for file in files_below(path.parent)[0] if file != path]
    return tuple(dict.fromkeys(files))


def _has_link(file: Path, root: Path) -> bool:
    below = [file, *file.parents]
    return any(part.is_symlink() for part in below[: below.index(root)])
