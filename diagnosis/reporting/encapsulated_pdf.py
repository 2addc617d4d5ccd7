"""The PDF report wrapped as a DICOM Encapsulated PDF, so that it lies in the archive beside the study."""

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from diagnosis.reporting.dicom_object import MANUFACTURER, identifiers, long_string, stamp
from diagnosis.reporting.result import Result

TITLE = "CT assessment"


def encapsulated_pdf(result: Result, header: Dataset, pdf: bytes) -> Dataset:
    """The document under the source's patient and study.

    Args:
        result: what the document says.
        header: patient and study, as `dicom_source.study_header` gives them.
        pdf: the document.
    """
    made = Dataset()
    made.update({tag: header[tag] for tag in header.keys() if header[tag].keyword not in _OF_SERIES})  # noqa: SIM118
    names = identifiers(result, "pdf")
    made.SOPClassUID = EncapsulatedPDFStorage
    made.SOPInstanceUID = names["sop_instance_uid"]
    made.SeriesInstanceUID = names["series_instance_uid"]
    made.SeriesNumber = names["series_number"]
    made.InstanceNumber = names["instance_number"]
    made.Modality = "DOC"
    made.Manufacturer = MANUFACTURER
    made.ManufacturerModelName = names["manufacturer_model_name"]
    made.SoftwareVersions = names["software_versions"]
    made.DeviceSerialNumber = names["device_serial_number"]
    made.ConversionType = "WSD"
    made.BurnedInAnnotation = "YES"  # the page names the patient
    made.AcquisitionDateTime = ""
    made.DocumentTitle = long_string(TITLE)
    made.ConceptNameCodeSequence = []
    made.VerificationFlag = "UNVERIFIED"
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    made.EncapsulatedDocumentLength = len(pdf)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    stamp(made, result, f"{TITLE} (PDF)")
    return made


_OF_SERIES = frozenset({"BodyPartExamined", "PositionReferenceIndicator", "SOPClassUID", "SeriesInstanceUID"})
