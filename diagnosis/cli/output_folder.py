"""Whether results can be written where they are asked for: known before minutes are spent on making them."""

import os
import tempfile
from pathlib import Path

from diagnosis.errors import OutputError


def require_folder(folder: Path) -> None:
    """Refuse a folder that cannot be made or written; nothing is made yet.

    Raises:
        OutputError: it, or what it would lie in, is a file or may not be written.
    """
    nearest = folder.absolute()
    while not os.path.lexists(nearest):
        nearest = nearest.parent
    if not nearest.is_dir():
        msg = "output: a file stands where the folder is to be; name another folder"
        raise OutputError(msg)
    if not os.access(nearest, os.W_OK | os.X_OK):
        msg = "output: the folder may not be written; name one that may"
        raise OutputError(msg)


def require_file(path: Path) -> None:
    """Refuse a file that cannot be written because of its folder, or because it is a folder itself.

    Raises:
        OutputError: so.
    """
    if path.is_dir():
        msg = "output: a folder stands where the file is to be; name another file"
        raise OutputError(msg)
    require_folder(path.parent)


def require_temporary_folder() -> None:
    """Refuse to begin where nothing can be written for a moment: packages fail in odd ways without it.

    Raises:
        OutputError: no temporary folder exists that has room and may be written.
    """
    try:
        tempfile.gettempdir()
    except OSError as error:
        msg = (
            "system: no temporary folder can be written, for its disk is full or it is closed; free some space in it, "
            "or name another in TMPDIR"
        )
        raise OutputError(msg) from error
