"""`diagnosis ui`: the clinician's dashboard."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from diagnosis import settings
from diagnosis.errors import MissingDependencyError


def ui_command(
    cases: Annotated[Path | None, typer.Argument(help="Folder of case folders (default: the samples).")] = None,
    port: Annotated[int, typer.Option("--port", help="Port on the loopback address.")] = 8501,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Bundle folder.")] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Do not open a browser.")] = False,
) -> None:
    """Open the dashboard in a browser. It is served on the loopback address only."""
    # The dashboard stands on this package, not the other way round: it is found and started, not imported.
    found = importlib.util.find_spec("clinician_ui")
    if found is None or found.origin is None:
        msg = "dashboard: the package clinician_ui is not installed; install this project again"
        raise MissingDependencyError(msg)
    entry = Path(found.origin).parent / "server.py"
    command = [sys.executable, "-m", "streamlit", "run", str(entry)]
    options = {
        "server.address": "127.0.0.1",
        "server.port": str(port),
        "server.headless": str(headless).lower(),
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
    }
    command += [f"--{name}={value}" for name, value in options.items()]
    command += ["--", str(cases or settings.data_samples_dir()), str(bundle or settings.bundle_dir())]
    raise typer.Exit(subprocess.call(command))
