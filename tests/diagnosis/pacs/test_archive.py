"""Both protocols against a real Orthanc: found, fetched, sent, refused, broken off."""

import pydicom
import pytest

from diagnosis.pacs.archive import StudyQuery
from diagnosis.pacs.dicomweb import DicomWebArchive
from diagnosis.pacs.dimse import DimseArchive
from diagnosis.pacs.pull import pull_studies

PROTOCOLS = ("dicomweb", "get", "move")


def archive_of(server, protocol, **parts):
    if protocol == "dicomweb":
        return DicomWebArchive(server.config(**parts))
    dimse = {"host": "127.0.0.1", "port": server.dicom_port, "ae_title": "ORTHANC", "retrieve": protocol}
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
    assert [(s.modality, s.n_expected, s.n_received) for s in pulled.series] == [("CT", 90, 90)]
    assert seen[-1] == (90, 90)
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
    assert case.volume.hu.shape[0] == 90
    assert identity.study_uid == str(first.StudyInstanceUID)
    said = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] + [
        (pulled.folder / "pull.json").read_text()
    ]
    secrets = (first.PatientID, first.StudyInstanceUID, first.SeriesInstanceUID, first.SOPInstanceUID, "PHANTOM")
    assert not any(str(secret) in text for text in said for secret in secrets)
    assert repr(query) == "StudyQuery()"
