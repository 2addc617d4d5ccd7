"""The configuration of an archive: one small YAML file; secrets come from the environment alone.

::

    dicomweb:                                  # either this, or `dimse`, or both
      url: https://pacs.example/dicom-web
      username: diagnosis                      # password: DIAGNOSIS_PACS_PASSWORD; or DIAGNOSIS_PACS_TOKEN
    dimse:
      host: pacs.example
      port: 11112
      ae_title: ARCHIVE
      retrieve: get                            # or move: the archive then sends to `local`
      use_tls: true
    local:                                     # who we are, and where we listen
      ae_title: DIAGNOSIS
      address: 127.0.0.1
      port: 11113
      use_tls: false
      callers:                                 # all others are refused
        - {ae_title: ARCHIVE, address: 10.1.2.3}
    tls: {ca_file: ca.pem, certificate_file: our.pem, key_file: our.key}
    timeouts: {connect_s: 10, response_s: 60, total_s: 3600}
    retries: {attempts: 4, longest_wait_s: 20}
    completeness: {settle_s: 5, quiet_s: 60, give_up_s: 600}
    limits: {images_per_study: 20000, gib_per_study: 16}

Paths are relative to the file. An unknown key is an error, so that a misspelled one is not without effect.
"""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, Self, final
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from diagnosis import settings
from diagnosis.errors import ConfigurationError
from diagnosis.field_errors import first_field_error

MAX_FILE_BYTES = 2**16


def _ae_title(text: str) -> str:
    title = text.strip()
    if not 1 <= len(title) <= 16 or not title.isascii() or not title.isprintable() or "\\" in title:
        msg = "an AE title has 1 to 16 printable ASCII characters and no backslash"
        raise ValueError(msg)
    return title


def _ip_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        msg = "it is not an IP address such as 10.1.2.3"
        raise ValueError(msg) from error


AeTitle = Annotated[str, AfterValidator(_ae_title)]
IpAddress = Annotated[str, AfterValidator(_ip_address)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@final
class DicomWebConfig(_Part):
    """The DICOMweb service of the archive.

    Attributes:
        url: without a trailing slash; credentials travel over https or to this machine only.
        username: for HTTP basic authentication, or None.
    """

    url: str
    username: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
            msg = "url is http(s)://host[:port]/path without credentials and query"
            raise ValueError(msg)
        return self

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can listen."""
        parts = urlsplit(self.url)
        return parts.scheme == "https" or parts.hostname in {"localhost", "127.0.0.1", "::1"}


@final
class DimseConfig(_Part):
    """The DIMSE service of the archive."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Port
    ae_title: AeTitle
    retrieve: Literal["get", "move"] = "get"
    use_tls: bool = False


@final
class Caller(_Part):
    """Who may send images to us: both have to fit."""

    ae_title: AeTitle
    address: IpAddress


@final
class LocalConfig(_Part):
    """Who we are, and where we listen. Port 0 takes a free one."""

    ae_title: AeTitle = "DIAGNOSIS"
    address: IpAddress = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 11113
    use_tls: bool = False
    callers: tuple[Caller, ...] = ()


@final
class TlsConfig(_Part):
    """Certificates as PEM files.

    Attributes:
        ca_file: who signs the archive's certificate; the system's authorities where None.
        certificate_file: ours, shown to the archive and to callers.
        key_file: its private key; the passphrase is DIAGNOSIS_PACS_KEY_PASSWORD.
    """

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            msg = "certificate_file and key_file belong together"
            raise ValueError(msg)
        return self


@final
class TimeoutConfig(_Part):
    """After how long an attempt is given up: to connect, for one answer, for one series."""

    connect_s: Seconds = 10.0
    response_s: Seconds = 60.0
    total_s: Seconds = 3600.0


@final
class RetryConfig(_Part):
    """How often a passing failure is tried, and the longest wait in between; waits double from one second on."""

    attempts: Annotated[int, Field(ge=1, le=20)] = 4
    longest_wait_s: Annotated[float, Field(ge=0, le=600)] = 20.0


@final
class CompletenessConfig(_Part):
    """When a study that is being received counts as complete, or as lost.

    Attributes:
        settle_s: without news for so long, the archive is asked how large a study is.
        quiet_s: without news for so long, a study of unknown size counts as complete.
        give_up_s: without news for so long, a study that lacks images counts as lost.
    """

    settle_s: Seconds = 5.0
    quiet_s: Seconds = 60.0
    give_up_s: Seconds = 600.0


@final
class ReceiveLimits(_Part):
    """What one study may cost at most."""

    images_per_study: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    gib_per_study: Annotated[float, Field(gt=0, le=1024)] = 16.0
    open_studies: Annotated[int, Field(ge=1, le=10_000)] = 64


@final
class PacsConfig(_Part):
    """All there is to know of an archive."""

    dicomweb: DicomWebConfig | None = None
    dimse: DimseConfig | None = None
    local: LocalConfig = LocalConfig()
    tls: TlsConfig = TlsConfig()
    timeouts: TimeoutConfig = TimeoutConfig()
    retries: RetryConfig = RetryConfig()
    completeness: CompletenessConfig = CompletenessConfig()
    limits: ReceiveLimits = ReceiveLimits()


def load_config(path: Path | None = None) -> PacsConfig:
    """Read the configuration named, or the one that `DIAGNOSIS_PACS` names.

    Raises:
        ConfigurationError: none is named, it cannot be read, or it holds what it should not.
    """
    path = path or settings.pacs_configuration()
    if path is None:
        msg = "pacs: no configuration is named; add --pacs FILE, or set DIAGNOSIS_PACS"
        raise ConfigurationError(msg)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            msg = f"pacs: the configuration is larger than {MAX_FILE_BYTES // 1024} KiB; name the right file"
            raise ConfigurationError(msg)
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        msg = "pacs: the configuration cannot be read; name a YAML file with --pacs"
        raise ConfigurationError(msg) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # impossible dates and numbers; endless nesting
        msg = "pacs: the configuration is not YAML; correct it"
        raise ConfigurationError(msg) from error
    return parse_config(content, path.parent)


def parse_config(content: object, folder: Path) -> PacsConfig:
    """Check what a configuration says; paths in it are relative to `folder`.

    Raises:
        ConfigurationError: an unknown key, a value that cannot be, or credentials that others could overhear.
    """
    try:
        config = PacsConfig.model_validate(content or {})
    except ValidationError as error:
        place = error.errors(include_input=False, include_url=False, include_context=False)[0]["loc"]
        hint = "; secrets belong into the environment" if place[-1:] in {("password",), ("token",)} else ""
        msg = f"pacs: {first_field_error(error, PacsConfig.model_fields)}{hint}; correct the configuration"
        raise ConfigurationError(msg) from None
    has_secret = config.dicomweb is not None and (config.dicomweb.username or settings.pacs_secret("TOKEN"))
    if config.dicomweb is not None and has_secret and not config.dicomweb.is_private:
        msg = "pacs: dicomweb.url is http, where others can read the credentials; use https"
        raise ConfigurationError(msg)
    named = {name: folder / file for name, file in config.tls if file is not None}
    if missing := [name for name, file in named.items() if not file.is_file()]:
        msg = f"pacs: tls.{missing[0]} does not exist; name a PEM file, relative to the configuration"
        raise ConfigurationError(msg)
    return config.model_copy(update={"tls": TlsConfig(**named)})
