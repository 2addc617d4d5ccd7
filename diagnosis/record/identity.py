"""Who a case is. Import rules keep this away from everything that learns, scores or explains."""

from dataclasses import dataclass, field
from typing import final


@final
@dataclass(frozen=True)
class StudyIdentity:
    """Identifiers of the study behind a pseudonym; `repr` shows the pseudonym alone."""

    case_id: str
    patient_id: str | None = field(default=None, repr=False)
    accession_number: str | None = field(default=None, repr=False)
    study_uid: str | None = field(default=None, repr=False)
    series_uid: str | None = field(default=None, repr=False)
    sop_instance_uids: tuple[str, ...] = field(default=(), repr=False)
