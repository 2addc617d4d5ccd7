"""A real archive for tests: Debian's Orthanc with its DICOMweb plugin, on free ports of this machine."""

import base64
import json
import secrets
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from programs import absent, require_program

from diagnosis.pacs.config import PacsConfig, parse_config

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
USER, PASSWORD = "t", "correct horse"
AE_TITLE, OUR_TITLE = "ORTHANC", "DIAGNOSIS"


def free_port() -> int:
    """Below those that the system itself hands out to outgoing connections, or it may be taken before it is used."""
    for port in secrets.SystemRandom().sample(range(12_000, 32_000), 200):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    pytest.fail("no port of this machine is free")


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
            "DicomScuTimeout": 0,  # a busy machine may keep it waiting
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

    def rest(self, path: str, method: str = "GET"):
        """Orthanc's own interface, by which tests look at what is there."""
        content = self.rest_bytes(path, method)
        return json.loads(content) if content else None

    def rest_text(self, path: str) -> str:
        return self.rest_bytes(path).decode()

    def rest_bytes(self, path: str, method: str = "GET", body: bytes | None = None) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}", data=body, method=method)
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.read()

    def upload(self, path: Path) -> str:
        """Put a file in; Orthanc's name of the instance."""
        return json.loads(self.rest_bytes("/instances", "POST", path.read_bytes()))["ID"]

    def send_study(self, study: str) -> None:
        """Have Orthanc send a study to us, as a router would."""
        self.rest_bytes("/modalities/ours/store", "POST", study.encode())

    def tags(self) -> list[dict]:
        """Tags of every instance."""
        return [self.rest(f"/instances/{name}/simplified-tags") for name in self.rest("/instances")]

    def clear(self) -> None:
        for patient in self.rest("/patients"):
            self.rest(f"/patients/{patient}", "DELETE")

    def config(self, **parts) -> PacsConfig:
        """Our configuration for this server; `parts` take the place of whole sections."""
        content = {
            "dicomweb": {"url": f"http://127.0.0.1:{self.http_port}/dicom-web", "username": USER},
            "dimse": {"host": "127.0.0.1", "port": self.dicom_port, "ae_title": AE_TITLE},
            "local": {
                "ae_title": OUR_TITLE,
                "port": self.our_port,
                "callers": [{"ae_title": AE_TITLE, "address": "127.0.0.1"}],
            },
            # A busy machine may stand still for longer than a hospital would wait.
            "timeouts": {"connect_s": 60, "response_s": 120},
            "retries": {"attempts": 1, "longest_wait_s": 0.1},
        }
        return parse_config({**content, **parts}, self.folder)

    def _wait(self) -> None:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                self.rest("/system")
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
            else:
                return
        pytest.fail(f"Orthanc does not start: {(self.folder / 'orthanc.log').read_text()[-2000:]}")


@contextmanager
def silent_server() -> Iterator[int]:
    """Port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def breaking_proxy(target: int, after_bytes: int, times: int) -> Iterator[int]:
    """Port of a go-between that cuts the first `times` connections on which that many bytes came back."""
    with _proxy(target, after_bytes, times, None) as port:
        yield port


@contextmanager
def stalling_proxy(target: int, after_bytes: int) -> Iterator[int]:
    """Port of a go-between that keeps every connection open and hands on nothing after so many bytes."""
    done = threading.Event()

    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                upstream = socket.create_connection(("127.0.0.1", target))
                threading.Thread(target=_forward, args=(client, upstream, 0, [0]), daemon=True).start()
                threading.Thread(target=stall, args=(upstream, client), daemon=True).start()

    def stall(source: socket.socket, sink: socket.socket) -> None:
        left = after_bytes
        while left > 0 and (chunk := source.recv(min(left, 65_536))):
            sink.sendall(chunk)
            left -= len(chunk)
        done.wait()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        done.set()


@contextmanager
def tls_proxy(target: int, context: ssl.SSLContext) -> Iterator[int]:
    """Port of a go-between that speaks TLS outward and plain HTTP inward, as hospitals put one before Orthanc."""
    with _proxy(target, 0, 0, context) as port:
        yield port


def _forward(source: socket.socket, sink: socket.socket, after_bytes: int, left: list[int]) -> None:
    """Hand on until the end, or until more than `after_bytes` have passed while cuts are left (0: never)."""
    passed = 0
    with suppress(OSError):
        while chunk := source.recv(65_536):
            passed += len(chunk)
            if after_bytes and left[0] > 0 and passed > after_bytes:
                left[0] -= 1
                break
            sink.sendall(chunk)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def _proxy(target: int, after_bytes: int, times: int, context: ssl.SSLContext | None) -> Iterator[int]:
    left = [times]

    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                with suppress(OSError):
                    client = client if context is None else context.wrap_socket(client, server_side=True)
                    upstream = socket.create_connection(("127.0.0.1", target))
                    for ends in ((client, upstream, 0), (upstream, client, after_bytes)):
                        threading.Thread(target=_forward, args=(*ends, left), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def write_certificates(folder: Path, authority, **certificates) -> None:
    """PEM files of an authority and of each certificate."""
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name, certificate in certificates.items():
        certificate.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        certificate.private_key_pem.write_to_path(folder / f"{name}.key")
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / f"{name}-both.pem")
