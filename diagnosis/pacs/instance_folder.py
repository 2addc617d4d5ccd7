"""Received images on disk, under names that say nothing: hashes of identifiers, never the identifiers."""

import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import final

import pydicom

from diagnosis.errors import PacsError, system_reason
from diagnosis.pacs.outgoing import PARSE_FAILURES

PARTIAL = ".partial"
OnImage = Callable[[], None]


def pseudonym(uid: str, kind: str = "study") -> str:
    """A name for a folder or a file; the same identifier always gets the same."""
    return f"{kind}-{hashlib.sha256(uid.encode()).hexdigest()[:16]}"


@final
class InstanceFolder:
    """One study on disk: `<folder>/<series>/<image>.dcm`; an image that comes twice is kept once.

    Attributes:
        received: SOP Instance UIDs by Series Instance UID.
        n_bytes: what lies there.
        fault: why an image could not be written, or None. To the other side that is a status, which it may well pass
            over; here it is the reason of all that is missing.
    """

    def __init__(self, folder: Path, on_image: OnImage | None = None) -> None:
        self.folder = folder
        self.received: dict[str, set[str]] = {}
        self.n_bytes = 0
        self.fault: PacsError | None = None
        self._on_image = on_image
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def n_images(self) -> int:
        """Distinct images."""
        return sum(len(images) for images in self.received.values())

    def add(self, series_uid: str, sop_uid: str, write: Callable[[Path], object]) -> None:
        """Keep one image; what is being written has another name until it is whole.

        Raises:
            PacsError: the disk takes no more.
        """
        place = self.folder / pseudonym(series_uid, "series") / f"{pseudonym(sop_uid, 'image')}.dcm"
        draft = place.with_name(f"{place.stem}-{secrets.token_hex(4)}{PARTIAL}")
        try:
            place.parent.mkdir(exist_ok=True, mode=0o700)
            write(draft)
            draft.replace(place)
        except OSError as error:
            draft.unlink(missing_ok=True)
            msg = f"pacs: an image cannot be written ({system_reason(error)}); make room or name another folder"
            self.fault = PacsError(msg)
            raise self.fault from error
        images = self.received.setdefault(series_uid, set())
        if sop_uid not in images:
            images.add(sop_uid)
            self.n_bytes += place.stat().st_size
            if self._on_image is not None:
                self._on_image()

    def take_up(self) -> str | None:
        """Count what an earlier run left; the Study Instance UID, or None where there is no image."""
        study_uid = None
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            try:
                header = pydicom.dcmread(path, stop_before_pixels=True)
                identifiers = str(header.StudyInstanceUID), str(header.SeriesInstanceUID), str(header.SOPInstanceUID)
            except PARSE_FAILURES:  # what was being written when the program stopped; it will be sent again
                path.unlink()
                continue
            study_uid = identifiers[0]
            self.received.setdefault(identifiers[1], set()).add(identifiers[2])
            self.n_bytes += path.stat().st_size
        return study_uid
