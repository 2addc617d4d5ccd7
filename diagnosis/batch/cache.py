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

DIGEST_BYTES = 32


@final
class FileCache:
    """Bytes by key. Safe to share between processes: entries appear whole or not at all."""

    def __init__(self, folder: Path | None) -> None:
        """Use a folder, made when the first value is kept; None keeps nothing."""
        self._folder = folder

    def get(self, key: str) -> bytes | None:
        """The value of a key, or None where there is none or it is damaged."""
        if self._folder is None:
            return None
        path = self._path(self._folder, key)
        try:
            entry = path.read_bytes()
        except FileNotFoundError:
            return None
        value = entry[DIGEST_BYTES:]
        if hashlib.sha256(key.encode() + value).digest() == entry[:DIGEST_BYTES]:
            return value
        path.unlink(missing_ok=True)
        return None

    def put(self, key: str, value: bytes) -> None:
        """Keep a value."""
        if self._folder is None:
            return
        path = self._path(self._folder, key)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(key.encode() + value).digest() + value)
        Path(name).replace(path)

    @staticmethod
    def _path(folder: Path, key: str) -> Path:
        return folder / key[:2] / key[2:]


def key_of(*parts: str | bytes) -> str:
    """Hash over parts, each with its length, so that no two lists of parts share a key."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()
