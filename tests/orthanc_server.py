"""A real archive for tests: Debian's Orthanc with its DICOMweb plugin, on free ports of this machine."""

import base64
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from diagnosis.pacs.config import PacsConfig, parse_config

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
USER, PASSWORD = "t", "correct horse"
AE_TITLE, OUR_TITLE = "ORTHANC", "DIAGNOSIS"


def require_program(name: str) -> str:
    """Path of a program; without it the test is skipped with its name, and in CI it fails."""
    found = shutil.which(name)
    if found is None:
        absent(name)
    return found


def absent(name: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed, and CI has to have it")
    pytest.skip(f"{name} is not installed")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Orthanc:
    """One server; `start` may be called again after `kill`, on the same data."""

    folder: Path
    settings: dict = field(default_factory=dict)
    http_port: int = field(default_factory=free_port)
    dicom_port: int = field(default_factory=free_port)
    our_port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    def start(self) -> "Orthanc":
        program = require_program("Orthanc")
        if not PLUGIN.exists():
            absent("orthanc-dicomweb")
        self.folder.mkdir(parents=True, exist_ok=True)
        database = str(self.folder / "database")
        settings = {
            "StorageDirectory": database,
            "IndexDirectory": database,
            "HttpPort": self.http_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "DicomAet": AE_TITLE,
            "DicomPort": self.dicom_port,
            "DicomCheckCalledAet": True,
            "DicomAlwaysAllowEcho": False,
            "DicomAlwaysAllowStore": False,
            "DicomCheckModalityHost": True,
            "DicomModalities": {"ours": [OUR_TITLE, "127.0.0.1", self.our_port]},
            "Plugins": [str(PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "StudiesMetadata": "Full", "SeriesMetadata": "Full"},
            "OverwriteInstances": True,
            **self.settings,
        }
        path = self.folder / "orthanc.json"
        path.write_text(json.dumps(settings))
        with (self.folder / "orthanc.log").open("ab") as log:
            self.process = subprocess.Popen([program, str(path)], stdout=log, stderr=log)
        self._wait()
        return self

    def kill(self) -> None:
        """At once, as a power failure would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def scheme(self) -> str:
        return "https" if self.settings.get("SslEnabled") else "http"

    def rest(self, path: str, method: str = "GET"):
        """Orthanc's own interface, by which tests look at what is there."""
        request = urllib.request.Request(f"{self.scheme}://127.0.0.1:{self.http_port}{path}", method=method)
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())
        context = ssl._create_unverified_context() if self.scheme == "https" else None
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def upload(self, path: Path) -> str:
        """Put a file in; Orthanc's name of the instance."""
        request = urllib.request.Request(f"{self.scheme}://127.0.0.1:{self.http_port}/instances", method="POST")
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())
        request.data = path.read_bytes()
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())["ID"]

    def tags(self) -> list[dict]:
        """Tags of every instance."""
        return [self.rest(f"/instances/{name}/simplified-tags") for name in self.rest("/instances")]

    def clear(self) -> None:
        for patient in self.rest("/patients"):
            self.rest(f"/patients/{patient}", "DELETE")

    def config(self, **parts) -> PacsConfig:
        """Our configuration for this server; `parts` take the place of whole sections."""
        content = {
            "dicomweb": {"url": f"{self.scheme}://127.0.0.1:{self.http_port}/dicom-web", "username": USER},
            "dimse": {"host": "127.0.0.1", "port": self.dicom_port, "ae_title": AE_TITLE},
            "local": {
                "ae_title": OUR_TITLE,
                "port": self.our_port,
                "callers": [{"ae_title": AE_TITLE, "address": "127.0.0.1"}],
            },
            "timeouts": {"connect_s": 5, "response_s": 20},
            "retries": {"attempts": 1, "longest_wait_s": 0.1},
        }
        return parse_config({**content, **parts}, self.folder)

    def _wait(self) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                self.rest("/system")
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
            else:
                return
        pytest.fail(f"Orthanc does not start: {(self.folder / 'orthanc.log').read_text()[-2000:]}")
