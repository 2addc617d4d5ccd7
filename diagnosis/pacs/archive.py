"""What an archive can do, whichever protocol it speaks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, final

from pydicom.dataset import Dataset

from diagnosis.errors import InputError, PacsError
from diagnosis.pacs.instance_folder import InstanceFolder

MAX_MATCHES = 100


@final
@dataclass(frozen=True)
class StudyQuery:
    """Which study; what is not named does not count. `repr` shows nothing.

    Raises:
        InputError: nothing is named, or a value holds a wildcard.
    """

    study_uid: str | None = field(default=None, repr=False)
    accession_number: str | None = field(default=None, repr=False)
    patient_id: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        named = [value for value in (self.study_uid, self.accession_number, self.patient_id) if value is not None]
        if not named:
            msg = "pull: no study is named; give --study, --accession or --patient"
            raise InputError(msg)
        if any(not value.strip() or set(value) & set("*?\\") or not value.isprintable() for value in named):
            msg = "pull: an identifier is blank or holds a wildcard, which would match others; give it in full"
            raise InputError(msg)

    def filters(self) -> dict[str, str]:
        """By DICOM keyword."""
        named = {
            "StudyInstanceUID": self.study_uid,
            "AccessionNumber": self.accession_number,
            "PatientID": self.patient_id,
        }
        return {keyword: value for keyword, value in named.items() if value is not None}


@final
@dataclass(frozen=True)
class SeriesListing:
    """One series as the archive lists it; `n_images` is None where it does not say."""

    series_uid: str = field(repr=False)
    modality: str
    n_images: int | None


@final
@dataclass(frozen=True)
class Sending:
    """What became of the files that were sent.

    Attributes:
        n_sent: taken by the archive.
        n_decompressed: of these, decompressed because it takes no other form.
        refused: number of the file (from 1) and the reason.
    """

    n_sent: int
    n_decompressed: int
    refused: tuple[tuple[int, str], ...]


class Archive(Protocol):
    """Every method raises PacsError where the archive is out of reach, refuses, or answers wrongly."""

    def check(self) -> None:
        """Whether it is there and knows us."""

    def find_studies(self, query: StudyQuery) -> list[str]:
        """Study Instance UIDs that match, at most `MAX_MATCHES`."""

    def list_series(self, study_uid: str) -> tuple[SeriesListing, ...]:
        """Every series of a study."""

    def retrieve_series(self, study_uid: str, series_uid: str, folder: InstanceFolder) -> None:
        """Write a series to disk as it comes in; what is there already may come again."""

    def store(self, files: Sequence[Path]) -> Sending:
        """Send DICOM files, as they are where the archive takes them so, else decompressed."""


def matching_studies(found: Iterable[Dataset], query: StudyQuery) -> list[str]:
    """Study Instance UIDs of the answers to a query.

    Raises:
        PacsError: an answer is of another study than was asked for; an archive that does not know a key passes it over,
            and the studies of other patients would be fetched.
    """
    studies = []
    for item in found:
        for keyword, asked in query.filters().items():
            said = str(item.get(keyword) or "").strip()
            if said and said.casefold() != asked.strip().casefold():
                msg = (
                    f"pacs: the archive answered with a study whose {keyword} is not the one that was asked for; "
                    "name the study with --study, and have its keepers see what it matches by"
                )
                raise PacsError(msg)
        if uid := _uid(item, "StudyInstanceUID"):
            studies.append(uid)
    return studies


def _uid(found: Dataset, keyword: str) -> str:
    value = found.get(keyword) or ""
    if not isinstance(value, str):
        msg = f"pacs: an answer of the archive has several values of {keyword}, where one is due; tell its keepers"
        raise PacsError(msg)
    return value


def series_listings(found: Iterable[Dataset]) -> list[SeriesListing]:
    """From the answers to a query; each series once, for some archives answer once for each of its images.

    Raises:
        PacsError: an answer names several series at once.
    """
    listed: dict[str, SeriesListing] = {}
    for item in found:
        one = _listing(item)
        known = listed.get(one.series_uid)
        if one.series_uid and (known is None or (one.n_images or 0) > (known.n_images or 0)):
            listed[one.series_uid] = one
    return list(listed.values())


def _listing(found: Dataset) -> SeriesListing:
    try:
        n_images = int(found.NumberOfSeriesRelatedInstances)
    except (AttributeError, TypeError, ValueError, OverflowError):  # not said, blank, or no number
        n_images = 0
    return SeriesListing(
        series_uid=_uid(found, "SeriesInstanceUID"),
        modality=str(found.get("Modality") or ""),
        n_images=n_images if n_images > 0 else None,  # a series that is listed has an image: it is counted then
    )
