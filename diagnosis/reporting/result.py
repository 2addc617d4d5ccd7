"""One answer, as every form of it is made from: what was known, who it is, what was said, and why.

Why the identifiers are computed and not drawn: the same answer of the same model on the same images gets the same
identifiers, so that sending it twice does not put two results into the archive; another answer gets others.
"""

import hashlib
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import final

from diagnosis.errors import DiagnosisError
from diagnosis.record import Assessment, Case, Explanation
from diagnosis.record.identity import StudyIdentity
from diagnosis.record.volume import RegionSource
from diagnosis.reporting.clinician_report import ClinicianReport

NAMESPACE = uuid.UUID("6f0a4c7e-6a0c-5a57-9c1c-3a1d5c1f6e52")
"""Of all identifiers computed here; a constant, drawn once."""


def as_uid(identifier: uuid.UUID) -> str:
    """A DICOM UID from a UUID (PS3.5 B.2)."""
    return f"2.25.{identifier.int}"


@final
@dataclass(frozen=True, eq=False)
class Result:
    """What an export is made from.

    Attributes:
        case: the evidence.
        identity: who it is.
        assessment: the one answer that all forms repeat.
        explanation: its reasons, or None where no form needs them.
        created_at: when the answer was given, with time zone.
        signed: the report that a clinician signed last, or None.
    """

    case: Case
    identity: StudyIdentity
    assessment: Assessment
    explanation: Explanation | None
    created_at: datetime
    signed: ClinicianReport | None = None

    def __post_init__(self) -> None:
        if self.created_at.tzinfo is None:
            msg = "export: the time of the assessment has no time zone; add one"
            raise DiagnosisError(msg)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the model, the source images and what was said; times and durations do not count."""
        said = self.assessment
        region = self.case.region
        parts = [said.bundle_sha256, said.case_id, self.identity.study_uid or "", self.identity.series_uid or ""]
        parts += self.identity.sop_instance_uids
        parts += [f"{f.name} {f.logit:.6g} {f.probability:.6g} {f.threshold:.6g}" for f in said.findings]
        parts += [f"{d.name} {d.value:.6g}" for d in said.descriptors]
        parts.append("" if region is None else f"{region.center_mm} {region.diameter_mm}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def identifier(self, *roles: str) -> uuid.UUID:
        """Identifier of a part of this result, for example `identifier("sr", "series")`."""
        return uuid.uuid5(NAMESPACE, "\n".join((self.digest, *roles)))

    @property
    def document_time(self) -> datetime:
        """When the answer was given, in the zone that the times of a DICOM object are all in.

        A result repeats its study's date and time, which are local: it takes the zone that the source states, or this
        machine's.
        """
        source = self.identity.source
        stated = "" if source is None else source.timezone_offset
        is_usable = re.fullmatch(r"[+-](0\d|1[0-4])[0-5]\d", stated) is not None
        return self.created_at.astimezone(datetime.strptime(stated, "%z").tzinfo if is_usable else None)

    @property
    def tracking_words(self) -> str:
        """What a viewer shows for the assessed region: whether a person has marked it."""
        region = self.case.region
        is_proposed = region is not None and region.source is RegionSource.CANDIDATE
        return "region proposed by a program, not confirmed" if is_proposed else "assessed region"

    def uid(self, *roles: str) -> str:
        """The same as a DICOM UID."""
        return as_uid(self.identifier(*roles))

    def document_uid(self, *roles: str) -> str:
        """Of a document that repeats what the clinician signed: once that is another, so is the document."""
        return self.uid(*roles) if self.signed is None else self.uid(*roles, self.signed.digest)

    @property
    def report_in_force(self) -> ClinicianReport | None:
        """The signed report, where it is of this assessment."""
        return None if self.signed is None or self.signed.is_outdated else self.signed

    @property
    def remarks(self) -> tuple[str, ...]:
        """The assessment's warnings, and a sentence on a signed report that is left out."""
        warnings = self.assessment.warnings
        return warnings if self.signed is None or not self.signed.is_outdated else (self.signed.left_out, *warnings)

    @property
    def device_uuid(self) -> uuid.UUID:
        """Identifier of the model that answered: the same for all its answers."""
        return uuid.uuid5(NAMESPACE, self.assessment.bundle_sha256)
