"""What a text says, as records: kind, name, value, place in the text, and how it is meant."""

from dataclasses import dataclass
from enum import StrEnum
from typing import final

from diagnosis.reading.context import Assertions

PLAIN = Assertions()
"""Said to be so, now, of the patient."""


class Source(StrEnum):
    """Where a statement stands."""

    NOTE = "note"
    VOICE = "dictation"
    CT = "CT"
    CASE = "case"


class FactKind(StrEnum):
    """What kind of thing is said."""

    FINDING = "finding"
    SIZE = "size"
    SIDE = "side"
    LOBE = "lobe"
    SEGMENT = "segment"
    SMOKING = "smoking"
    CANCER_HISTORY = "cancer history"
    FAMILY_HISTORY = "family history"
    AGE = "age"
    SEX = "sex"
    EXAM = "exam"


@final
@dataclass(frozen=True)
class Fact:
    """One statement found in a text.

    Attributes:
        kind: what kind of thing is said.
        name: normalized name: a finding ("nodule"), a measure ("diameter", "pack_years"), a place ("right upper lobe").
        start: first character in the original text.
        end: character after the last.
        assertions: how it is meant.
        source: note or dictation.
        value: number, where there is one: millimeters for sizes, years for ages, pack-years, cigarettes a day.
        unit: of `value`.
        about: the finding that a size or place belongs to, where the sentence names one.
        section: title of the note's section, or None.
        seconds: start and end in the recording, for a dictation.
    """

    kind: FactKind
    name: str
    start: int
    end: int
    assertions: Assertions = PLAIN
    source: Source = Source.NOTE
    value: float | None = None
    unit: str | None = None
    about: str | None = None
    section: str | None = None
    seconds: tuple[float, float] | None = None

    @property
    def is_current(self) -> bool:
        """Whether it is said to be so, now, of the patient; doubt is allowed."""
        return self.assertions.is_current_fact
