"""Both protocols against a real Orthanc: found, fetched, sent, refused, broken off."""

import errno
import io
import json
import os
import signal
import socket
import ssl
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pydicom
import pytest
import trustme
from orthanc_server import (
    Orthanc,
    breaking_proxy,
    free_port,
    silent_server,
    stalling_proxy,
    tls_proxy,
    write_certificates,
)
from programs import require_program
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless

from diagnosis.errors import IncompleteStudyError, InputError, PacsError
from diagnosis.pacs.archive import StudyQuery
from diagnosis.pacs.attempts import PassingError
from diagnosis.pacs.config import parse_config
from diagnosis.pacs.dicomweb import DicomWebArchive
from diagnosis.pacs.dimse import DimseArchive
from diagnosis.pacs.pull import open_archive, pull_studies

PROTOCOLS = ("dicomweb", "get", "move")


def archive_of(server, protocol, **parts):
    if protocol == "dicomweb":
        return DicomWebArchive(server.config(**parts))
    dimse = {"host": "127.0.0.1", "port": server.dicom_port, "ae_title": "ORTHANC"}
    if protocol in {"get", "move"}:
        dimse["retrieve"] = protocol
    return DimseArchive(server.config(**{"dimse": dimse, **parts}))


def study_uid(files) -> str:
    return str(pydicom.dcmread(files[0], stop_before_pixels=True).StudyInstanceUID)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_study_is_found_and_pulled_whole_and_bit_by_bit(filled, phantom_files, tmp_path, protocol):
    archive = archive_of(filled, protocol)
    archive.check()
    seen = []
    query = StudyQuery(study_uid=study_uid(phantom_files))
    (pulled,) = pull_studies(archive, query, tmp_path, on_progress=lambda done, total: seen.append((done, total)))
    assert [(s.modality, s.n_expected, s.n_received) for s in pulled.series] == [("CT", 30, 30)]
    assert seen[-1] == (30, 30)
    theirs = {str(d.SOPInstanceUID): d for d in map(pydicom.dcmread, phantom_files)}
    for path in pulled.folder.rglob("*.dcm"):
        ours = pydicom.dcmread(path)
        sent = theirs.pop(str(ours.SOPInstanceUID))
        assert ours.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
        assert ours == sent
    assert theirs == {}
    assert not list(tmp_path.glob("*.partial"))


def test_a_pulled_study_is_a_case_and_no_name_on_disk_identifies(filled, phantom_files, tmp_path):
    from diagnosis.ingest.case_folder import read_case

    first = pydicom.dcmread(phantom_files[0], stop_before_pixels=True)
    query = StudyQuery(patient_id=str(first.PatientID))
    (pulled,) = pull_studies(archive_of(filled, "dicomweb"), query, tmp_path)
    case, identity = read_case(pulled.folder)
    assert case.volume.hu.shape[0] == 30
    assert identity.study_uid == str(first.StudyInstanceUID)
    said = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] + [
        (pulled.folder / "pull.json").read_text()
    ]
    secrets = (first.PatientID, first.StudyInstanceUID, first.SeriesInstanceUID, first.SOPInstanceUID, "PHANTOM")
    assert not any(str(secret) in text for text in said for secret in secrets)
    assert repr(query) == "StudyQuery()"


@pytest.fixture
def unconverting(tmp_path):
    """DCMTK's archive, which keeps JPEG 2000 and sends each class in the first context it finds, converting nothing."""
    port, ours, home = free_port(), free_port(), tmp_path / "dcmtk"
    home.mkdir()
    (tmp_path / "qr.cfg").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 8\n"
        f"HostTable BEGIN\nours = (DIAGNOSIS, 127.0.0.1, {ours})\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nORTHANC {home} RW (9, 99mb) ANY\nAETable END\n"
    )
    command = [require_program("dcmqrscp"), "-c", str(tmp_path / "qr.cfg"), "+xv", "-xv"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
        caller = {"ae_title": "ORTHANC", "address": "127.0.0.1"}

        def archive(retrieve, title="DIAGNOSIS"):
            dimse = {"host": "127.0.0.1", "port": port, "ae_title": "ORTHANC", "retrieve": retrieve}
            local = {"ae_title": title, "port": ours, "callers": [caller]}
            return DimseArchive(parse_config({"dimse": dimse, "local": local, "retries": {"attempts": 1}}, tmp_path))

        yield archive
        process.kill()


def test_compressed_images_come_from_an_archive_that_converts_nothing(unconverting, phantom_files, tmp_path):
    """It looks at the first context of a class alone, and so has to be left the choice of the transfer syntax."""
    assert unconverting("get").store(phantom_files[:4]).n_decompressed == 0
    query = StudyQuery(study_uid=study_uid(phantom_files))
    for retrieve in ("get", "move"):
        (pulled,) = pull_studies(unconverting(retrieve), query, tmp_path / retrieve)
        assert pulled.series[0].n_received == 4
        found = [pydicom.dcmread(path) for path in pulled.folder.rglob("*.dcm")]
        assert {one.file_meta.TransferSyntaxUID for one in found} == {JPEG2000Lossless}
    with pytest.raises(PacsError, match="the archive does not know where to send to"):
        pull_studies(unconverting("move", "STRANGER"), query, tmp_path / "nowhere")


@pytest.mark.parametrize("protocol", ["dicomweb", "get"])
def test_what_is_asked_for_and_not_there_is_said(filled, phantom_files, tmp_path, protocol):
    archive = archive_of(filled, protocol)
    with pytest.raises(InputError, match="the archive has no such study"):
        pull_studies(archive, StudyQuery(accession_number="NONE"), tmp_path)
    with pytest.raises(InputError, match=r"no series of the kind that is asked for \(it has CT\)"):
        pull_studies(archive, StudyQuery(study_uid=study_uid(phantom_files)), tmp_path, ("MR",))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", ["", "*", "A?", "A\\B", "A\nB"])
def test_an_identifier_that_would_match_others_is_refused(value):
    with pytest.raises(InputError, match="blank or holds a wildcard"):
        StudyQuery(accession_number=value)
    with pytest.raises(InputError, match="no study is named"):
        StudyQuery()


@pytest.mark.parametrize("protocol", ["dicomweb", "dimse"])
def test_files_are_sent_as_they_are_and_twice_is_once(orthanc_alone, phantom_files, protocol):
    archive = archive_of(orthanc_alone, protocol)
    for _ in range(2):
        sent = archive.store(phantom_files[:3])
        assert (sent.n_sent, sent.n_decompressed, sent.refused) == (3, 0, ())
    names = orthanc_alone.rest("/instances")
    syntaxes = {orthanc_alone.rest_text(f"/instances/{name}/metadata/TransferSyntax") for name in names}
    assert len(names) == 3
    assert syntaxes == {JPEG2000Lossless}


def test_an_archive_that_takes_nothing_compressed_gets_it_decompressed(tmp_path, phantom_files):
    plain = {"AcceptedTransferSyntaxes": [ImplicitVRLittleEndian, ExplicitVRLittleEndian]}
    server = Orthanc(tmp_path / "plain", settings=plain).start()
    try:
        sent = archive_of(server, "dimse").store(phantom_files[:3])
        assert (sent.n_sent, sent.n_decompressed, sent.refused) == (3, 3, ())
        theirs = {str(d.SOPInstanceUID): d for d in map(pydicom.dcmread, phantom_files[:3])}
        for name in server.rest("/instances"):
            kept = pydicom.dcmread(io.BytesIO(server.rest_bytes(f"/instances/{name}/file")))
            assert kept.file_meta.TransferSyntaxUID in {ImplicitVRLittleEndian, ExplicitVRLittleEndian}
            assert (kept.pixel_array == theirs[str(kept.SOPInstanceUID)].pixel_array).all()
    finally:
        server.kill()


def test_what_is_no_dicom_is_not_sent(orthanc_alone, tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"hello" * 100)
    for protocol in ("dicomweb", "dimse"):
        with pytest.raises(InputError, match="not DICOM, or is damaged"):
            archive_of(orthanc_alone, protocol).store([tmp_path / "a.dcm"])


def test_a_kind_of_object_that_the_archive_does_not_take_is_named(orthanc_alone, phantom_files, tmp_path):
    odd = pydicom.dcmread(phantom_files[0])
    odd.SOPClassUID = odd.file_meta.MediaStorageSOPClassUID = "1.2.3.4.5"
    odd.save_as(tmp_path / "odd.dcm")
    sent = archive_of(orthanc_alone, "dimse").store([phantom_files[1], tmp_path / "odd.dcm"])
    assert (sent.n_sent, sent.refused) == (1, ((2, "the archive takes no objects of this kind"),))


def test_wrong_credentials_are_refused_at_once(orthanc_alone, monkeypatch):
    monkeypatch.setenv("DIAGNOSIS_PACS_PASSWORD", "guess")
    archive = archive_of(orthanc_alone, "dicomweb", retries={"attempts": 20, "longest_wait_s": 60})
    with pytest.raises(PacsError, match="refuses our credentials"):
        archive.check()


def test_who_the_archive_does_not_know_is_told_so(orthanc_alone):
    stranger = archive_of(orthanc_alone, "get", local={"ae_title": "STRANGER"})
    with pytest.raises(PacsError, match="rejects us"):
        stranger.check()
    wrong = {"host": "127.0.0.1", "port": orthanc_alone.dicom_port, "ae_title": "OTHER"}
    with pytest.raises(PacsError, match=r"rejects us \(it does not know us\)"):
        archive_of(orthanc_alone, "get", dimse=wrong).check()


@pytest.mark.parametrize("protocol", ["dicomweb", "dimse"])
def test_a_server_that_never_answers_is_given_up(orthanc_alone, protocol):
    with silent_server() as port:
        web = {"url": f"http://127.0.0.1:{port}/dicom-web", "username": "t"}
        dimse = {"host": "127.0.0.1", "port": port, "ae_title": "ORTHANC"}
        times = {"connect_s": 0.3, "response_s": 0.3}
        archive = archive_of(orthanc_alone, protocol, dicomweb=web, dimse=dimse, timeouts=times)
        start = time.monotonic()
        with pytest.raises(PassingError, match="in time"):
            archive.check()
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("protocol", ["dicomweb", "dimse"])
def test_nobody_there_is_tried_again_and_then_said(orthanc_alone, protocol):
    port = free_port()
    web = {"url": f"http://127.0.0.1:{port}", "username": "t"}
    dimse = {"host": "127.0.0.1", "port": port, "ae_title": "ORTHANC"}
    archive = archive_of(
        orthanc_alone, protocol, dicomweb=web, dimse=dimse, retries={"attempts": 3, "longest_wait_s": 0.3}
    )
    start = time.monotonic()
    with pytest.raises(PassingError, match="cannot be reached"):
        archive.check()
    assert time.monotonic() - start > 0.3


def test_a_page_that_is_not_dicomweb_is_not_taken_for_it(filled):
    web = {"url": f"http://127.0.0.1:{filled.http_port}/app", "username": "t"}
    with pytest.raises(PacsError, match="no such study, series or address"):
        archive_of(filled, "dicomweb", dicomweb=web).find_studies(StudyQuery(accession_number="1"))


@pytest.mark.parametrize("protocol", ["dicomweb", "get"])
def test_a_connection_that_breaks_midway_is_taken_up_again(filled, phantom_files, tmp_path, protocol):
    target = filled.http_port if protocol == "dicomweb" else filled.dicom_port
    with breaking_proxy(target, after_bytes=300_000, times=1) as port:
        web = {"url": f"http://127.0.0.1:{port}/dicom-web", "username": "t"}
        dimse = {"host": "127.0.0.1", "port": port, "ae_title": "ORTHANC"}
        again = archive_of(filled, protocol, dicomweb=web, dimse=dimse, retries={"attempts": 3, "longest_wait_s": 0.1})
        (pulled,) = pull_studies(again, StudyQuery(study_uid=study_uid(phantom_files)), tmp_path)
    assert [(s.n_expected, s.n_received) for s in pulled.series] == [(30, 30)]


@pytest.mark.parametrize("protocol", ["dicomweb", "get"])
def test_a_server_that_is_killed_midway_leaves_nothing_that_looks_whole(tmp_path, phantom_files, protocol):
    server = Orthanc(tmp_path / "server").start()
    for path in phantom_files:
        server.upload(path)

    def kill(done, _):
        if done == 5:
            server.kill()

    out = tmp_path / "out"
    with breaking_proxy(server.http_port, after_bytes=300_000, times=9) as port:
        web = {"url": f"http://127.0.0.1:{port}/dicom-web", "username": "t"}
        archive = archive_of(server, protocol, dicomweb=web)
        with pytest.raises(PacsError, match="broke"):
            pull_studies(archive, StudyQuery(study_uid=study_uid(phantom_files)), out, on_progress=kill)
    assert [path.suffix for path in out.iterdir()] == [".partial"]
    assert len(list(out.rglob("*.dcm"))) >= 5
    assert not list(out.rglob("*.dcm.partial"))


class Shrinking:
    """A real archive in which an image is deleted after the series were listed."""

    def __init__(self, archive, server):
        self._archive, self._server = archive, server

    def __getattr__(self, name):
        return getattr(self._archive, name)

    def list_series(self, study_uid):
        listed = self._archive.list_series(study_uid)
        self._server.rest(f"/instances/{self._server.rest('/instances')[0]}", "DELETE")
        return listed


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_series_that_is_short_of_its_expected_count_is_refused(orthanc_alone, phantom_files, tmp_path, protocol):
    for path in phantom_files[:5]:
        orthanc_alone.upload(path)
    archive = Shrinking(archive_of(orthanc_alone, protocol), orthanc_alone)
    with pytest.raises(IncompleteStudyError, match=r"incomplete \(series 1: 4 of 5 images\)") as found:
        pull_studies(archive, StudyQuery(study_uid=study_uid(phantom_files)), tmp_path)
    assert found.value.exit_code == 16
    (folder,) = tmp_path.iterdir()
    assert folder.suffix == ".partial"
    record = json.loads((folder / "pull.json").read_text())
    assert not record["is_complete"]
    assert [(s["expected"], s["received"]) for s in record["series"]] == [(5, 4)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_full_disk_is_not_said_to_be_the_archive_s_fault(filled, phantom_files, tmp_path, monkeypatch, protocol):
    written = []

    def full(path, *_):
        written.append(path)
        raise OSError("the library says nothing") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pydicom.Dataset, "save_as", lambda _, path, **__: full(path))
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(PacsError, match=r"an image cannot be written \(No space left on device\); make room"):
        pull_studies(archive_of(filled, protocol), StudyQuery(study_uid=study_uid(phantom_files)), tmp_path)
    assert len(written) < len(phantom_files)


def test_an_image_whose_file_the_archive_has_lost_is_missed(tmp_path, phantom_files):
    server = Orthanc(tmp_path / "server").start()
    try:
        for path in phantom_files[:5]:
            server.upload(path)
        next(p for p in (tmp_path / "server" / "database").rglob("*") if p.is_file() and _is_dicom(p)).unlink()
        server.kill()  # it remembers what it has just taken
        server.start()
        archive = archive_of(server, "get")
        with pytest.raises(IncompleteStudyError, match=r"series 1: \d of 5 images"):
            pull_studies(archive, StudyQuery(study_uid=study_uid(phantom_files)), tmp_path / "out")
    finally:
        server.kill()


def _is_dicom(path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


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


@pytest.mark.parametrize("protocol", ["dicomweb", "get"])
def test_an_answer_that_stalls_leaves_nothing_that_looks_whole(filled, phantom_files, tmp_path, protocol):
    target = filled.http_port if protocol == "dicomweb" else filled.dicom_port
    with stalling_proxy(target, after_bytes=300_000) as port:
        web = {"url": f"http://127.0.0.1:{port}/dicom-web", "username": "t"}
        dimse = {"host": "127.0.0.1", "port": port, "ae_title": "ORTHANC"}
        waits = {"connect_s": 0.5, "response_s": 0.5}
        archive = archive_of(filled, protocol, dicomweb=web, dimse=dimse, timeouts=waits)
        start = time.monotonic()
        with pytest.raises(PassingError, match=r"in time|broke"):
            pull_studies(archive, StudyQuery(study_uid=study_uid(phantom_files)), tmp_path / "out")
        assert time.monotonic() - start < 10
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".partial"]
    assert not list((tmp_path / "out").rglob("*.dcm.partial"))


def freeze(pid: int) -> None:
    """SIGSTOP, and wait until every thread stands still: until then one of them may answer yet."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + 10
    while any(" T " not in stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat")):
        assert time.monotonic() < deadline, "the server does not stop"
        time.sleep(0.01)


@pytest.mark.parametrize("protocol", ["dicomweb", "get"])
def test_a_server_that_hangs_is_given_up_in_bounded_time(tmp_path, phantom_files, protocol):
    """SIGSTOP: the connection stays open and nothing more comes."""
    server = Orthanc(tmp_path / "server").start()
    for path in phantom_files:
        server.upload(path)
    waits, retries = {"connect_s": 0.5, "response_s": 0.5}, {"attempts": 2, "longest_wait_s": 0.2}
    archive = archive_of(server, protocol, timeouts=waits, retries=retries)
    (uid,) = archive.find_studies(StudyQuery(study_uid=study_uid(phantom_files)))
    freeze(server.process.pid)
    try:
        for action in (
            lambda: archive.find_studies(StudyQuery(study_uid=uid)),
            lambda: pull_studies(archive, StudyQuery(study_uid=uid), tmp_path / "out"),
            lambda: archive.store(phantom_files[:2]),
        ):
            start = time.monotonic()
            with pytest.raises(PassingError, match="in time"):
                action()
            assert time.monotonic() - start < 10
    finally:
        server.process.send_signal(signal.SIGCONT)
        server.kill()


def test_nothing_that_identifies_is_logged(orthanc_alone, phantom_files, tmp_path, caplog, capfd):
    caplog.set_level("DEBUG")
    uid = study_uid(phantom_files)
    for path in phantom_files[:3]:
        orthanc_alone.upload(path)
    for protocol in PROTOCOLS:
        archive = archive_of(orthanc_alone, protocol)
        (pulled,) = pull_studies(archive, StudyQuery(study_uid=uid), tmp_path)
        assert archive.store(list(pulled.folder.rglob("*.dcm"))).n_sent == 3
    written = capfd.readouterr()
    assert not any(uid in text or "PHANTOM" in text for text in (caplog.text, written.out, written.err))


def test_an_archive_that_is_not_configured_is_said(tmp_path):
    empty = parse_config({}, tmp_path)
    with pytest.raises(PacsError, match="names no DIMSE service"):
        open_archive(empty)
    with pytest.raises(PacsError, match="names no DICOMweb service"):
        open_archive(empty, "dicomweb")
