"""A run that stops because a disk is full says which of its folders lie there, and how to go on."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from diagnosis.batch.cache import FullCacheError
from diagnosis.batch.job import BatchOptions
from diagnosis.errors import OutputError, is_disk_full
from diagnosis.store.database import FullDiskError

ROOM_BYTES = 2**20
"""A disk with less room than this is taken for full: what could not be written may have been small."""


@contextmanager
def telling_which_disk(options: BatchOptions) -> Iterator[None]:
    """Turn what a full disk causes inside a run into one sentence.

    Raises:
        FullDiskError: the disk of a ledger that lies elsewhere than the results.
        OutputError: any other.
    """
    try:
        yield
    except FullDiskError as error:
        if options.ledger is not None:
            raise FullDiskError(_sentence(options, "--ledger")) from error
        raise OutputError(_sentence(options, "--out")) from error
    except FullCacheError as error:
        raise OutputError(_sentence(options, "--out" if options.cache is None else "--cache")) from error
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise OutputError(_sentence(options, "--out")) from error


def _sentence(options: BatchOptions, likely: str) -> str:
    """What is full, by measurement; by likelihood where a quota or another machine hides it."""
    places = {"--out": options.out, "--cache": options.cache, "--ledger": _file_of(options.ledger)}
    full = {name for name, place in places.items() if place is not None and _is_full(place)}
    if _is_full(Path(tempfile.gettempdir())):
        full.add("the temporary folder (TMPDIR)")
    names = sorted(full | {likely})
    return (
        f"batch: the disk that holds {' and '.join(names)} is full; free some space there and start the same command "
        "again: it goes on where it stopped, nothing is lost"
    )


def _file_of(ledger: str | None) -> Path | None:
    """The file of a ledger on SQLite."""
    if ledger is None or ("://" in ledger and not ledger.startswith("sqlite")):
        return None
    return Path(ledger.removeprefix("sqlite:///"))


def _is_full(place: Path) -> bool:
    nearest = place.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    return shutil.disk_usage(nearest).free < ROOM_BYTES
