"""The hash that names a bundle, from the checksums that it states. No torch: it can be asked at a glance."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from diagnosis.errors import BundleError

METADATA = Path("configs/metadata.json")
WEIGHTS = Path("models/model.safetensors")
CALIBRATION = Path("models/calibration.json")
FAMILIARITY = Path("models/familiarity.json")
CHECKSUMS = Path("checksums.json")
HASHED = (METADATA, WEIGHTS, CALIBRATION)
"""The files that an answer depends on."""
OPTIONAL = (FAMILIARITY,)
"""Files that only warnings depend on: a bundle may lack them, but has them with the right checksum or not at all."""
MALFORMED = (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading JSON of another shape than was expected can raise."""


def read_checksums(folder: Path) -> dict[str, str]:
    """What a bundle states of its files.

    Raises:
        BundleError: missing or unreadable.
    """
    try:
        stated = json.loads((folder / CHECKSUMS).read_bytes())
        return {str(name): str(checksum) for name, checksum in stated.items()}
    except MALFORMED as error:
        msg = f"bundle {folder}: {CHECKSUMS} cannot be read; install the bundle again"
        raise BundleError(msg) from error


def hash_of(checksums: Mapping[str, str]) -> str:
    """Hash over the checksums of a bundle's files."""
    lines = "".join(
        f"{checksums[p.as_posix()]}  {p.as_posix()}\n" for p in (*HASHED, *OPTIONAL) if p.as_posix() in checksums
    )
    return hashlib.sha256(lines.encode()).hexdigest()


def stated_sha256(folder: Path) -> str:
    """The bundle's hash by its own statement; loading it verifies that the files fit.

    Raises:
        BundleError: no statement.
    """
    return hash_of(read_checksums(folder))
