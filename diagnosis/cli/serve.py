"""`diagnosis serve`: the engine behind HTTP."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from diagnosis.cli import options
from diagnosis.kept_imports import kept_for_good

if TYPE_CHECKING:
    from socket import socket

    from diagnosis import DiagnosisEngine
    from diagnosis.service.configuration import ServiceConfiguration


def serve_command(
    work: Annotated[Path, typer.Option("--work", help="Folder for waiting studies and their results.")],
    studies: Annotated[Path | None, typer.Option("--studies", help="Folder below which studies may be named.")] = None,
    bundle: options.Bundle = None,
    host: Annotated[str, typer.Option("--host", help="Address; others than this machine need a token or mTLS.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port.")] = 8480,
    token_file: Annotated[Path | None, typer.Option("--token-file", help="Bearer token (or DIAGNOSIS_TOKEN).")] = None,
    certificate: Annotated[Path | None, typer.Option("--certificate", help="TLS certificate (PEM).")] = None,
    certificate_key: Annotated[Path | None, typer.Option("--certificate-key", help="Its key (PEM).")] = None,
    client_ca: Annotated[
        Path | None, typer.Option("--client-ca", help="Only clients with a certificate of it.")
    ] = None,
) -> None:
    """Serve assessments over HTTP: submit, status, assessment, explanation, exports; OpenAPI at /openapi.json."""
    from diagnosis import settings
    from diagnosis.extras import require_extra
    from diagnosis.service.configuration import ServiceConfiguration, read_token

    require_extra("server", "serve")
    configuration = ServiceConfiguration(
        work, studies, read_token(token_file) if token_file else settings.service_token(), client_ca, certificate,
        certificate_key, host, port, bundle=bundle,
    )  # fmt: skip
    _run(configuration)


def _run(configuration: "ServiceConfiguration") -> None:
    """Serve until stopped.

    Raises:
        ConfigurationError: the address cannot be used, or another service has the work folder.
        BundleError: the model cannot be loaded; nothing is served without one.
    """
    import ssl

    import uvicorn

    from diagnosis.service.app import create_app

    failures: list[Exception] = []

    def load_engine() -> "DiagnosisEngine":
        from diagnosis import DiagnosisEngine  # torch is loaded while the port already answers

        try:
            with kept_for_good():
                return DiagnosisEngine.load(configuration.bundle)
        except Exception as error:  # whatever it is, nothing can be served
            failures.append(error)
            server.should_exit = True
            raise

    with _bound(configuration.host, configuration.port) as address:
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(configuration, load_engine), log_level="warning", access_log=False, server_header=False,
                ssl_certfile=configuration.certificate, ssl_keyfile=configuration.certificate_key,
                ssl_ca_certs=str(configuration.client_ca) if configuration.client_ca else None,
                ssl_cert_reqs=ssl.CERT_REQUIRED if configuration.client_ca else ssl.CERT_NONE,
            )
        )  # fmt: skip
        Console().print(f"Serving at {configuration.url}  (OpenAPI: /openapi.json; stop with Ctrl-C)")
        server.run(sockets=[address])
    if failures:
        raise failures[0]


def _bound(host: str, port: int) -> "socket":
    """A socket that listens at the address."""
    from socket import AF_INET, AF_INET6, create_server

    from diagnosis.errors import ConfigurationError

    try:
        return create_server((host, port), family=AF_INET6 if ":" in host else AF_INET, backlog=2048)
    except OSError as error:
        why = str(error.strerror).split(" (", maxsplit=1)[0]  # Python adds the address once more in brackets
        msg = f"service: port {port} at {host} cannot be used ({why}); name another with --port or --host"
        raise ConfigurationError(msg) from error
