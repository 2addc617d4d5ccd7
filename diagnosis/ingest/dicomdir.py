"""The files that a DICOMDIR lists, and the images of each series.

Media are often copied without their folders, so the list no longer fits; then the folder of the DICOMDIR is read whole.
"""

from pathlib import Path

import pydicom

from diagnosis.errors import InputError, LimitExceededError
from diagnosis.ingest.dicom_elements import PARSE_FAILURES, quiet_pydicom
from diagnosis.ingest.file_tree import files_below
from diagnosis.ingest.limits import MeteredFile


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


def listed_images(path: Path) -> dict[str, set[str]]:
    """SOP Instance UIDs of the images that a DICOMDIR lists, by Series Instance UID; none where it cannot be read.

    The records are taken in the order in which they stand, a series before its images, as all writers put them.
    """
    listed: dict[str, set[str]] = {}
    series = ""
    try:
        with quiet_pydicom(), path.open("rb") as file:
            for record in pydicom.dcmread(MeteredFile(file), force=True).get("DirectoryRecordSequence") or []:
                kind = str(record.get("DirectoryRecordType", ""))
                if kind != "IMAGE":
                    series = str(record.get("SeriesInstanceUID") or "") if kind == "SERIES" else ""
                elif series and (uid := record.get("ReferencedSOPInstanceUIDInFile")):
                    listed.setdefault(series, set()).add(str(uid))
    except (*PARSE_FAILURES, LimitExceededError):
        return {}
    return listed


def _has_link(file: Path, root: Path) -> bool:
    below = [file, *file.parents]
    return any(part.is_symlink() for part in below[: below.index(root)])
