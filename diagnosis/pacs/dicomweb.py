"""An archive by DICOMweb: QIDO to find, WADO to fetch, STOW to send."""

import logging
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from typing import Any, TypeVar, final

import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset
from requests.adapters import HTTPAdapter

from diagnosis import settings
from diagnosis.errors import InputError, PacsError
from diagnosis.pacs.archive import MAX_MATCHES, Sending, SeriesListing, StudyQuery, matching_studies, series_listings
from diagnosis.pacs.attempts import PassingError, attempt
from diagnosis.pacs.config import PacsConfig
from diagnosis.pacs.instance_folder import InstanceFolder
from diagnosis.pacs.outgoing import PARSE_FAILURES, PLAIN, decompressed, quiet_pydicom, read_outgoing, transfer_syntax
from diagnosis.pacs.tls import CHECK_TLS, client_context, fault_of

T = TypeVar("T")
PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
ANY_TRANSFER_SYNTAX = (("application/dicom", "*"),)


@final
class DicomWebArchive:
    """The DICOMweb service of a configuration.

    Raises:
        ConfigurationError: a certificate cannot be used.
        PacsError: the configuration names no such service.
    """

    def __init__(self, config: PacsConfig) -> None:
        if config.dicomweb is None:
            msg = "pacs: the configuration names no DICOMweb service; add dicomweb.url"
            raise PacsError(msg)
        quiet_pydicom()
        # It logs identifiers as part of addresses.
        for library in ("dicomweb_client", "urllib3", "retrying"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
        self._config = config
        waits = (config.timeouts.connect_s, config.timeouts.response_s)
        self._client = DICOMwebClient(
            config.dicomweb.url.rstrip("/"), session=_session(config), timeout=waits, callback=_require_whole
        )
        self._client.set_http_retry_params(retry=False)  # `attempt` does that, for broken connections too

    def check(self) -> None:
        """Ask for one study.

        Raises:
            PacsError: see `Archive`.
        """
        self._ask(lambda: self._client.search_for_studies(limit=1))

    def find_studies(self, query: StudyQuery) -> list[str]:
        """QIDO on the level of studies.

        Raises:
            PacsError: see `Archive`.
        """
        filters = query.filters()
        found = self._query(lambda: self._client.search_for_studies(search_filters=filters, limit=MAX_MATCHES))
        return matching_studies(found, query)

    def list_series(self, study_uid: str) -> tuple[SeriesListing, ...]:
        """QIDO on the level of series; where the archive gives no counts its instances are counted.

        Raises:
            PacsError: see `Archive`.
        """
        fields = ["NumberOfSeriesRelatedInstances"]
        found = self._query(lambda: self._client.search_for_series(study_uid, fields=fields))
        return tuple(self._counted(study_uid, one) for one in series_listings(found))

    def retrieve_series(self, study_uid: str, series_uid: str, folder: InstanceFolder) -> None:
        """WADO in the transfer syntax that the archive has, one image in memory at a time.

        Raises:
            PacsError: see `Archive`.
        """

        def fetch() -> None:
            deadline = time.monotonic() + self._config.timeouts.total_s
            images = self._client.iter_series(study_uid, series_uid, media_types=ANY_TRANSFER_SYNTAX)
            for image in images:
                _keep(image, series_uid, folder)
                if time.monotonic() > deadline:
                    msg = "pacs: a series took longer than timeouts.total_s and was given up"
                    raise PacsError(msg)

        self._ask(fetch)

    def store(self, files: Sequence[Path]) -> Sending:
        """STOW, one file a request; once more decompressed where the compressed form is refused.

        Raises:
            PacsError: see `Archive`; a file that is refused is part of the answer and not an error.
        """
        n_decompressed, refused = 0, []
        for number, path in enumerate(files, start=1):
            data_set = read_outgoing(path)
            why = self._store_one(data_set)
            if why is not None and transfer_syntax(data_set) not in PLAIN:
                try:
                    why = self._store_one(decompressed(data_set))
                    n_decompressed += why is None
                except InputError as error:
                    why = str(error)
            if why is not None:
                refused.append((number, why))
        return Sending(len(files) - len(refused), n_decompressed, tuple(refused))

    def _store_one(self, data_set: Dataset) -> str | None:
        """Reason why it was refused, or None."""
        try:
            answer = self._ask(lambda: self._client.store_instances([data_set]))
        except _RefusedError as error:
            return str(error)
        failed = answer.get("FailedSOPSequence")
        if failed:
            return f"refused with reason 0x{int(failed[0].get('FailureReason', 0)):04X}"
        return None if answer.get("ReferencedSOPSequence") else "the archive did not confirm that it keeps it"

    def _counted(self, study_uid: str, listing: SeriesListing) -> SeriesListing:
        if listing.n_images is not None:
            return listing
        found = self._query(lambda: self._client.search_for_instances(study_uid, listing.series_uid))
        return SeriesListing(listing.series_uid, listing.modality, len(found) or None)

    def _query(self, action: Callable[[], list[dict[str, Any]]]) -> list[Dataset]:
        return self._ask(lambda: [Dataset.from_json(item) for item in action()])

    def _ask(self, action: Callable[[], T]) -> T:
        def translated() -> T:
            with _in_our_words():
                return action()

        return attempt(translated, self._config.retries)


@final
class _RefusedError(PacsError):
    """A request that the service understood and does not want."""


@final
class _TlsAdapter(HTTPAdapter):
    """HTTPS with our certificate and its passphrase, which `requests` alone cannot give."""

    def __init__(self, config: PacsConfig) -> None:
        self._tls = config.tls
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - handed through
        super().init_poolmanager(*args, ssl_context=client_context(self._tls), **kwargs)


def _session(config: PacsConfig) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy and no password that the configuration does not know of
    session.mount("https://", _TlsAdapter(config))
    if config.tls.ca_file is not None:
        session.verify = str(config.tls.ca_file)
    if (token := settings.pacs_secret("TOKEN")) is not None:
        session.headers["Authorization"] = f"Bearer {token}"
    elif config.dicomweb is not None and config.dicomweb.username is not None:
        session.auth = (config.dicomweb.username, settings.pacs_secret("PASSWORD") or "")
    return session


def _require_whole(response: requests.Response, *_: object, **__: object) -> requests.Response:
    """Have the response raise where it ends before its closing boundary.

    A server that closes the connection states no length, and a cut image would pass for a whole one.
    """
    kind = Message()
    kind["Content-Type"] = response.headers.get("Content-Type", "")
    boundary = kind.get_boundary()
    if kind.get_content_type() != "multipart/related" or boundary is None:
        return response
    closing, read = f"--{boundary}--".encode(), response.iter_content

    def watched(chunk_size: int | None = 1, decode_unicode: bool = False) -> Iterator[Any]:
        tail = b""
        for chunk in read(chunk_size, decode_unicode):
            tail = (tail + chunk)[-len(closing) - 16 :]
            yield chunk
        if not tail.rstrip().endswith(closing):
            raise requests.exceptions.ChunkedEncodingError

    response.iter_content = watched  # type: ignore[method-assign]
    return response


def _keep(image: Dataset, series_uid: str, folder: InstanceFolder) -> None:
    sop_uid = str(image.get("SOPInstanceUID", ""))
    if str(image.get("SeriesInstanceUID", "")) != series_uid or not sop_uid:
        msg = "pacs: the archive answered with images of another series; check its DICOMweb service"
        raise PacsError(msg)
    folder.add(series_uid, sop_uid, lambda path: image.save_as(path, enforce_file_format=True))


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Errors without addresses, for these hold identifiers; hence also without their causes."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        raise PacsError(_encryption_failed(error)) from None
    except requests.HTTPError as error:
        raise _of_status(0 if error.response is None else error.response.status_code) from None
    except requests.Timeout:
        msg = "pacs: the archive did not answer in time (timeouts.connect_s, timeouts.response_s)"
        raise PassingError(msg) from None
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
        if any(isinstance(one, ssl.SSLError) for one in _causes(error)):
            raise PacsError(_encryption_failed(error)) from None
        msg = "pacs: the archive cannot be reached, or the connection broke; check dicomweb.url"
        raise PassingError(msg) from None
    except (requests.RequestException, *PARSE_FAILURES):
        msg = "pacs: the answer is not DICOMweb; check dicomweb.url"
        raise PacsError(msg) from None


def _encryption_failed(error: BaseException) -> str:
    faults = [fault for cause in _causes(error) if (fault := fault_of(cause)) is not None]
    return f"pacs: the encrypted connection failed{f' ({faults[-1]})' if faults else ''}; {CHECK_TLS}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it came from, the innermost last."""
    pending, seen = [error], set[int]()
    while pending:
        one = pending.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
        pending += [found for found in inner if isinstance(found, BaseException)]


def _of_status(status: int) -> PacsError:
    if status in {401, 403}:
        return PacsError("pacs: the archive refuses our credentials; check dicomweb.username and the environment")
    if status == 404:
        return PacsError("pacs: the archive knows no such study, series or address; check dicomweb.url")
    if status in PASSING_STATUS:
        return PassingError(f"pacs: the archive is busy or failed (HTTP {status}); try again later")
    return _RefusedError(f"pacs: the archive refused the request (HTTP {status})")
