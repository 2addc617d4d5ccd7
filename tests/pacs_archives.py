"""The archive of a test, by each of the protocols that it speaks."""

import pydicom

from diagnosis.pacs.dicomweb import DicomWebArchive
from diagnosis.pacs.dimse import DimseArchive

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
