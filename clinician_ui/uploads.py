"""Files from the browser, written to disk piece by piece: a study of gigabytes never stands in the server's memory.

Streamlit's own uploader holds whole files in memory. Here a page opens a slot and tells the browser its address; the
browser sends the file in pieces, each at the place where the last one ended, so that a broken connection costs one
piece. Whoever knows the address may write into this one slot, up to its limit, until it is closed or expires.
"""

import os
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

from diagnosis.errors import InputError, LimitExceededError

PIECE_BYTES = 8 * 2**20
"""What the browser sends at a time."""
MOST_BYTES = 4 * 2**30
"""The largest archive that is read."""
SLOT_LIFETIME_S = 3600.0
"""Since the last piece."""
BUFFER_BYTES = 2**20


@final
@dataclass
class Slot:
    """A file that is being received.

    Attributes:
        path: where it grows.
        most_bytes: its limit.
        size: bytes so far.
        until: monotonic second at which it expires.
        is_busy: whether a piece is being written now.
    """

    path: Path
    most_bytes: int
    size: int
    until: float
    is_busy: bool = False


@final
class UploadDesk:
    """Slots by token; safe between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._slots: dict[str, Slot] = {}
        self._clock = clock
        self._lock = threading.Lock()

    def open_slot(self, folder: Path, most_bytes: int = MOST_BYTES) -> str:
        """Make room for one file in a folder; gives the token of its address.

        Raises:
            InputError: the folder cannot be written.
        """
        token = secrets.token_urlsafe(24)
        path = folder / f"{secrets.token_hex(8)}.part"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600, exist_ok=False)
        except OSError as error:
            msg = "import: the folder of cases cannot be written; check its permissions and the space on its disk"
            raise InputError(msg) from error
        with self._lock:
            self._drop_expired()
            self._slots[token] = Slot(path, most_bytes, 0, self._clock() + SLOT_LIFETIME_S)
        return token

    def size(self, token: str) -> int | None:
        """Bytes received so far; None for an unknown slot."""
        with self._lock:
            slot = self._slots.get(token)
            return None if slot is None or slot.until < self._clock() else slot.size

    async def append(self, token: str, offset: int, pieces: AsyncIterator[bytes]) -> int:
        """Write a piece at the end of a slot's file; gives the new size.

        A piece that breaks off leaves the file as it was before it.

        Raises:
            InputError: no such slot, a piece that does not start where the file ends, or a full disk.
            LimitExceededError: more than the slot takes.
        """
        slot = self._take(token, offset)
        written = 0
        try:
            with slot.path.open("r+b") as file:
                file.seek(offset)
                written = await _write(file, pieces, slot.most_bytes - offset)
        except OSError as error:
            msg = "import: the file could not be written; check the space on the disk"
            raise InputError(msg) from error
        finally:
            # Before the slot is free again: the next piece must not be cut.
            with suppress(OSError):  # the slot was closed meanwhile, and its file is gone
                os.truncate(slot.path, offset + written)
            with self._lock:
                slot.is_busy = False
                slot.size = offset + written
                slot.until = self._clock() + SLOT_LIFETIME_S
        return slot.size

    def finish(self, token: str) -> Path:
        """Close a slot; the file is the caller's now.

        Raises:
            InputError: no such slot, or a piece is still being written.
        """
        with self._lock:
            slot = self._slots.get(token)
            if slot is None or slot.is_busy:
                msg = "import: the upload is not there, or not complete; start it again"
                raise InputError(msg)
            del self._slots[token]
            return slot.path

    def close(self, token: str) -> None:
        """Forget a slot and its file."""
        with self._lock:
            slot = self._slots.pop(token, None)
        if slot is not None:
            slot.path.unlink(missing_ok=True)

    def _take(self, token: str, offset: int) -> Slot:
        with self._lock:
            self._drop_expired()
            slot = self._slots.get(token)
            if slot is None or slot.is_busy or slot.size != offset:
                msg = "import: this piece does not follow the one before it; start the upload again"
                raise InputError(msg)
            slot.is_busy = True
            return slot

    def _drop_expired(self) -> None:
        for token, slot in list(self._slots.items()):
            if slot.until < self._clock() and not slot.is_busy:
                del self._slots[token]
                slot.path.unlink(missing_ok=True)


async def _write(file: BinaryIO, pieces: AsyncIterator[bytes], room: int) -> int:
    """Write what comes, at most `room` bytes; the event loop serves others meanwhile."""
    from anyio import to_thread

    buffer, written = bytearray(), 0
    async for piece in pieces:
        buffer += piece
        if written + len(buffer) > room:
            msg = f"import: the file is larger than the {MOST_BYTES / 2**30:.0f} GiB that are taken; point at a folder"
            raise LimitExceededError(msg)
        if len(buffer) >= BUFFER_BYTES:
            await to_thread.run_sync(file.write, bytes(buffer))
            written += len(buffer)
            buffer.clear()
    await to_thread.run_sync(file.write, bytes(buffer))
    return written + len(buffer)


DESK = UploadDesk()
"""Shared by the pages, which open slots, and the route, which fills them."""
