"""The source images as results in DICOM refer to them: checked, and repaired or refused, each with its reason.

Repaired, and said so: an attribute that may be blank in a valid object and is malformed in the source is left blank; a
blank SOP Class is completed, for the geometry gate has accepted the images as CT. Refused: blank or malformed Study,
Series or SOP Instance UIDs and shared SOP Instance UIDs, for a result that points at images which nobody has, or at one
of several, is worse than none; and, for all that has a place in the patient, a blank Frame of Reference UID.
"""

import re
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import final

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.valuerep import VALIDATORS

from diagnosis.errors import InputError
from diagnosis.record import Volume
from diagnosis.record.identity import SourceHeaders, StudyIdentity
from diagnosis.reporting.result import Result

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
UTF_8 = "ISO_IR 192"
_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")

NOT_DICOM = "the CT did not come from DICOM images; give the case's CT as a DICOM series"
NO_FRAME = (
    "the source images have no usable Frame of Reference UID, so nothing can be placed; export the original images"
)

_TEXTS = {
    "PatientName": ("patient_name", "PN"),
    "PatientSex": ("patient_sex", "CS"),
    "PatientAge": ("patient_age", "AS"),
    "PatientBirthDate": ("patient_birth_date", "DA"),
    "StudyDate": ("study_date", "DA"),
    "StudyTime": ("study_time", "TM"),
    "StudyID": ("study_id", "SH"),
    "StudyDescription": ("study_description", "LO"),
    "ReferringPhysicianName": ("referring_physician_name", "PN"),
    "BodyPartExamined": ("body_part", "CS"),
    "PositionReferenceIndicator": ("position_reference_indicator", "LO"),
}
_OPTIONAL = frozenset({"PatientAge", "StudyDescription", "BodyPartExamined", "PositionReferenceIndicator"})
"""Left out rather than blank where the source says nothing."""


@final
@dataclass(frozen=True, eq=False)
class DicomSource:
    """The source series as results refer to it.

    Attributes:
        images: one data set for each source file, without pixels, with what results repeat.
        frame_of_reference_uid: of the source, or None where it has none.
        repairs: what was repaired, in sentences without patient data.
    """

    images: tuple[Dataset, ...]
    frame_of_reference_uid: str | None
    repairs: tuple[str, ...]

    @property
    def body_part(self) -> str:
        """Body Part Examined, or empty."""
        return str(self.images[0].get("BodyPartExamined", ""))

    def single_frames(self) -> tuple[Dataset, ...]:
        """The images as CT Image Storage, whatever they are.

        highdicom takes one multi-frame image, with functional groups for all of its frames; a series of several it
        refuses. A result on a grid of its own needs neither: it refers to the files, and `restore_class` says of what
        class they are.
        """
        images = deepcopy(self.images)
        for image in images:
            image.SOPClassUID = CT_IMAGE_STORAGE
        return images

    def restore_class(self, made: Dataset) -> None:
        """Give each reference to an image in an object that was made of `single_frames` the image's own SOP Class."""
        own = {str(image.SOPInstanceUID): image.SOPClassUID for image in self.images}

        def restore(item: Dataset, element: DataElement) -> None:
            if element.keyword == "ReferencedSOPClassUID":
                element.value = own.get(str(item.get("ReferencedSOPInstanceUID", "")), element.value)

        made.walk(restore)

    def require_frame(self) -> str:
        """The frame of reference.

        Raises:
            InputError: there is none.
        """
        if self.frame_of_reference_uid is None:
            raise InputError(NO_FRAME)
        return self.frame_of_reference_uid


def dicom_source(result: Result) -> DicomSource:
    """Check, and where that is honest repair, what results must repeat of their source.

    Raises:
        InputError: there is no source in DICOM, or it cannot be referred to.
    """
    identity, volume = result.identity, result.case.volume
    if volume is None:
        msg = "the case has no CT; a result in DICOM needs one to refer to"
        raise InputError(msg)
    if identity.source is None:
        raise InputError(NOT_DICOM)
    _require_references(identity)
    _require_distinct(identity, identity.source, volume)
    repairs: list[str] = []
    base = _headers(identity, identity.source, repairs)
    frame = identity.source.frame_of_reference_uid
    if is_uid(frame):
        base.FrameOfReferenceUID = frame
    else:
        repairs.append(
            "the source's Frame of Reference UID is blank or malformed; what is written has no place in space"
        )
    images = tuple(_image(base, uid, volume, index) for index, uid in enumerate(identity.sop_instance_uids))
    return DicomSource(images, frame if is_uid(frame) else None, tuple(repairs))


def study_header(identity: StudyIdentity) -> tuple[Dataset, tuple[str, ...]]:
    """Patient and study of the source, for objects that refer to no image; and what was repaired.

    Raises:
        InputError: the source has no usable Study Instance UID, or is not DICOM.
    """
    if identity.source is None:
        raise InputError(NOT_DICOM)
    if not is_uid(identity.study_uid or ""):
        raise InputError(_no_uid("Study"))
    repairs: list[str] = []
    return _headers(identity, identity.source, repairs), tuple(repairs)


def is_uid(text: str) -> bool:
    """Whether a text is a UID as PS3.5 chapter 9 writes it."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def _require_references(identity: StudyIdentity) -> None:
    levels = {
        "Study": [identity.study_uid or ""],
        "Series": [identity.series_uid or ""],
        "SOP": list(identity.sop_instance_uids) or [""],
    }
    lacking = [level for level, uids in levels.items() if not all(is_uid(uid) for uid in uids)]
    if lacking:
        raise InputError(_no_uid(", ".join(lacking)))


def _require_distinct(identity: StudyIdentity, source: SourceHeaders, volume: Volume) -> None:
    """One SOP Instance UID for each slice, where a file holds one slice."""
    is_plain = source.sop_class_uid in {CT_IMAGE_STORAGE, ""}
    if is_plain and len(set(identity.sop_instance_uids)) != volume.hu.shape[0]:
        msg = (
            "several source images share one SOP Instance UID, so a result could not say which it means; "
            "export the original images with their identifiers"
        )
        raise InputError(msg)


def _no_uid(levels: str) -> str:
    return (
        f"the source images have a blank or malformed {levels} Instance UID, so a result could not refer to them; "
        "export the original images with their identifiers"
    )


def _headers(identity: StudyIdentity, source: SourceHeaders, repairs: list[str]) -> Dataset:
    base = Dataset()
    base.SpecificCharacterSet = UTF_8
    base.Modality = "CT"
    base.StudyInstanceUID = identity.study_uid
    base.SeriesInstanceUID = identity.series_uid or ""
    base.PatientID = _checked("PatientID", identity.patient_id or "", "LO", repairs)
    base.AccessionNumber = _checked("AccessionNumber", identity.accession_number or "", "SH", repairs)
    for keyword, (name, vr) in _TEXTS.items():
        value = _checked(keyword, getattr(source, name), vr, repairs)
        if value or keyword not in _OPTIONAL:
            setattr(base, keyword, value)
    for keyword in ("PatientName", "ReferringPhysicianName"):
        # PS3.5 6.2.1.2: a trailing caret says that a name of one part is meant as it stands.
        name = str(getattr(base, keyword))
        setattr(base, keyword, f"{name}^" if name and not {"^", "="} & set(name) else name)
    base.SOPClassUID = source.sop_class_uid
    if not is_uid(source.sop_class_uid):
        base.SOPClassUID = CT_IMAGE_STORAGE
        repairs.append("the source's SOP Class UID is blank or malformed; CT Image Storage was taken")
    return base


def _checked(keyword: str, value: str, vr: str, repairs: list[str]) -> str:
    if not value or _is_valid(keyword, value, vr):
        return value
    repairs.append(f"the source's {keyword} is malformed and was left blank")
    return ""


def _is_valid(keyword: str, value: str, vr: str) -> bool:
    if keyword == "PatientSex":
        return value in {"F", "M", "O"}
    if vr == "DA":
        return _is_date(value)
    if vr == "TM":
        return _TIME.fullmatch(value) is not None
    if vr == "PN" and re.search(r"[\\\x00-\x1f]", value):
        return False
    valid = VALIDATORS[vr](vr, value)[0]  # type: ignore[no-untyped-call]
    return bool(valid) and "\\" not in value


def _is_date(value: str) -> bool:
    if re.fullmatch(r"\d{8}", value) is None:
        return False
    try:
        datetime.strptime(value, "%Y%m%d")  # noqa: DTZ007 - a date alone
    except ValueError:
        return False
    return True


def _image(base: Dataset, uid: str, volume: Volume, index: int) -> Dataset:
    """A source file, with the geometry of its slice as the volume has it."""
    image = Dataset()
    image.update(base)
    image.SOPInstanceUID = uid
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.Rows, image.Columns = volume.hu.shape[1:]
    columns = volume.affine_lps[:3, :3] / np.array(volume.spacing_mm)
    image.ImageOrientationPatient = [*_decimals(columns[:, 2]), *_decimals(columns[:, 1])]
    image.ImagePositionPatient = _decimals(volume.position_of((index, 0, 0)))
    image.PixelSpacing = _decimals(np.array(volume.spacing_mm[1:]))
    image.SliceThickness = _decimals(np.array(volume.spacing_mm[:1]))[0]
    return image


def _decimals(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> list[str]:
    """Decimal strings of at most 16 characters."""
    return [f"{value:.8g}" for value in values]
