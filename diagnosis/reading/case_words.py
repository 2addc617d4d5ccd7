"""All that the words of one case say: facts, contradictions, and what clinical models make of them."""

from dataclasses import dataclass
from typing import final

from diagnosis.reading.contradictions import Contradiction, find_contradictions
from diagnosis.reading.facts import Fact, Source
from diagnosis.reading.opinion import SecondOpinion
from diagnosis.reading.reader import read_dictation, read_note
from diagnosis.reading.second_opinions import second_opinions
from diagnosis.record.case import Case


@final
@dataclass(frozen=True)
class CaseWords:
    """What was read.

    Attributes:
        note: facts of the note.
        voice: facts of the dictation.
        contradictions: between note, dictation, CT region and case.
        opinions: of Brock, Mayo, Fleischner 2017 and Lung-RADS.
    """

    note: tuple[Fact, ...]
    voice: tuple[Fact, ...]
    contradictions: tuple[Contradiction, ...]
    opinions: tuple[SecondOpinion, ...]

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Of both, the note first."""
        return (*self.note, *self.voice)


def read_words(case: Case) -> CaseWords:
    """Read note and dictation of a case."""
    note, voice = _facts(case)
    return CaseWords(note, voice, find_contradictions(case, note, voice), second_opinions((*note, *voice), case))


def contradiction_warnings(case: Case) -> tuple[str, ...]:
    """A sentence for each contradiction between the parts of a case: shown, never averaged away."""
    if case.note is None and case.voice_note is None:
        return ()
    return tuple(found.sentence for found in find_contradictions(case, *_facts(case)))


def _facts(case: Case) -> tuple[tuple[Fact, ...], tuple[Fact, ...]]:
    note = read_note(case.note) if case.note is not None else ()
    voice = read_dictation(case.voice_note) if case.voice_note is not None and case.voice_note.words else ()
    return note, voice


def quoted(case: Case, fact: Fact) -> str:
    """The words of a fact, as they were written or spoken."""
    holder = case.note if fact.source is Source.NOTE else case.voice_note
    return "" if holder is None else " ".join(holder.text[fact.start : fact.end].split())
