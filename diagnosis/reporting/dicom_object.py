"""What all results in DICOM share: who made them, when, and their identifiers."""

import re
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from diagnosis.reporting.codes import BODY_PARTS, Coded
from diagnosis.reporting.result import Result
from diagnosis.version import __version__

MANUFACTURER = "diagnosis"
SERIES_NUMBERS = {"sr": 9001, "pm": 9002, "sc": 9003, "pdf": 9004, "seg": 9005}
"""Far above those of scanners, so that results come last in a viewer's list."""
DOCUMENTS = frozenset({"sr", "pdf"})
"""Forms that repeat the signed report."""


def identifiers(result: Result, form: str, number: int = 1) -> dict[str, Any]:
    """Keyword arguments of highdicom's constructors: series, instance and equipment."""
    said = result.assessment
    uid_of = result.document_uid if form in DOCUMENTS else result.uid
    return {
        "series_instance_uid": uid_of(form, "series"),
        "series_number": SERIES_NUMBERS[form],
        "sop_instance_uid": uid_of(form, str(number)),
        "instance_number": number,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": long_string(said.bundle_name),
        "software_versions": [__version__, long_string(said.bundle_version)],
        "device_serial_number": said.bundle_sha256[:16],
    }


def stamp(data_set: Dataset, result: Result, description: str) -> None:
    """Date the object by its assessment, name its series, and complete its instance's attributes."""
    moment = result.document_time
    day, time = f"{moment:%Y%m%d}", f"{moment:%H%M%S}"
    for keyword in ("InstanceCreation", "Content", "Series"):
        setattr(data_set, f"{keyword}Date", day)
        setattr(data_set, f"{keyword}Time", time)
    data_set.TimezoneOffsetFromUTC = f"{moment:%z}"[:5]
    data_set.SeriesDescription = long_string(description)
    data_set.SpecificCharacterSet = "ISO_IR 192"


def stamp_image(data_set: Dataset, result: Result, description: str, body_part: str) -> None:
    """As `stamp`; and the body part of the source, or an unknown laterality, one of which an image has to state."""
    stamp(data_set, result, description)
    if body_part:
        data_set.BodyPartExamined = body_part
    if body_part not in BODY_PARTS:
        data_set.Laterality = ""


def long_string(text: str) -> str:
    """A text that fits DICOM's LO: 64 characters, no backslash, no control characters."""
    return re.sub(r"[\\\x00-\x1f]", " ", text)[:64].strip() or "unnamed"


def code_of(coded: Coded) -> Code:
    """As pydicom and highdicom take it."""
    return Code(coded.value, coded.scheme, coded.meaning)
