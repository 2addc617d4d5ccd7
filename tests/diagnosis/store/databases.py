"""Databases for the tests: SQLite files, and a PostgreSQL server of the test run's own."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _program(name: str) -> Path | None:
    """Debian keeps the server's programs out of the path."""
    found = [Path(p) for p in [shutil.which(name) or ""] if p]
    return next(iter([*sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True), *found]), None)


def need_postgresql() -> tuple[Path, Path]:
    """Programs that make and run a server; without them a test is skipped, but on CI it fails."""
    initdb, postgres = _program("initdb"), _program("pg_ctl")
    if initdb is None or postgres is None:
        if os.environ.get("CI") == "true":
            pytest.fail("postgresql is not installed")
        pytest.skip("postgresql is not installed")
    return initdb, postgres


def _as_nobody(command: list[str]) -> list[str]:
    """The server refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]


@contextmanager
def postgresql_server() -> Iterator[str]:
    """URL of a server on a free loopback port, up to its last `/`."""
    initdb, pg_ctl = need_postgresql()
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
        data, log = folder / "data", folder / "log"
        quick = ["-A", "trust", "-U", "tester", "--no-sync", "-E", "UTF8", "--locale=C"]
        run(_as_nobody([str(initdb), "-D", str(data), *quick]), folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = f"-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories= -c max_connections=60"
        control = [str(pg_ctl), "-D", str(data), "-w", "-l", str(log)]
        run(_as_nobody([*control, "-o", options, "start"]), folder)
        try:
            yield f"postgresql://tester@127.0.0.1:{port}/"
        finally:
            run(_as_nobody([*control, "-m", "immediate", "stop"]), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(command: list[str], folder: Path) -> None:
    # The started server keeps standard output open: it must not be a pipe that is read to its end.
    found = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if found.returncode:
        pytest.fail(f"{Path(command[-1]).name}: the PostgreSQL server of the tests did not do this")
