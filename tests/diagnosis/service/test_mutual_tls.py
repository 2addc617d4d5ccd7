"""`diagnosis serve` with client certificates, as a process of its own and with certificates of a real authority."""

import http.client
import json
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from orthanc_server import free_port, write_certificates

from diagnosis.errors import ConfigurationError
from diagnosis.service.configuration import ServiceConfiguration

YESTERDAY = datetime.now(UTC) - timedelta(days=1)
NOTE = "An 8 mm spiculated nodule in the right upper lobe."


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Path:
    """The hospital's authority and what it issued; an authority that nobody trusts, and what that one issued."""
    folder = tmp_path_factory.mktemp("certificates")
    authority, stranger = trustme.CA(), trustme.CA()
    stranger.cert_pem.write_to_path(folder / "other.pem")
    write_certificates(
        folder,
        authority,
        server=authority.issue_cert("127.0.0.1"),
        client=authority.issue_cert("client.hospital.example"),
        expired=authority.issue_cert("client.hospital.example", not_after=YESTERDAY),
        stranger=stranger.issue_cert("client.hospital.example"),
    )
    return folder


@contextmanager
def serving(home: Path, bundle: Path, certificates: Path):
    """Port of a service that lets in only clients with a certificate of the authority."""
    port = free_port()
    (home / "studies" / "one").mkdir(parents=True)
    (home / "studies" / "one" / "note.txt").write_text(NOTE)
    command = [sys.executable, "-m", "diagnosis", "serve", "--work", home / "work", "--studies", home / "studies"]
    command += ["--bundle", bundle, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--certificate", certificates / "server.pem", "--certificate-key", certificates / "server.key"]
    command += ["--client-ca", certificates / "ca.pem"]
    with (home / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            end = time.monotonic() + 300
            while "Serving at" not in (home / "log").read_text() or not _listens(port, certificates):
                assert server.poll() is None, (home / "log").read_text()
                assert time.monotonic() < end
                time.sleep(0.2)
            yield port
        finally:
            server.kill()


def _listens(port: int, certificates: Path) -> bool:
    try:
        return ask(port, client_context(certificates, "client"), "GET", "/health")[0] == 200
    except OSError:
        return False


def client_context(certificates: Path, name: str | None, authority: str = "ca") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certificates / f"{authority}.pem")
    if name is not None:
        context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    return context


def ask(port: int, context: ssl.SSLContext, method: str, path: str, body: object = None) -> tuple[int, dict]:
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=240)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json"} if content else {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


@pytest.fixture(scope="module")
def port(tmp_path_factory, tiny_bundle, certificates):
    with serving(tmp_path_factory.mktemp("served"), tiny_bundle, certificates) as port:
        yield port


def test_a_client_of_the_authority_gets_its_answer(port: int, certificates: Path) -> None:
    ours = client_context(certificates, "client")
    status, job = ask(port, ours, "POST", "/v1/studies", {"path": "one"})
    assert status == 202, job
    end = time.monotonic() + 300
    while job["status"] in {"waiting", "running"} and time.monotonic() < end:
        time.sleep(0.2)
        _, job = ask(port, ours, "GET", f"/v1/studies/{job['id']}")
    assert job["status"] == "done", job
    status, assessment = ask(port, ours, "GET", f"/v1/studies/{job['id']}/assessment")
    assert status == 200
    assert 0 <= assessment["findings"][0]["probability"] <= 1
    assert ask(port, ours, "DELETE", f"/v1/studies/{job['id']}")[0] == 204


@pytest.mark.parametrize("name", [None, "expired", "stranger"])
@pytest.mark.parametrize("path", ["/health", "/v1/studies"])
def test_all_others_are_refused_before_any_route(port: int, certificates: Path, name: str | None, path: str) -> None:
    """The connection ends in its handshake; the same request with the right certificate is answered."""
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(port, client_context(certificates, name), "GET", path)
    assert ask(port, client_context(certificates, "client"), "GET", path)[0] == 200


def test_the_service_shows_who_it_is(port: int, certificates: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"unable to get local issuer|self-signed"):
        ask(port, client_context(certificates, "client", authority="other"), "GET", "/health")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_neither_plain_http_nor_an_old_version_gets_through(port: int, certificates: Path) -> None:
    plain = http.client.HTTPConnection("127.0.0.1", port, timeout=240)
    plain.request("GET", "/health")
    with pytest.raises((http.client.HTTPException, OSError)):
        plain.getresponse()
    old = client_context(certificates, "client")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        ask(port, old, "GET", "/health")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"certificate": "missing.pem"}, "cannot be used together"),
        ({"certificate_key": "client.key"}, "cannot be used together"),
        ({"certificate_key": "locked.key"}, "the key without a passphrase"),
        ({"client_ca": "missing.pem"}, "is not a PEM file of certificates"),
        ({"client_ca": "client.key"}, "is not a PEM file of certificates"),
    ],
)
def test_certificates_that_cannot_be_used_are_said_at_the_start(tmp_path, certificates, change, words: str) -> None:
    from cryptography.hazmat.primitives import serialization as pem

    key = pem.load_pem_private_key((certificates / "server.key").read_bytes(), None)
    locked = key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.BestAvailableEncryption(b"word"))
    (certificates / "locked.key").write_bytes(locked)
    named = {"certificate": "server.pem", "certificate_key": "server.key", "client_ca": "ca.pem"} | change
    with pytest.raises(ConfigurationError, match=words):
        ServiceConfiguration(tmp_path, **{name: certificates / file for name, file in named.items()})


def test_the_address_is_one_that_a_browser_takes(tmp_path) -> None:
    assert ServiceConfiguration(tmp_path, port=80).url == "http://127.0.0.1:80"
    assert ServiceConfiguration(tmp_path, host="::1", port=80).url == "http://[::1]:80"
