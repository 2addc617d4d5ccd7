"""`diagnosis serve`: the engine behind HTTP."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def serve_command(
    work: Annotated[Path, typer.Option("--work", help="Folder for waiting studies and their results.")],
    studies: Annotated[Path | None, typer.Option("--studies", help="Folder below which studies may be named.")] = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Bundle folder.")] = None,
    host: Annotated[str, typer.Option("--host", help="Address; others than this machine need a token or mTLS.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", help="Port.")] = 8480,
    token_file: Annotated[Path | None, typer.Option("--token-file", help="Bearer token (or DIAGNOSIS_TOKEN).")] = None,
    certificate: Annotated[Path | None, typer.Option("--certificate", help="TLS certificate (PEM).")] = None,
    certificate_key: Annotated[Path | None, typer.Option("--certificate-key", help="Its key (PEM).")] = None,
    client_ca: Annotated[
        Path | None, typer.Option("--client-ca", help="Only clients with a certificate of it.")
    ] = None,
) -> None:
    """Serve assessments over HTTP: submit, status, assessment, explanation, exports; OpenAPI at /openapi.json."""
    from importlib.util import find_spec

    from diagnosis import settings
    from diagnosis.errors import MissingDependencyError
    from diagnosis.service.configuration import ServiceConfiguration, read_token

    missing = [name for name in ("fastapi", "uvicorn", "prometheus_client") if find_spec(name) is None]
    if missing:
        msg = f'serve: {", ".join(missing)} is not installed; run pip install ".[server]"'
        raise MissingDependencyError(msg)
    configuration = ServiceConfiguration(
        work, studies, read_token(token_file) if token_file else settings.service_token(), client_ca, certificate,
        certificate_key, host, port, bundle=bundle,
    )  # fmt: skip
    import ssl

    import uvicorn

    from diagnosis.service.app import create_app

    def load_engine():  # type: ignore[no-untyped-def]  # noqa: ANN202 - importing its type would be slow
        from diagnosis.engine import DiagnosisEngine

        return DiagnosisEngine.load(configuration.bundle)

    scheme = "https" if certificate else "http"
    Console().print(f"Serving at {scheme}://{host}:{port}  (OpenAPI: /openapi.json; stop with Ctrl-C)")
    uvicorn.run(
        create_app(configuration, load_engine), host=host, port=port, log_level="warning", access_log=False,
        server_header=False, ssl_certfile=certificate, ssl_keyfile=certificate_key,
        ssl_ca_certs=str(client_ca) if client_ca else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if client_ca else ssl.CERT_NONE,
    )  # fmt: skip
