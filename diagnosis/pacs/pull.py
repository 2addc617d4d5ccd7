"""From an archive to disk: find a study, fetch its series, and count whether they are whole."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from diagnosis.errors import IncompleteStudyError, InputError, PacsError
from diagnosis.pacs.archive import MAX_MATCHES, Archive, SeriesListing, StudyQuery
from diagnosis.pacs.config import PacsConfig
from diagnosis.pacs.instance_folder import PARTIAL, InstanceFolder, pseudonym
from diagnosis.progress import OnProgress
from diagnosis.version import __version__
from diagnosis.vocabulary import counted

RECORD = "pull.json"


@final
@dataclass(frozen=True)
class PulledSeries:
    """One series of a study.

    Attributes:
        folder: its name on disk.
        modality: as the archive says.
        n_expected: images that the archive has, or None where it does not say.
        n_received: images that lie on disk.
    """

    folder: str
    modality: str
    n_expected: int | None
    n_received: int

    @property
    def is_short(self) -> bool:
        """Whether images are missing; where nothing is expected at least one has to come."""
        return self.n_received < (1 if self.n_expected is None else self.n_expected)


@final
@dataclass(frozen=True)
class PulledStudy:
    """One study: a case folder, whose `ct/` holds the series."""

    folder: Path
    series: tuple[PulledSeries, ...]


def open_archive(config: PacsConfig, protocol: str | None = None) -> Archive:
    """The archive of a configuration, by `dicomweb` or `dimse`; by default what is configured, DICOMweb first.

    Raises:
        PacsError: what is asked for is not configured.
        ConfigurationError: a certificate cannot be used.
    """
    if protocol is None:
        protocol = "dimse" if config.dicomweb is None else "dicomweb"
    if protocol == "dicomweb":
        from diagnosis.pacs.dicomweb import DicomWebArchive

        return DicomWebArchive(config)
    from diagnosis.pacs.dimse import DimseArchive

    if config.dimse is None:
        msg = "pacs: the configuration names no DIMSE service; add dimse.host, port and ae_title"
        raise PacsError(msg)
    return DimseArchive(config)


def pull_studies(
    archive: Archive,
    query: StudyQuery,
    out: Path,
    modalities: Sequence[str] | None = ("CT",),
    on_progress: OnProgress | None = None,
) -> list[PulledStudy]:
    """Fetch every study that matches, each into a folder under a pseudonym.

    Until it is whole its folder ends in `.partial`, so that nobody takes it for a case.

    Args:
        archive: where from.
        query: which.
        out: folder for the studies.
        modalities: of the series that are fetched; None for all.
        on_progress: called with (received, expected) images of the study at hand.

    Raises:
        InputError: nothing matches.
        IncompleteStudyError: images are missing after the last attempt; what came is kept.
        PacsError: the archive is out of reach, refuses, or answers wrongly.
    """
    studies = archive.find_studies(query)
    if not studies:
        msg = "pull: the archive has no such study; check --study, --accession or --patient"
        raise InputError(msg)
    if len(studies) >= MAX_MATCHES:
        msg = f"pull: {MAX_MATCHES} studies or more match; name one with --study or --accession"
        raise InputError(msg)
    return [_pull(archive, uid, out, modalities, on_progress) for uid in dict.fromkeys(studies)]


def _pull(
    archive: Archive, study_uid: str, out: Path, modalities: Sequence[str] | None, on_progress: OnProgress | None
) -> PulledStudy:
    listed = archive.list_series(study_uid)
    wanted = [one for one in listed if modalities is None or one.modality in modalities]
    if not wanted:
        kinds = ", ".join(sorted({_shown(one.modality) for one in listed})) or "none"
        msg = f"pull: the study has no series of the kind that is asked for (it has {kinds}); see --modality"
        raise InputError(msg)
    expected = sum(one.n_images or 0 for one in wanted)
    name = pseudonym(study_uid)
    partial = out / f"{name}{PARTIAL}"
    shutil.rmtree(partial, ignore_errors=True)

    def advance() -> None:
        if on_progress is not None:
            on_progress(folder.n_images, expected)

    partial.mkdir(parents=True, mode=0o700)
    folder = InstanceFolder(partial / "ct", advance)
    try:
        for one in wanted:
            archive.retrieve_series(study_uid, one.series_uid, folder)
    except PacsError as error:
        came = f"{folder.n_images} of {counted(expected, 'image')}" if expected else counted(folder.n_images, "image")
        msg = f"{error}; {came} had come, into a folder that ends in {PARTIAL}; pull the study again"
        raise type(error)(msg) from error
    series = tuple(_pulled(one, folder) for one in wanted)
    _write_record(partial / RECORD, series)
    if short := [number for number, one in enumerate(series, start=1) if one.is_short]:
        raise _incomplete(series, short)
    target = out / name
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return PulledStudy(target, series)


def _pulled(listing: SeriesListing, folder: InstanceFolder) -> PulledSeries:
    received = len(folder.received.get(listing.series_uid, ()))
    return PulledSeries(pseudonym(listing.series_uid, "series"), _shown(listing.modality), listing.n_images, received)


def _shown(modality: str) -> str:
    return modality if modality.isalnum() and len(modality) <= 16 else "unknown"


def _incomplete(series: Sequence[PulledSeries], short: Sequence[int]) -> IncompleteStudyError:
    found = "; ".join(
        f"series {n}: {series[n - 1].n_received} of {series[n - 1].n_expected or 'an unknown number of'} images"
        for n in short
    )
    msg = (
        f"pull: the study is incomplete ({found}); what came is kept in a folder that ends in {PARTIAL}. "
        "Pull it again, or ask the archive's keepers"
    )
    return IncompleteStudyError(msg)


def _write_record(path: Path, series: Sequence[PulledSeries]) -> None:
    record = {
        "software": __version__,
        "is_complete": not any(one.is_short for one in series),
        "series": [
            {"folder": s.folder, "modality": s.modality, "expected": s.n_expected, "received": s.n_received}
            for s in series
        ],
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
