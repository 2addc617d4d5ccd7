"""Who a case is. Import rules keep this away from everything that learns, scores or explains."""

from dataclasses import dataclass, field
from typing import final


@final
@dataclass(frozen=True)
class SourceHeaders:
    """What results in DICOM must repeat of the headers of their source, as it stands there; `repr` shows none of it.

    An attribute that the source leaves out or blank is an empty string. Dates are YYYYMMDD, times HHMMSS.FFFFFF, the
    offset of their zone from UTC +HHMM or -HHMM, names in DICOM's own form (family^given^middle^prefix^suffix).
    """

    patient_name: str = field(default="", repr=False)
    patient_birth_date: str = field(default="", repr=False)
    patient_sex: str = field(default="", repr=False)
    patient_age: str = field(default="", repr=False)
    study_date: str = field(default="", repr=False)
    study_time: str = field(default="", repr=False)
    timezone_offset: str = field(default="", repr=False)
    study_id: str = field(default="", repr=False)
    study_description: str = field(default="", repr=False)
    referring_physician_name: str = field(default="", repr=False)
    body_part: str = field(default="", repr=False)
    position_reference_indicator: str = field(default="", repr=False)
    frame_of_reference_uid: str = field(default="", repr=False)
    sop_class_uid: str = field(default="", repr=False)


@final
@dataclass(frozen=True)
class StudyIdentity:
    """Identifiers of the study behind a pseudonym; `repr` shows the pseudonym alone.

    `source` is None where the CT did not come from DICOM.
    """

    case_id: str
    patient_id: str | None = field(default=None, repr=False)
    accession_number: str | None = field(default=None, repr=False)
    study_uid: str | None = field(default=None, repr=False)
    series_uid: str | None = field(default=None, repr=False)
    sop_instance_uids: tuple[str, ...] = field(default=(), repr=False)
    source: SourceHeaders | None = field(default=None, repr=False)
