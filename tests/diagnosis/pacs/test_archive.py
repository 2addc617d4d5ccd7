"""Both protocols against a real Orthanc: found, fetched, sent, refused."""

import io
import socket
import subprocess
import time
from contextlib import suppress

import pydicom
import pytest
from orthanc_server import (
    Orthanc,
    free_port,
)
from pacs_archives import PROTOCOLS, archive_of, study_uid
from programs import require_program
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless

from diagnosis.errors import InputError, PacsError
from diagnosis.pacs.archive import StudyQuery
from diagnosis.pacs.config import parse_config
from diagnosis.pacs.dimse import DimseArchive
from diagnosis.pacs.pull import open_archive, pull_studies


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
        deadline = time.monotonic() + 120
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
    for _ in range(60):  # however fast the answer and the end of the connection come
        with pytest.raises(PacsError, match="rejects us"):
            stranger.check()
    wrong = {"host": "127.0.0.1", "port": orthanc_alone.dicom_port, "ae_title": "OTHER"}
    with pytest.raises(PacsError, match=r"rejects us \(it does not know us\)"):
        archive_of(orthanc_alone, "get", dimse=wrong).check()


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
