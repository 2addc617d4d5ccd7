"""The secret key by which everything that is replaced stays consistent.

The same key gives the same new UID, pseudonym and shift of dates for the same original, in every run and on every
machine, so that studies of one patient stay together and references between objects stay whole. Without the key none of
it can be computed or undone; nothing else is stored. Whoever keeps key and originals can find a patient again.
"""

import base64
import hashlib
import hmac
import re
import secrets
import uuid
from pathlib import Path
from typing import Self, final

from diagnosis.errors import ConfigurationError

MIN_KEY_BYTES = 32
MAX_SHIFT_DAYS = 3650
_HEX = re.compile(r"[0-9a-fA-F]{64,1024}")


@final
class SecretKey:
    """Derives replacements; `repr` shows nothing of the key.

    Raises:
        ConfigurationError: fewer than 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < MIN_KEY_BYTES:
            msg = f"key: it has {len(key)} bytes and needs at least {MIN_KEY_BYTES}; name a new file and one is made"
            raise ConfigurationError(msg)
        self._key = key

    @classmethod
    def read_or_make(cls, path: Path) -> tuple[Self, bool]:
        """The key in a file (hexadecimal digits), and whether it was made just now, readable by its owner alone.

        Raises:
            ConfigurationError: the file cannot be read or written, or is not a key.
        """
        try:
            if not path.exists():
                return cls(_made(path)), True
            text = path.read_bytes()[:4096].decode("ascii", "replace").strip()
        except OSError as error:
            msg = f"key: the file cannot be read or written ({error.strerror}); name another with --key"
            raise ConfigurationError(msg) from error
        if not _HEX.fullmatch(text) or len(text) % 2:
            msg = "key: the file does not hold a key (64 or more hexadecimal digits); name a new file and one is made"
            raise ConfigurationError(msg)
        return cls(bytes.fromhex(text)), False

    def __repr__(self) -> str:
        return "SecretKey(...)"

    def uid(self, original: str) -> str:
        """New UID below the UUID-derived root 2.25 (PS3.5, B.2)."""
        digest = self._digest("uid", original)
        return f"2.25.{uuid.UUID(bytes=digest[:16], version=4).int}"

    def pseudonym(self, subject: str) -> str:
        """Name for a patient: `P-` and twelve letters and digits."""
        return f"P-{base64.b32encode(self._digest('pseudonym', subject)).decode()[:12]}"

    def shift_days(self, subject: str) -> int:
        """Days by which all dates of a patient move into the past: 1 to 3650."""
        return -1 - int.from_bytes(self._digest("dates", subject)[:8], "big") % MAX_SHIFT_DAYS

    def _digest(self, purpose: str, text: str) -> bytes:
        return hmac.new(self._key, f"{purpose}\0{text}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def _made(path: Path) -> bytes:
    """A new key in a new file; no file where it cannot be written, or the next run would take it for a damaged key."""
    key = secrets.token_bytes(MIN_KEY_BYTES)
    path.touch(mode=0o600, exist_ok=False)
    try:
        path.write_text(key.hex() + "\n", encoding="ascii")
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return key
