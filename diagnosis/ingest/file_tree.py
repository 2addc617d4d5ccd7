"""Which files a path stands for: a folder tree, a zip archive, a DICOMDIR or a single file.

Symbolic links inside a folder, devices and pipes are passed over: a link can lead anywhere, or to itself.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

from diagnosis.errors import InputError, LimitExceededError
from diagnosis.ingest import archive, limits


@final
@dataclass(frozen=True)
class FileSet:
    """Files to be looked at, and a scratch folder that is removed afterward.

    Attributes:
        files: regular files in a stable order.
        scratch: for what has to be unpacked.
        n_links: symbolic links that were passed over.
    """

    files: tuple[Path, ...]
    scratch: Path
    n_links: int = 0


@contextmanager
def opened(path: Path) -> Iterator[FileSet]:
    """The files that a path stands for; unpacked copies are removed on leaving.

    Raises:
        InputError: the path is missing, or is neither file nor folder.
        LimitExceededError: too many files, or an archive beyond the limits.
    """
    if not path.exists():
        msg = "input: the path does not exist; check its spelling"
        raise InputError(msg)
    with tempfile.TemporaryDirectory(prefix="diagnosis-") as name:
        scratch = Path(name)
        if path.is_dir():
            files, n_links = files_below(path)
            yield FileSet(files, scratch, n_links)
        elif not path.is_file():
            msg = "input: the path is neither a file nor a folder; name one"
            raise InputError(msg)
        elif archive.is_zip(path):
            yield FileSet(tuple(archive.unpack_zip(path, scratch)), scratch)
        else:
            yield FileSet((path,), scratch)


def files_below(folder: Path) -> tuple[tuple[Path, ...], int]:
    """Regular files below a folder in a stable order, and how many links were passed over.

    Raises:
        LimitExceededError: more files than the limit.
    """
    found: list[Path] = []
    n_links = 0
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        n_links += sum((Path(parent) / name).is_symlink() for name in folders)
        for name in sorted(names):
            mode = os.lstat(os.path.join(parent, name)).st_mode  # noqa: PTH118 - a Path for every file costs more than the stat
            n_links += stat.S_ISLNK(mode)
            if stat.S_ISREG(mode):
                found.append(Path(parent, name))
        if len(found) > limits.MAX_FILES:
            msg = f"folder: it holds more than {limits.MAX_FILES} files; name the folder of one study"
            raise LimitExceededError(msg)
    return tuple(found), n_links
