"""Where in a tree of folders the files of a series lie, by its UID."""

import os
import tempfile
from collections.abc import Collection
from pathlib import Path

from diagnosis.ingest.dicom_header import Instance, read_header
from diagnosis.ingest.file_tree import files_below


def folders_of_series(tree: Path, wanted: Collection[str]) -> dict[str, Path]:
    """The folder that holds all files of each wanted series: the deepest one common to them.

    Series that are not in the tree are not in the answer. One header of each file is read, no pixels.

    Raises:
        LimitExceededError: more files than the limit.
    """
    folders: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix="diagnosis-") as scratch:
        for path in files_below(tree)[0]:
            header = read_header(path, Path(scratch))
            if not isinstance(header, Instance) or header.series_uid not in wanted:
                continue
            known = folders.get(header.series_uid)
            folders[header.series_uid] = path.parent if known is None else _common(known, path.parent)
    return folders


def _common(first: Path, second: Path) -> Path:
    return first if first == second else Path(os.path.commonpath([first, second]))
