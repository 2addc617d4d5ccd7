"""Both protocols over TLS: each side shows a certificate, and refuses one that it should not trust."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from orthanc_server import (
    Orthanc,
    tls_proxy,
    write_certificates,
)
from pacs_archives import archive_of, study_uid

from diagnosis.errors import PacsError
from diagnosis.pacs.archive import StudyQuery
from diagnosis.pacs.attempts import PassingError


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A folder with an authority, certificates of each side, good and expired, and an authority that nobody trusts."""
    folder = tmp_path_factory.mktemp("certificates")
    authority, yesterday = trustme.CA(), datetime.now(UTC) - timedelta(days=1)
    trustme.CA().cert_pem.write_to_path(folder / "stranger.pem")
    write_certificates(
        folder,
        authority,
        theirs=authority.issue_cert("127.0.0.1"),
        ours=authority.issue_cert("127.0.0.1"),
        **{"ours-expired": authority.issue_cert("127.0.0.1", not_after=yesterday)},
        **{"theirs-expired": authority.issue_cert("127.0.0.1", not_after=yesterday)},
        **{"theirs-elsewhere": authority.issue_cert("other.hospital.example")},
    )
    return folder


def tls_section(folder, ca_file="ca.pem", ours="ours"):
    section = {"ca_file": str(folder / ca_file)}
    mine = {"certificate_file": str(folder / f"{ours}.pem"), "key_file": str(folder / f"{ours}.key")}
    return section | mine if ours else section


OURS_REFUSED = "(archive does not accept our certificate|wants another certificate)"


WRONG_ON_OUR_SIDE = (
    ({"ca_file": "stranger.pem"}, "archive's certificate is not accepted"),
    ({"ours": None}, OURS_REFUSED),
    ({"ours": "ours-expired"}, OURS_REFUSED),
)


WRONG_ON_THEIR_SIDE = (("theirs-expired", "certificate has expired"), ("theirs-elsewhere", "IP address mismatch"))


def https(port) -> dict:
    return {"url": f"https://127.0.0.1:{port}/dicom-web", "username": "t"}


def server_side(folder, name="theirs"):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.pem")
    context.load_cert_chain(folder / f"{name}-both.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_dicomweb_over_tls_needs_trust_on_both_sides(orthanc_alone, certificates, phantom_files):
    with tls_proxy(orthanc_alone.http_port, server_side(certificates)) as port:
        trusted = archive_of(orthanc_alone, "dicomweb", dicomweb=https(port), tls=tls_section(certificates))
        assert trusted.store(phantom_files[:1]).n_sent == 1
        assert trusted.find_studies(StudyQuery(study_uid=study_uid(phantom_files)))
        for change, reason in WRONG_ON_OUR_SIDE:
            wrong = archive_of(orthanc_alone, "dicomweb", dicomweb=https(port), tls=tls_section(certificates, **change))
            with pytest.raises(PacsError, match=f"encrypted connection failed .*{reason}"):
                wrong.check()


@pytest.mark.parametrize(("theirs", "reason"), WRONG_ON_THEIR_SIDE)
def test_dicomweb_refuses_a_server_that_is_not_who_it_should_be(orthanc_alone, certificates, theirs, reason):
    with tls_proxy(orthanc_alone.http_port, server_side(certificates, theirs)) as port:
        archive = archive_of(orthanc_alone, "dicomweb", dicomweb=https(port), tls=tls_section(certificates))
        with pytest.raises(PacsError, match=f"encrypted connection failed .*{reason}"):
            archive.check()


def tls_orthanc(folder, certificates, theirs="theirs"):
    settings = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(certificates / f"{theirs}.pem"),
        "DicomTlsPrivateKey": str(certificates / f"{theirs}.key"),
        "DicomTlsTrustedCertificates": str(certificates / "ca.pem"),
    }
    return Orthanc(folder, settings=settings).start()


def test_dimse_over_tls_needs_trust_on_both_sides(tmp_path, certificates, phantom_files):
    server = tls_orthanc(tmp_path, certificates)
    dimse = {"host": "127.0.0.1", "port": server.dicom_port, "ae_title": "ORTHANC", "use_tls": True}
    try:
        trusted = archive_of(server, "dimse", dimse=dimse, tls=tls_section(certificates))
        assert trusted.store(phantom_files[:1]).n_sent == 1
        assert trusted.find_studies(StudyQuery(study_uid=study_uid(phantom_files)))
        for change, reason in WRONG_ON_OUR_SIDE:
            wrong = archive_of(server, "dimse", dimse=dimse, tls=tls_section(certificates, **change))
            with pytest.raises(PacsError, match=f"encrypted connection failed .*{reason}"):
                wrong.check()
        plain = archive_of(server, "dimse", dimse=dimse | {"use_tls": False})
        with pytest.raises(PassingError, match="cannot be reached, does not answer in time or breaks off"):
            plain.check()
    finally:
        server.kill()


@pytest.mark.parametrize(("theirs", "reason"), WRONG_ON_THEIR_SIDE)
def test_dimse_refuses_a_server_that_is_not_who_it_should_be(tmp_path, certificates, theirs, reason):
    server = tls_orthanc(tmp_path, certificates, theirs)
    dimse = {"host": "127.0.0.1", "port": server.dicom_port, "ae_title": "ORTHANC", "use_tls": True}
    try:
        with pytest.raises(PacsError, match=f"encrypted connection failed .*{reason}"):
            archive_of(server, "dimse", dimse=dimse, tls=tls_section(certificates)).check()
    finally:
        server.kill()
