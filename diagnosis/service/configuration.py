"""How the service runs; what would be unsafe is refused here, before a port is opened."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from diagnosis.errors import ConfigurationError
from diagnosis.settings import is_loopback

MIN_TOKEN_CHARACTERS = 16
MAX_UPLOAD_BYTES = 2 * 2**30
MAX_WAITING = 32


@final
@dataclass(frozen=True)
class ServiceConfiguration:
    """All settings of one service.

    Attributes:
        work_dir: folder of the jobs; made for its owner alone.
        studies_root: folder below which studies may be named by reference, or None for uploads only.
        token: bearer token, or None.
        client_ca: certificates whose clients are let in (mTLS), or None.
        certificate, certificate_key: of the server, for TLS.
        host, port: address.
        max_upload_bytes: of one body.
        max_waiting: jobs that may wait; more are refused with 503.
        bundle: folder, or None for the default.

    Raises:
        ConfigurationError: an address open to others without token or client certificates, a short token, half of TLS,
            certificates or folders that cannot be used.
    """

    work_dir: Path
    studies_root: Path | None = None
    token: str | None = field(default=None, repr=False)
    client_ca: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8480
    max_upload_bytes: int = MAX_UPLOAD_BYTES
    max_waiting: int = MAX_WAITING
    bundle: Path | None = None

    def __post_init__(self) -> None:
        if self.token is not None and len(self.token) < MIN_TOKEN_CHARACTERS:
            msg = f"service: the token has fewer than {MIN_TOKEN_CHARACTERS} characters; make a longer one"
            raise ConfigurationError(msg)
        if (self.certificate is None) != (self.certificate_key is None):
            msg = "service: TLS needs a certificate and its key; give both or neither"
            raise ConfigurationError(msg)
        if self.client_ca is not None and self.certificate is None:
            msg = "service: client certificates need TLS; give the server's certificate and key too"
            raise ConfigurationError(msg)
        self._check_certificates()
        if self.token is None and self.client_ca is None and not is_loopback(self.host):
            msg = "service: an address that others reach needs a token or client certificates; give one, or 127.0.0.1"
            raise ConfigurationError(msg)
        if self.studies_root is not None and not self.studies_root.is_dir():
            msg = "service: the folder of studies does not exist; name one, or leave it out and take uploads only"
            raise ConfigurationError(msg)
        try:
            self.work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            msg = f"service: the work folder cannot be made ({error.strerror}); name another"
            raise ConfigurationError(msg) from error

    @property
    def url(self) -> str:
        """Where the service answers, as a browser takes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"

    def _check_certificates(self) -> None:
        """Load the files as the server will: a wrong one is then said in words, and a passphrase never asked for."""
        if self.certificate is None or self.certificate_key is None:
            return
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self.certificate, self.certificate_key, "")
        except (OSError, ssl.SSLError) as error:
            msg = (
                "service: the certificate and its key cannot be used together; give PEM files that belong to each "
                "other, the key without a passphrase"
            )
            raise ConfigurationError(msg) from error
        try:
            if self.client_ca is not None:
                context.load_verify_locations(self.client_ca)
        except (OSError, ssl.SSLError) as error:
            msg = "service: the clients' authority is not a PEM file of certificates; name the right one"
            raise ConfigurationError(msg) from error


def read_token(path: Path) -> str:
    """The token in a file.

    Raises:
        ConfigurationError: it cannot be read, or is empty.
    """
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        msg = "service: the token file cannot be read; check its path and permissions"
        raise ConfigurationError(msg) from error
    if not token:
        msg = "service: the token file is empty; write a token into it"
        raise ConfigurationError(msg)
    return token
