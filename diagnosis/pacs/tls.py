"""Encrypted connections: the archive is always verified; our certificate is shown where there is one."""

import socket
import ssl
from pathlib import Path
from typing import Final

from diagnosis import settings
from diagnosis.errors import ConfigurationError
from diagnosis.pacs.config import TlsConfig

CHECK_TLS: Final = "check tls.ca_file and the certificates of both sides"


def client_context(tls: TlsConfig) -> ssl.SSLContext:
    """For connections that we open; host name and chain of the other side are checked.

    Raises:
        ConfigurationError: a file is not what it should be.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=_authorities(tls.ca_file))
    return _with_certificate(context, tls)


def server_context(tls: TlsConfig) -> ssl.SSLContext:
    """For connections that others open; with `ca_file` they have to show a certificate which it has signed.

    Raises:
        ConfigurationError: there is no certificate, or a file is not what it should be.
    """
    if tls.certificate_file is None:
        msg = "pacs: local.use_tls needs tls.certificate_file and tls.key_file; add them"
        raise ConfigurationError(msg)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=_authorities(tls.ca_file))
    if tls.ca_file is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return _with_certificate(context, tls)


def handshake_fault(address: tuple[str, int], context: ssl.SSLContext, timeout_s: float) -> str | None:
    """Why an encrypted connection to a server cannot be made, in words; None where the handshake is not to blame.

    The libraries above only say that there is no connection. A server that misses our certificate says so after the
    handshake (TLS 1.3), hence one read.
    """
    try:
        with (
            socket.create_connection(address, timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=address[0]) as encrypted,
        ):
            encrypted.settimeout(min(timeout_s, 2.0))
            encrypted.recv(1)
    except ssl.SSLError as error:
        return fault_of(error)
    except OSError:
        return None
    return None


def fault_of(error: BaseException) -> str | None:
    """What is wrong with the certificates, by an error of the ssl module; None where it says nothing of them."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the archive's certificate is not accepted: {error.verify_message or 'it does not verify'}"
    if isinstance(error, ssl.SSLEOFError):
        return "the other side broke off the handshake, as one does that wants another certificate"
    reason = (error.reason or "") if isinstance(error, ssl.SSLError) else ""
    if "ALERT" in reason or "CERTIFICATE" in reason:
        return f"the archive does not accept our certificate ({reason.lower().replace('_', ' ')})"
    return "the other side does not speak TLS as we do" if reason else None


def _authorities(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError) as error:
        msg = "pacs: tls.ca_file is not a PEM file of certificates; name the right one"
        raise ConfigurationError(msg) from error
    return str(path)


def _with_certificate(context: ssl.SSLContext, tls: TlsConfig) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate_file is None or tls.key_file is None:
        return context
    try:
        # An empty passphrase keeps OpenSSL from asking on the terminal.
        context.load_cert_chain(tls.certificate_file, tls.key_file, settings.pacs_secret("KEY_PASSWORD") or "")
    except (OSError, ssl.SSLError) as error:
        msg = "pacs: tls.certificate_file and tls.key_file do not fit, or the passphrase of the key is wrong"
        raise ConfigurationError(msg) from error
    return context
