"""What is refused before it costs memory or time, each limit with its reason.

The largest CT volumes in use (2,000 slices of 512 x 512, or 700 of 1,024 x 1,024) stay well below; what lies above is a
damaged header or an attack.
"""

import time
from pathlib import Path
from typing import BinaryIO, final

from diagnosis.errors import LimitExceededError

MAX_ROWS_OR_COLUMNS = 4096
"""Photon-counting CT writes 1,024 or 2,048; a lying header can claim 65,535."""
MAX_VOXELS = 2**30
"""4 GiB as float32."""
MAX_FRAMES = 20_000
MAX_FILES = 100_000
MAX_FILE_BYTES = 4 * 2**30
MAX_UNPACKED_BYTES = 8 * 2**30
"""All members of an archive together."""
MAX_UNPACKED_FILE_BYTES = 2 * 2**30
"""One member of an archive, one compressed file."""
MAX_INFLATED_BYTES = 512 * 2**20
"""A data set in the deflated transfer syntax, which has to be inflated in memory."""
MAX_UNPACKED_RATIO = 200
"""CT compresses 2 to 5 times and air alone about 100 times; a zip bomb 1,000 times and more."""
RATIO_IS_CHECKED_FROM_BYTES = 64 * 2**20
MAX_READS_OF_A_FILE = 2_000_000
"""Pieces that the elements of one DICOM file are read in, two for most elements. An enhanced CT of 5,000 frames with a
hundred elements each needs half of them; millions of empty items, which fit into a small file, take minutes."""
MAX_READ_SECONDS = 900.0
MAX_TEXT_BYTES = 1 * 2**20
"""case.json."""
MAX_MANIFEST_BYTES = 512 * 2**20
MAX_MANIFEST_ROWS = 1_000_000


@final
class Deadline:
    """A point in time after which reading is given up; checked between files and between slices."""

    def __init__(self, seconds: float = MAX_READ_SECONDS) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        """Raise LimitExceededError once the time has run out."""
        if time.monotonic() > self._end:
            msg = f"input: reading took longer than {self._seconds:.0f} s and was given up; read fewer files at a time"
            raise LimitExceededError(msg)


@final
class MeteredFile:
    """An open file for a parser that reads element by element; refuses to be read in endlessly many pieces."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._n_reads = file, 0
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """As of a file.

        Raises:
            LimitExceededError: it was read too often.
        """
        self._n_reads += 1
        if self._n_reads > MAX_READS_OF_A_FILE:
            msg = "DICOM file: its header has millions of elements, as no CT image has; it was not read to its end"
            raise LimitExceededError(msg)
        return self._file.read(size)


def check_file_size(path: Path, limit: int, subject: str) -> int:
    """Size in bytes of a file, refused above the limit.

    Raises:
        LimitExceededError: the file is larger.
    """
    size = path.stat().st_size
    if size > limit:
        msg = f"{subject}: {size / 2**20:.0f} MiB is more than the {limit / 2**20:.0f} MiB that are read; give less"
        raise LimitExceededError(msg)
    return size
