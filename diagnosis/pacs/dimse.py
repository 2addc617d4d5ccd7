"""An archive by DIMSE: C-ECHO, C-FIND, C-GET, C-MOVE and C-STORE."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, final

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # made at import
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from diagnosis.errors import InputError, PacsError
from diagnosis.pacs.archive import MAX_MATCHES, Sending, SeriesListing, StudyQuery, matching_studies, series_listings
from diagnosis.pacs.associations import (
    CT_CLASSES,
    OTHER_CLASSES,
    UNCOMPRESSED,
    association,
    joint_contexts,
    storage_contexts,
)
from diagnosis.pacs.attempts import PassingError, attempt
from diagnosis.pacs.config import PacsConfig
from diagnosis.pacs.instance_folder import InstanceFolder
from diagnosis.pacs.outgoing import PLAIN, decompressed, read_outgoing, transfer_syntax
from diagnosis.pacs.receiver import OnImage, Receiver, keep_image

PENDING: Final = frozenset({0xFF00, 0xFF01})
SUCCESS: Final = 0x0000
OUT_OF_RESOURCES: Final = range(0xA700, 0xA800)
UNKNOWN_DESTINATION: Final = 0xA801
WARNINGS: Final = frozenset({0x0001, *range(0xB000, 0xC000)})
PARTLY_FAILED: Final = frozenset({0xA702, *range(0xC000, 0xD000)})
"""Of a retrieval: some images did not come; which series that leaves short is found by counting."""
BATCH: Final = 200
"""Files in one association, so that a long transfer does not start again from its first file."""


@final
class DimseArchive:
    """The DIMSE service of a configuration."""

    def __init__(self, config: PacsConfig) -> None:
        self._config = config

    def check(self) -> None:
        """C-ECHO.

        Raises:
            PacsError: see `Archive`.
        """

        def echo() -> None:
            with association(self._config, [build_context(Verification)]) as made:
                _require_success(made.send_c_echo(), "the echo")

        attempt(echo, self._config.retries)

    def find_studies(self, query: StudyQuery) -> list[str]:
        """C-FIND on the level of studies.

        Raises:
            PacsError: see `Archive`.
        """
        asked = _identifier("STUDY", query.filters() | {"StudyInstanceUID": query.study_uid or ""})
        found = attempt(lambda: self._find(asked, MAX_MATCHES), self._config.retries)
        return matching_studies(found, query)

    def list_series(self, study_uid: str) -> tuple[SeriesListing, ...]:
        """C-FIND on the level of series; where the archive gives no counts its images are counted.

        Raises:
            PacsError: see `Archive`.
        """
        wanted = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": "", "Modality": ""}
        asked = _identifier("SERIES", {**wanted, "NumberOfSeriesRelatedInstances": None})
        found = attempt(lambda: self._find(asked, None), self._config.retries)
        return tuple(self._counted(study_uid, one) for one in series_listings(found))

    def retrieve_series(self, study_uid: str, series_uid: str, folder: InstanceFolder) -> None:
        """C-GET, or C-MOVE to our own receiver, as the configuration says.

        Raises:
            PacsError: see `Archive`.
        """
        asked = _identifier("SERIES", {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid})
        is_move = self._config.dimse is not None and self._config.dimse.retrieve == "move"
        fetch = self._move if is_move else self._get
        attempt(lambda: fetch(asked, folder), self._config.retries)

    def store(self, files: Sequence[Path]) -> Sending:
        """C-STORE, each file in its own transfer syntax where the archive takes that, else decompressed.

        Raises:
            PacsError: see `Archive`; a file that is refused is part of the answer and not an error.
        """
        numbered = list(enumerate(files, start=1))
        batches = [numbered[start : start + BATCH] for start in range(0, len(numbered), BATCH)]
        found = [attempt(partial(self._store_batch, batch), self._config.retries) for batch in batches]
        return Sending(
            n_sent=sum(one.n_sent for one in found),
            n_decompressed=sum(one.n_decompressed for one in found),
            refused=tuple(entry for one in found for entry in one.refused),
        )

    def _find(self, asked: Dataset, limit: int | None) -> list[Dataset]:
        found: list[Dataset] = []
        model = StudyRootQueryRetrieveInformationModelFind
        with association(self._config, [build_context(model)]) as made:
            for status, item in made.send_c_find(asked, model):
                if item is not None and status.get("Status") in PENDING:
                    found.append(item)
                elif status.get("Status") not in PENDING:
                    _require_success(status, "the query")
                if limit is not None and len(found) >= limit:
                    made.abort()
                    break
        return found

    def _counted(self, study_uid: str, listing: SeriesListing) -> SeriesListing:
        if listing.n_images is not None:
            return listing
        values = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": listing.series_uid, "SOPInstanceUID": ""}
        asked = _identifier("IMAGE", values)
        found = attempt(lambda: self._find(asked, None), self._config.retries)
        return SeriesListing(listing.series_uid, listing.modality, len(found) or None)

    def _get(self, asked: Dataset, folder: InstanceFolder) -> None:
        model = StudyRootQueryRetrieveInformationModelGet
        classes = (*CT_CLASSES, *OTHER_CLASSES)
        handlers = [(evt.EVT_C_STORE, _keeping(asked, folder))]
        for offered in (storage_contexts(classes), joint_contexts(classes)):
            with association(self._config, [build_context(model), *offered], classes, handlers) as made:
                n_failed = _follow(made.send_c_get(asked, model), folder)
            if n_failed == 0:  # else some archives took the wrong one of our contexts, and could not convert to it
                break

    def _move(self, asked: Dataset, folder: InstanceFolder) -> None:
        model = StudyRootQueryRetrieveInformationModelMove
        receiver = Receiver(self._config, _keeping(asked, folder), (*CT_CLASSES, *OTHER_CLASSES))
        with receiver.running(), association(self._config, [build_context(model)]) as made:
            _follow(made.send_c_move(asked, self._config.local.ae_title, model), folder)

    def _store_batch(self, batch: Sequence[tuple[int, Path]]) -> Sending:
        # Read twice, so that no more than one file is in memory.
        forms = {_form(read_outgoing(path)) for _, path in batch}
        n_decompressed, refused = 0, []
        with association(self._config, _offers(forms)) as made:
            accepted = {(str(c.abstract_syntax), str(c.transfer_syntax[0])) for c in made.accepted_contexts}
            for number, path in batch:
                try:
                    n_decompressed += _send(made, read_outgoing(path), accepted)
                except InputError as error:
                    refused.append((number, str(error)))
        return Sending(len(batch) - len(refused), n_decompressed, tuple(refused))


def _form(data_set: Dataset) -> tuple[str, str]:
    return str(data_set.SOPClassUID), str(transfer_syntax(data_set))


def _offers(forms: set[tuple[str, str]]) -> list[PresentationContext]:
    """Each class in its own transfer syntax, and plain as a way out."""
    own = [build_context(UID(cls), UID(syntax)) for cls, syntax in sorted(forms) if syntax not in PLAIN]
    return own + [build_context(UID(cls), list(UNCOMPRESSED)) for cls in sorted({cls for cls, _ in forms})]


def _send(made: Association, data_set: Dataset, accepted: set[tuple[str, str]]) -> bool:
    """Send one object; whether it had to be decompressed.

    Raises:
        InputError: the archive does not want this one.
        PassingError: the connection is gone or the archive is full.
    """
    cls, syntax = _form(data_set)
    takes_plain = any((cls, plain) in accepted for plain in PLAIN)
    must_decompress = (cls, syntax) not in accepted and syntax not in PLAIN
    if not takes_plain and ((cls, syntax) not in accepted):
        msg = "the archive takes no objects of this kind"
        raise InputError(msg)
    if not made.is_established:
        msg = "pacs: the connection broke while files were sent"
        raise PassingError(msg)
    sent = decompressed(data_set) if must_decompress else data_set
    try:
        answer = made.send_c_store(sent)
    except (AttributeError, ValueError) as error:  # pynetdicom's way of saying that it cannot write it down
        msg = "it cannot be encoded as the archive takes it; export it again"
        raise InputError(msg) from error
    status = answer.get("Status")
    if status is None or status in OUT_OF_RESOURCES:
        msg = "pacs: the archive did not confirm a file in time, broke off, or is full"
        raise PassingError(msg)
    if status != SUCCESS and status not in WARNINGS:
        msg = f"refused with status 0x{status:04X}"
        raise InputError(msg)
    return must_decompress


def _identifier(level: str, values: Mapping[str, str | None]) -> Dataset:
    asked = Dataset()
    asked.QueryRetrieveLevel = level
    for keyword, value in values.items():
        setattr(asked, keyword, value)
    return asked


def _keeping(asked: Dataset, folder: InstanceFolder) -> OnImage:
    """Keeps the images of the study that was asked for, and refuses what else may be sent meanwhile."""
    study_uid = str(asked.StudyInstanceUID)
    return lambda event: keep_image(event, folder, study_uid)


def _follow(answers: Iterator[tuple[Dataset, Dataset | None]], folder: InstanceFolder) -> int:
    """Wait for the end of a retrieval; how many images failed, which shows for good when they are counted.

    Raises:
        PacsError: the archive refuses, or our own disk takes no more, which to it is but a failed image.
    """
    n_failed = 0
    for status, _ in answers:
        if folder.fault is not None:
            raise folder.fault
        n_failed = int(status.get("NumberOfFailedSuboperations") or n_failed)
        if status.get("Status") == UNKNOWN_DESTINATION:
            msg = (
                "pacs: the archive does not know where to send to (status 0xA801); have local.ae_title, address and "
                "port entered there as a destination, or use retrieve: get"
            )
            raise PacsError(msg)
        if status.get("Status") not in PENDING | WARNINGS | PARTLY_FAILED:
            _require_success(status, "the retrieval")
    return n_failed


def _require_success(status: Dataset, what: str) -> None:
    code = status.get("Status")
    if code is None:
        msg = f"pacs: the archive did not answer {what} in time, or broke off"
        raise PassingError(msg)
    if code in OUT_OF_RESOURCES:
        msg = f"pacs: the archive could not finish {what} (status 0x{code:04X}); try again later"
        raise PassingError(msg)
    if code != SUCCESS:
        msg = f"pacs: the archive refused {what} (status 0x{code:04X}); check what it allows us"
        raise PacsError(msg)
