"""DIMSE associations: who we are, what we offer, how long we wait, and errors in our words."""

import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom import AE, AllStoragePresentationContexts, _config, build_role, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.presentation import PresentationContext, build_context

from diagnosis.errors import PacsError
from diagnosis.pacs.attempts import PassingError
from diagnosis.pacs.config import PacsConfig
from diagnosis.pacs.outgoing import quiet_pydicom
from diagnosis.pacs.tls import CHECK_TLS, client_context, handshake_fault

_STORAGE: Final = "1.2.840.10008.5.1.4.1.1"
CT_CLASSES: Final = tuple(UID(f"{_STORAGE}.{tail}") for tail in ("2", "2.1", "2.2"))
"""CT, Enhanced CT, Legacy Converted Enhanced CT."""
OTHER_CLASSES: Final = tuple(
    UID(f"{_STORAGE}.{tail}")
    for tail in (
        "7", "7.1", "7.2", "7.3", "7.4",  # Secondary Capture
        "11.1", "30", "66.4",  # presentation state, Parametric Map, Segmentation
        "88.11", "88.22", "88.33", "88.34", "88.59", "88.67",  # structured reports, key objects, dose
        "104.1",  # Encapsulated PDF
    )
)  # fmt: skip
STORAGE_CLASSES: Final = tuple(UID(str(context.abstract_syntax)) for context in AllStoragePresentationContexts)
"""Everything that can be stored."""
UNCOMPRESSED: Final = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
COMPRESSED: Final = (
    JPEG2000Lossless, JPEGLosslessSV1, JPEGLossless, JPEGLSLossless, RLELossless, JPEG2000, JPEGLSNearLossless,
    JPEGBaseline8Bit, JPEGExtended12Bit, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian,
)  # fmt: skip
REJECTED: Final = (1, 2)
"""Results of an association that is rejected, for good and for now (DICOM PS3.8, table 9-21)."""
RESULT_SOURCES: Final = {1: "it does not know us", 2: "its protocol fails", 3: "it is busy"}


def quiet_pynetdicom() -> None:
    """Keep it from logging what passes by: identifiers stand in nearly every message."""
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = False
    _config.LOG_RESPONSE_IDENTIFIERS = False


def our_entity(config: PacsConfig) -> AE:
    """Our application entity, with a limit on every wait."""
    quiet_pynetdicom()
    quiet_pydicom()
    entity = AE(ae_title=config.local.ae_title)
    entity.connection_timeout = config.timeouts.connect_s
    entity.acse_timeout = config.timeouts.connect_s
    entity.dimse_timeout = config.timeouts.response_s
    entity.network_timeout = config.timeouts.response_s
    return entity


def prepare_socket(event: evt.Event) -> None:
    """No wait without a limit, and no small packets held back.

    A side that stops within a message would otherwise block for ever: the library waits for the rest of what it began
    to read or write. Holding small packets back costs some 50 ms an image.
    """
    transport = event.assoc.dul.socket
    if transport is not None and transport.socket is not None:
        transport.socket.settimeout(event.assoc.network_timeout)
        transport.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@contextmanager
def association(
    config: PacsConfig,
    contexts: Sequence[PresentationContext],
    roles: Sequence[UID] = (),
    handlers: Sequence[tuple[Any, Any]] = (),
) -> Iterator[Association]:
    """An association with the archive, released at the end, or aborted if its use fails.

    Args:
        config: with `dimse`.
        contexts: what we offer.
        roles: storage classes for which we also receive (C-GET).
        handlers: of events, as pynetdicom takes them.

    Raises:
        PassingError: out of reach, busy, out of time, broken off.
        PacsError: refused for good, or no DIMSE service is configured.
    """
    made = _associate(config, contexts, roles, handlers)
    try:
        yield made
    except RuntimeError as error:  # pynetdicom's, where the other side ends it just before something is sent
        if made.is_established:
            made.abort()
            raise
        msg = "pacs: the archive broke off the connection; try again later"
        raise PassingError(msg) from error
    except BaseException:  # the archive may be sending still, and would not answer to a release
        if made.is_established:
            made.abort()
        raise
    if made.is_established:
        made.release()


def _associate(
    config: PacsConfig,
    contexts: Sequence[PresentationContext],
    roles: Sequence[UID],
    handlers: Sequence[tuple[Any, Any]],
) -> Association:
    dimse = config.dimse
    if dimse is None:
        msg = "pacs: the configuration names no DIMSE service; add dimse.host, port and ae_title"
        raise PacsError(msg)
    entity = our_entity(config)
    made = entity.associate(
        dimse.host,
        dimse.port,
        contexts=list(contexts),
        ae_title=dimse.ae_title,
        ext_neg=[build_role(uid, scp_role=True, scu_role=False) for uid in roles],
        evt_handlers=[(evt.EVT_CONN_OPEN, prepare_socket), *handlers],
        tls_args=(client_context(config.tls), dimse.host) if dimse.use_tls else None,
    )
    if not made.is_established:
        raise _not_established(made, config)
    return made


def rejection(made: Association) -> A_ASSOCIATE | None:
    """The answer by which the other side rejected the association, if that is what it did.

    An answer that comes, with the end of the connection, before pynetdicom (3.0) has looked whether it is connected
    counts there as no connection, and is left in its queue: about one rejection in twenty of an archive nearby.
    """
    answer = made.acceptor.primitive or made.dul.receive_pdu(wait=False)
    return answer if isinstance(answer, A_ASSOCIATE) and answer.result in REJECTED else None


def _not_established(made: Association, config: PacsConfig) -> PacsError:
    answer = rejection(made)
    if answer is not None:
        why = RESULT_SOURCES.get(answer.result_source or 0, "for reasons of its own")
        if answer.result == 2:
            return PassingError(f"pacs: the archive rejects us for now ({why}); try again later")
        msg = f"pacs: the archive rejects us ({why}); check dimse.ae_title and local.ae_title, and that it knows us"
        return PacsError(msg)
    if made.acceptor.primitive is not None and not made.accepted_contexts:
        return PacsError("pacs: the archive offers none of the services that are needed; check its settings")
    if config.dimse is not None and config.dimse.use_tls:
        address, waits = (config.dimse.host, config.dimse.port), config.timeouts.connect_s
        if (fault := handshake_fault(address, client_context(config.tls), waits)) is not None:
            return PacsError(f"pacs: the encrypted connection failed ({fault}); {CHECK_TLS}")
    msg = "pacs: the archive cannot be reached, does not answer in time or breaks off; check dimse.host, port, use_tls"
    return PassingError(msg)


def joint_contexts(classes: Sequence[UID]) -> list[PresentationContext]:
    """For receiving from an archive that sends all of a class in the one context it finds first: it has to choose."""
    return [build_context(uid, [*(COMPRESSED if uid in CT_CLASSES else ()), *UNCOMPRESSED]) for uid in classes]


def storage_contexts(classes: Sequence[UID]) -> list[PresentationContext]:
    """For receiving: one for plain data and one for each compression, so that nothing is converted on the way."""
    plain = [build_context(uid, list(UNCOMPRESSED)) for uid in classes]
    return plain + [build_context(uid, syntax) for uid in classes if uid in CT_CLASSES for syntax in COMPRESSED]
