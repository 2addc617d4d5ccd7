"""Receiving over TLS: callers have to show a certificate of the hospital's authority that is in force."""

import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from orthanc_server import write_certificates
from pynetdicom import AE
from pynetdicom.sop_class import CTImageStorage

from diagnosis.pacs.config import parse_config
from diagnosis.pacs.receiver import Receiver


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    authority, stranger = trustme.CA(), trustme.CA()
    write_certificates(
        folder,
        authority,
        ours=authority.issue_cert("127.0.0.1"),
        caller=authority.issue_cert("scanner.hospital.example"),
        expired=authority.issue_cert("scanner.hospital.example", not_after=datetime.now(UTC) - timedelta(days=1)),
        stranger=stranger.issue_cert("scanner.hospital.example"),
    )
    return folder


@pytest.fixture
def receiver(certificates):
    tls = {"ca_file": "ca.pem", "certificate_file": "ours.pem", "key_file": "ours.key"}
    local = {"port": 0, "use_tls": True, "callers": [{"ae_title": "SENDER", "address": "127.0.0.1"}]}
    waits = {"connect_s": 120, "response_s": 120}
    config = parse_config({"local": local, "tls": tls, "timeouts": waits}, certificates)
    taken = []
    with Receiver(config, lambda event: taken.append(event) or 0).running() as running:
        yield running, taken


def associate(port, context):
    entity = AE(ae_title="SENDER")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = 120
    entity.add_requested_context(CTImageStorage, "1.2.840.10008.1.2.4.90")
    tls = (context, "127.0.0.1") if context else None
    return entity.associate("127.0.0.1", port, ae_title="DIAGNOSIS", tls_args=tls)


def context_of(certificates, name):
    context = ssl.create_default_context(cafile=certificates / "ca.pem")
    if name is not None:
        context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    return context


def test_a_caller_of_the_authority_is_heard_and_no_other(receiver, certificates, phantom_files):
    running, taken = receiver
    for name in (None, "expired", "stranger"):
        assert not associate(running.port, context_of(certificates, name)).is_established
    assert not associate(running.port, None).is_established  # without TLS
    assert taken == []
    made = associate(running.port, context_of(certificates, "caller"))
    assert made.is_established
    assert made.send_c_store(phantom_files[0]).Status == 0
    made.release()
    assert len(taken) == 1


def test_who_stops_within_a_message_is_let_go(certificates, phantom_files):
    """A caller that hangs after half an image is cut off in time and does not hold the others up."""
    local = {"port": 0, "callers": [{"ae_title": "SENDER", "address": "127.0.0.1"}]}
    config = parse_config({"local": local, "timeouts": {"connect_s": 3, "response_s": 3}}, certificates)
    with Receiver(config, lambda _: 0).running() as running:
        hanging = associate(running.port, None)
        hanging.dul.socket.socket.sendall(b"\x04\x00\x00\x10\x00\x00half")  # a message of 1 MiB, as far as it says
        start = time.monotonic()
        while hanging.is_established and time.monotonic() - start < 10:
            time.sleep(0.1)
        assert not hanging.is_established
        other = associate(running.port, None)
        assert other.send_c_store(phantom_files[0]).Status == 0
        other.release()
