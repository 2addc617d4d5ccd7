"""A C-STORE receiver that only known callers reach, and only with what we take."""

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from socketserver import BaseServer
from typing import Final, cast, final

from pydicom.uid import UID
from pynetdicom import evt
from pynetdicom.presentation import PresentationContext, build_context
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made at import
from pynetdicom.transport import ThreadedAssociationServer

from diagnosis.errors import ConfigurationError, PacsError
from diagnosis.pacs.associations import COMPRESSED, CT_CLASSES, UNCOMPRESSED, our_entity, prepare_socket
from diagnosis.pacs.config import PacsConfig
from diagnosis.pacs.instance_folder import InstanceFolder
from diagnosis.pacs.outgoing import PARSE_FAILURES
from diagnosis.pacs.tls import server_context

ACCEPTED: Final = 0x0000
NOT_AUTHORIZED: Final = 0x0124
OUT_OF_RESOURCES: Final = 0xA700
DOES_NOT_MATCH: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000

OnImage = Callable[[evt.Event], int]
"""Takes one C-STORE request, returns its status."""


@final
class Receiver:
    """Listens while `running`; who is not among the callers is turned away.

    Connections from unknown addresses are closed before a word is read, unknown AE titles are rejected when they ask
    for an association, and a known title from another caller's address is refused each image.

    Raises:
        ConfigurationError: no callers are named.
    """

    def __init__(self, config: PacsConfig, on_image: OnImage, classes: Sequence[UID] = CT_CLASSES) -> None:
        if not config.local.callers:
            msg = "pacs: local.callers is empty, so nobody could send anything; name ae_title and address of each"
            raise ConfigurationError(msg)
        self._config = config
        self._on_image = on_image
        self._classes = classes
        self.port = config.local.port

    @contextmanager
    def running(self) -> Iterator["Receiver"]:
        """Listen until the end of the block; `port` is then the one that was taken.

        Raises:
            PacsError: the address cannot be listened on.
        """
        local = self._config.local
        entity = our_entity(self._config)
        context = server_context(self._config.tls) if local.use_tls else None
        entity.require_called_aet = True
        entity.require_calling_aet = sorted({caller.ae_title for caller in local.callers})
        try:
            server = _GuardedServer(
                entity,
                (local.address, local.port),
                local.ae_title,
                self._contexts(),
                ssl_context=context,
                evt_handlers=[
                    (evt.EVT_CONN_OPEN, prepare_socket),
                    (evt.EVT_REQUESTED, _prefer_what_the_caller_prefers),
                    (evt.EVT_C_STORE, self._store),
                    (evt.EVT_C_ECHO, self._echo),
                ],
            )
        except OSError as error:
            msg = f"pacs: local.address and port cannot be listened on ({error.strerror}); choose others"
            raise PacsError(msg) from error
        server.welcome = frozenset(caller.address for caller in local.callers)
        self.port = int(server.server_address[1])
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        try:
            yield self
        finally:
            BaseServer.shutdown(server)
            entity.shutdown()
            server.server_close()

    def _contexts(self) -> list[PresentationContext]:
        syntaxes: list[str | UID] = [*UNCOMPRESSED, *COMPRESSED]
        return [build_context(Verification), *(build_context(uid, syntaxes) for uid in self._classes)]

    def _store(self, event: evt.Event) -> int:
        return self._on_image(event) if self._is_known(event) else NOT_AUTHORIZED

    def _echo(self, event: evt.Event) -> int:
        return ACCEPTED if self._is_known(event) else NOT_AUTHORIZED

    def _is_known(self, event: evt.Event) -> bool:
        """Whether title and address are those of one and the same caller."""
        requestor = event.assoc.requestor
        if requestor.address_info is None:
            return False
        address = _plain_address(str(requestor.address_info.address))
        return any(
            caller.ae_title == requestor.ae_title and caller.address == address for caller in self._config.local.callers
        )


@final
class _GuardedServer(ThreadedAssociationServer):
    """Turns unknown addresses away before TLS and DICOM, and gives nobody forever to shake hands."""

    welcome: frozenset[str] = frozenset()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a connection.

        Raises:
            OSError: unknown address or a failed handshake; the server then goes on with the next.
        """
        listening = cast("socket.socket", self.socket)
        client, address = listening.accept()
        if _plain_address(address[0]) not in self.welcome:
            client.close()
            msg = "unknown caller"
            raise OSError(msg)
        try:
            if self.ssl_context is not None:
                client.settimeout(self.ae.acse_timeout)
                client = self.ssl_context.wrap_socket(client, server_side=True)
        except OSError:
            client.close()
            raise
        client.settimeout(self.ae.network_timeout)
        return client, address


def _prefer_what_the_caller_prefers(event: evt.Event) -> None:
    """Of several transfer syntaxes for one class take the one that is named first.

    A caller that cannot convert names the one its files have and then plain ones, without which nothing may be offered
    (PS3.5 section 10): whoever answers with a plain one never gets these files.
    """
    asked = event.assoc.requestor.primitive
    if asked is None:
        return
    order: dict[UID | None, list[UID]] = {}
    for context in asked.presentation_context_definition_list:
        order.setdefault(context.abstract_syntax, []).extend(context.transfer_syntax)
    supported = event.assoc.acceptor.supported_contexts
    for context in supported:
        named = [syntax for syntax in order.get(context.abstract_syntax, []) if syntax in context.transfer_syntax]
        if named:
            context.transfer_syntax = list(dict.fromkeys(named))
    event.assoc.acceptor.supported_contexts = supported


def keep_image(event: evt.Event, folder: InstanceFolder, study_uid: str) -> int:
    """Write the image of a C-STORE request as it came; its DIMSE status.

    An image of another study than the folder's is refused: images of two patients must never come to lie together,
    and whoever may send to us may do so while we fetch something else.
    """
    try:
        data_set = event.dataset
        if str(data_set.StudyInstanceUID) != study_uid:
            return NOT_AUTHORIZED
        series_uid, sop_uid = str(data_set.SeriesInstanceUID), str(data_set.SOPInstanceUID)
        content = event.encoded_dataset()
    except PARSE_FAILURES:
        return CANNOT_UNDERSTAND
    if sop_uid != str(getattr(event.request, "AffectedSOPInstanceUID", "")) or not series_uid:
        return DOES_NOT_MATCH
    try:
        folder.add(series_uid, sop_uid, lambda path: path.write_bytes(content))
    except PacsError:
        return OUT_OF_RESOURCES
    return ACCEPTED


def _plain_address(text: str) -> str:
    """Without zone, and IPv4 as such where it comes in the clothes of IPv6."""
    address = ipaddress.ip_address(text.split("%", maxsplit=1)[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
