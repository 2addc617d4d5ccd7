"""`diagnosis ui`: the clinician's dashboard."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from diagnosis import settings
from diagnosis.cli import options
from diagnosis.errors import CaseError, ConfigurationError, MissingDependencyError

_AUTH_KEYS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")


def ui_command(
    cases: Annotated[Path | None, typer.Argument(help="Folder of case folders (default: the samples).")] = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port.")] = 8501,
    bundle: options.Bundle = None,
    headless: Annotated[bool, typer.Option("--headless", help="Do not open a browser.")] = False,
    host: Annotated[str, typer.Option("--host", help="Address to serve on; others than loopback need --login.")] = (
        "127.0.0.1"
    ),
    login: Annotated[
        Path | None,
        typer.Option("--login", help="TOML file that names an OIDC provider ([auth]) and roles ([access])."),
    ] = None,
) -> None:
    """Open the dashboard in a browser. Without a login provider it is served on the loopback address only."""
    if login is not None:
        _require_login_file(login)
    elif not settings.is_loopback(host):
        msg = (
            "dashboard: without a login provider it is served on the loopback address only; leave out --host, or name "
            "a provider with --login"
        )
        raise ConfigurationError(msg)
    cases, bundle = cases or settings.data_samples_dir(), bundle or settings.bundle_dir()
    _require_folders(cases, bundle)
    _require_free_port(host, port)
    # The dashboard stands on this package, not the other way round: it is found and started, not imported.
    found = importlib.util.find_spec("clinician_ui")
    if found is None or found.origin is None:
        msg = "dashboard: the package clinician_ui is not installed; install this project again"
        raise MissingDependencyError(msg)
    entry = Path(found.origin).parent / "server.py"
    # -P: the folder it is started in may be the users' own, and a file there be called as a library is.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(entry)]
    settings_of_server = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": str(headless).lower(),
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
    }
    if login is not None:
        settings_of_server["secrets.files"] = str(login.resolve())
    command += [f"--{name}={value}" for name, value in settings_of_server.items()]
    command += ["--", str(cases), str(bundle)]
    paths = [str(Path(found.origin).parent.parent), os.environ.get("PYTHONPATH")]  # this very code, wherever it lies
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    if os.name == "nt":
        raise typer.Exit(subprocess.call(command, env=environment))
    # This process becomes the server: whoever ends it, such as a service manager, ends the dashboard with it.
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)  # noqa: S606 - no shell is wanted


def _require_folders(cases: Path, bundle: Path) -> None:
    """What each page would say is said before there is one."""
    from diagnosis.bundle.checksums import stated_sha256

    if not cases.is_dir():
        msg = "cases: there is no such folder; name one that holds case folders, or leave it out to see the samples"
        raise CaseError(msg)
    stated_sha256(bundle)


def _require_free_port(host: str, port: int) -> None:
    import socket

    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        why = str(error.strerror).split(" (", maxsplit=1)[0]  # Python adds the address once more in brackets
        msg = f"dashboard: port {port} at {host} cannot be used ({why}); name another with --port or --host"
        raise ConfigurationError(msg) from error


def _require_login_file(path: Path) -> None:
    import tomllib

    try:
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = "login: the file cannot be read as TOML; see the dashboard's manual for its two sections"
        raise ConfigurationError(msg) from error
    missing = [key for key in _AUTH_KEYS if not isinstance(stated.get("auth", {}).get(key), str)]
    if missing:
        msg = f"login: [auth] lacks {', '.join(missing)}; take them from the provider's registration of this dashboard"
        raise ConfigurationError(msg)
