"""A folder of computed values, each named by the hash of what it was computed from, each verified when it is read.

A value that does not fit its checksum is thrown away and computed again: a damaged disk costs time, never a result. The
entries of patients' words and voxels are as sensitive as what they were made from: the folder is made for its owner's
eyes, lies beside the results unless another place is named, and may be deleted at any time.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import final

from diagnosis.errors import OutputError, is_disk_full, system_reason

DIGEST_BYTES = 32


class CacheError(OutputError):
    """The cache cannot be read or written."""


class FullCacheError(CacheError):
    """The disk that holds the cache has no room left."""


@final
class FileCache:
    """Bytes by key. Safe to share between processes: entries appear whole or not at all."""

    def __init__(self, folder: Path | None) -> None:
        """Use a folder, made when the first value is kept; None keeps nothing."""
        self._folder = folder

    def get(self, key: str) -> bytes | None:
        """The value of a key, or None where there is none or it is damaged.

        Raises:
            CacheError: the folder cannot be read.
        """
        if self._folder is None:
            return None
        path = self._path(self._folder, key)
        try:
            entry = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _problem(error) from error
        value = entry[DIGEST_BYTES:]
        if hashlib.sha256(key.encode() + value).digest() == entry[:DIGEST_BYTES]:
            return value
        path.unlink(missing_ok=True)
        return None

    def put(self, key: str, value: bytes) -> None:
        """Keep a value.

        Raises:
            CacheError: the folder cannot be written, or its disk is full.
        """
        if self._folder is None:
            return
        path = self._path(self._folder, key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_whole(path, hashlib.sha256(key.encode() + value).digest() + value)
        except OSError as error:
            raise _problem(error) from error

    @staticmethod
    def _path(folder: Path, key: str) -> Path:
        return folder / key[:2] / key[2:]


def _write_whole(path: Path, entry: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(entry)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _problem(error: OSError) -> CacheError:
    kind = FullCacheError if is_disk_full(error) else CacheError
    return kind(
        f"batch: the cache cannot be used ({system_reason(error).lower()}); name another folder with --cache, or give "
        "--no-cache, and start the same command again: nothing is lost"
    )


def key_of(*parts: str | bytes) -> str:
    """Hash over parts, each with its length, so that no two lists of parts share a key."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()
