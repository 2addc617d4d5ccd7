"""All the evidence on one patient, under a pseudonym."""

import re
from dataclasses import dataclass, replace
from typing import Self, final

from diagnosis.errors import CaseError
from diagnosis.record.note import ClinicalNote, VoiceNote
from diagnosis.record.volume import RegionOfInterest, Volume
from diagnosis.vocabulary import Modality, Sex

OLDEST_AGE_YEARS = 125


NO_PSEUDONYM = "case"
"""`case_id` of a case that was put together from loose files."""


_SAYS_CASE = re.compile(r"case(?![a-z])", re.IGNORECASE)


def case_subject(case_id: str) -> str:
    """How a message names a case: `case c-001`, `case_001` where the pseudonym says so itself, `case` without one."""
    return case_id if _SAYS_CASE.match(case_id) else f"case {case_id}"


@final
@dataclass(frozen=True, eq=False)
class Case:
    """All the evidence on one patient.

    Attributes:
        case_id: pseudonym; safe to show and to log.
        volume: CT, or None.
        region: where to look in the CT, or None.
        note: written note, or None.
        voice_note: dictation, or None. One with no words (silence) counts as absent.
        age_years: or None.
        sex: or None.
        warnings: what the reader should know of how the case was read.

    Raises:
        CaseError: no evidence at all, impossible age, empty pseudonym.
        RegionError: a region outside the volume.
    """

    case_id: str
    volume: Volume | None = None
    region: RegionOfInterest | None = None
    note: ClinicalNote | None = None
    voice_note: VoiceNote | None = None
    age_years: float | None = None
    sex: Sex | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.case_id.strip():
            msg = "case: it has no case_id; give it a pseudonym"
            raise CaseError(msg)
        if self.volume is None and self.note is None and self.voice_note is None:
            msg = f"{case_subject(self.case_id)}: it holds no CT, no note and no dictation; add at least one"
            raise CaseError(msg)
        if self.age_years is not None and not 0 <= self.age_years <= OLDEST_AGE_YEARS:
            msg = f"{case_subject(self.case_id)}: an age of {self.age_years:g} years is not possible; correct age_years"
            raise CaseError(msg)
        if self.region is not None and self.volume is not None:
            self.region.require_inside(self.volume)

    @property
    def present(self) -> frozenset[Modality]:
        """The kinds of evidence that can be assessed: CT needs a region, a dictation needs words."""
        present = set()
        if self.volume is not None and self.region is not None:
            present.add(Modality.CT)
        if self.note is not None:
            present.add(Modality.NOTE)
        if self.voice_note is not None and self.voice_note.words:
            present.add(Modality.VOICE)
        return frozenset(present)

    @property
    def awaits_region(self) -> bool:
        """Whether there is a CT alone, and nobody has marked in it what to look at."""
        return self.volume is not None and self.region is None and self.note is None and self.voice_note is None

    def restricted_to(self, kept: frozenset[Modality]) -> Self:
        """The same case with only some of its evidence.

        Raises:
            CaseError: nothing would be left.
        """
        return replace(
            self,
            volume=self.volume if Modality.CT in kept else None,
            region=self.region if Modality.CT in kept else None,
            note=self.note if Modality.NOTE in kept else None,
            voice_note=self.voice_note if Modality.VOICE in kept else None,
        )
