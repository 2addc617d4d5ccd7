"""What results must repeat of the headers of a CT series: read once, from its first file, once it has been chosen."""

from pathlib import Path

import pydicom

from diagnosis.errors import GeometryError
from diagnosis.ingest.dicom_elements import PARSE_FAILURES, quiet_pydicom
from diagnosis.record.identity import SourceHeaders

_KEYWORDS = {
    "patient_name": "PatientName",
    "patient_birth_date": "PatientBirthDate",
    "patient_sex": "PatientSex",
    "patient_age": "PatientAge",
    "study_date": "StudyDate",
    "study_time": "StudyTime",
    "timezone_offset": "TimezoneOffsetFromUTC",
    "study_id": "StudyID",
    "study_description": "StudyDescription",
    "referring_physician_name": "ReferringPhysicianName",
    "body_part": "BodyPartExamined",
    "position_reference_indicator": "PositionReferenceIndicator",
    "frame_of_reference_uid": "FrameOfReferenceUID",
    "sop_class_uid": "SOPClassUID",
}


def read_source_headers(path: Path) -> SourceHeaders:
    """Headers of a file that the geometry gate has accepted; an attribute that cannot be decoded counts as blank.

    Raises:
        GeometryError: a file whose frame is damaged where the gate does not look.
    """
    with quiet_pydicom():
        try:
            data_set = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        except PARSE_FAILURES as error:
            msg = f"series: the header of a slice cannot be parsed ({type(error).__name__}); export the series again"
            raise GeometryError(msg) from error
        return SourceHeaders(**{name: _text(data_set, keyword) for name, keyword in _KEYWORDS.items()})


def _text(data_set: pydicom.Dataset, keyword: str) -> str:
    try:
        value = data_set.get(keyword)
    except PARSE_FAILURES:
        return ""
    return "" if value is None else str(value).strip(" \0")
