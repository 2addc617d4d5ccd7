# ruff: noqa: E501 - each pattern is read as a whole
"""A note or a dictation to facts: `read_note`, `read_dictation`, `read_text`."""

import math
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

from diagnosis.reading.context import WIDEST_SCOPE, Assertions, assertions_of
from diagnosis.reading.facts import Fact, FactKind, Source
from diagnosis.reading.findings import find_mentions
from diagnosis.reading.history import CALENDAR_YEAR, QUIT_YEAR, YEARS_AGO, Statement, find_statements
from diagnosis.reading.organs import has_organ_between, is_of_organ
from diagnosis.reading.places import find_lobes, find_segments, find_sides
from diagnosis.reading.sentences import sentence_spans
from diagnosis.reading.size_times import SizeTime, time_of_size
from diagnosis.reading.sizes import NUMBER, find_lengths
from diagnosis.record.note import ClinicalNote, VoiceNote

Span = tuple[int, int]

# A size or a place belongs to the nearest of these in its sentence; a feature of a nodule is no owner of a size.
_OWNERS = frozenset(
    {"nodule", "mass", "effusion", "pneumothorax", "consolidation", "atelectasis", "lymphadenopathy", "cavitation", "infiltration",
     "emphysema", "fibrosis", "pleural_thickening", "granuloma"}
)  # fmt: skip
_LESIONS = ("nodule", "mass")
# Dictated without commas, "nodule right upper lobe 9 mm no effusion", "small effusion 9 mm solid nodule": what joins a
# lesion to its size, before and behind it.
_UP_TO_ITS_SIZE = re.compile(
    r"(?:\W*\b(?:in|of|at|within|the|right|left|upper|middle|lower|lobe|lung|base|apex|lingula|RUL|RML|RLL|LUL|LLL|apical|basal|anterior"
    r"|posterior|lateral|medial|superior|segment|is|measures|measuring|measured|about|approximately|roughly|sized|size))*\W*",
    re.IGNORECASE,
)
_UP_TO_ITS_LESION = re.compile(
    r"[\s-]+(?:(?:new|small|large|solid|part-solid|ground-glass|calcified|non-?calcified|spiculated|lobulated|smooth|irregular|round|oval"
    r"|pulmonary|lung|subpleural|well-defined|ill-defined)\s+){0,3}",
    re.IGNORECASE,
)
# "It measures 18 mm": the sentence goes on with the lesion of the one before.
_REFERS_BACK = re.compile(
    r"^\W*(?:it|this|the lesion|the abnormality|size|diameter|measur\w+|location|about|roughly|approximately|maximum|largest|\d)"
    r"|[^,;]*[,;]\s*(?:and )?(?:it )?measur\w+"
    # "Today 11 mm", but not "now with pain on the left".
    r"|^\W*(?:CT )?(?:today|now|currently|current)(?:'s)?(?:[\s:,]+(?:CT|scan|study|it|is|at|of|an?|size|measur\w+|about|approximately))*[\s:,]+"
    rf"{NUMBER}[\s-]*(?:mm|millim|cm|centim|x|×|by)",
    re.IGNORECASE,
)
_WIDEST_JOINT = 80
_SOLID_PART = re.compile(r"solid\s+(?:component|part|portion|core|nidus)", re.IGNORECASE)
_NO_STATED_HISTORY = frozenset({FactKind.AGE, FactKind.SEX})


def read_note(note: ClinicalNote) -> tuple[Fact, ...]:
    """Facts of a written note, in order of their places, each with its section.

    Calendar years ("quit in 2010") become years since then where the note says when it was written.
    """
    return tuple(_in_section(_since_then(fact, note), note) for fact in read_text(note.text))


def read_dictation(voice_note: VoiceNote) -> tuple[Fact, ...]:
    """Facts of a dictation, in order, each with its seconds in the recording."""
    spans = voice_note.word_spans
    words = voice_note.words

    def timed(fact: Fact) -> Fact:
        spoken = [
            word for word, (start, end) in zip(words, spans, strict=True) if start < fact.end and fact.start < end
        ]
        seconds = (spoken[0].start_s, spoken[-1].end_s) if spoken else None
        return replace(fact, source=Source.VOICE, seconds=seconds)

    return tuple(timed(fact) for fact in read_text(voice_note.text))


def read_text(text: str) -> tuple[Fact, ...]:
    """Facts of a text, in order of their places; the text itself is kept by nobody."""
    sentences = sentence_spans(text)
    findings = [Fact(FactKind.FINDING, name, start, end, meant) for name, start, end, meant in find_mentions(text)]
    owned = _of_their_time(list(_owned_facts(text, sentences, findings)), text)
    stated = (_judged(statement, text, sentences) for statement in find_statements(text))
    unique = dict.fromkeys([*findings, *owned, *stated])
    return tuple(sorted(unique, key=lambda fact: (fact.start, fact.end, fact.kind, fact.name)))


@final
@dataclass(frozen=True)
class _Owners:
    """What sizes and places of one sentence can belong to, ordered by their start."""

    facts: list[Fact]

    @cached_property
    def _starts(self) -> list[int]:
        return [fact.start for fact in self.facts]

    @cached_property
    def _longest(self) -> int:
        return max(fact.end - fact.start for fact in self.facts)

    def adjoining(self, size: Fact, text: str) -> Fact | None:
        """The lesion that a size directly goes with, whatever finding stands on its other side."""
        here = bisect_left(self._starts, size.start)
        before = [(owner, _UP_TO_ITS_SIZE) for owner in self.facts[max(here - 1, 0) : here]]
        after = [(owner, _UP_TO_ITS_LESION) for owner in self.facts[here : here + 1]]
        for owner, joint in before + after:
            is_near = owner.name in _LESIONS and _distance(size, owner) <= _WIDEST_JOINT
            if is_near and joint.fullmatch(text, *_between(size, owner)):
                return owner
        return None

    def nearest(self, fact: Fact, text: str) -> Fact | None:
        """The one with the smallest gap, the first of equals.

        Seen from the fact outward, and no further than a nearer one can still be found: without full stops a text is
        one sentence, and looking at all pairs would take hours.
        """
        here = bisect_left(self._starts, fact.start)
        best, least = None, math.inf
        for index in range(here, len(self.facts)):
            if self._starts[index] - fact.end >= least:
                break
            if (gap := _gap(fact, self.facts[index], text)) < least:
                best, least = self.facts[index], gap
        for index in range(here - 1, -1, -1):
            if fact.start - self._starts[index] - self._longest > least:
                break
            if (gap := _gap(fact, self.facts[index], text)) <= least:
                best, least = self.facts[index], gap
        return best


def _owned_facts(text: str, sentences: tuple[Span, ...], findings: list[Fact]) -> Iterator[Fact]:
    """Sizes and places, with the finding they belong to and its sense."""
    owner_before: Fact | None = None
    ordered = sorted((f for f in findings if f.name in _OWNERS), key=lambda f: f.start)
    starts = [f.start for f in ordered]
    for first, last in sentences:
        owners = ordered[bisect_left(starts, first) : bisect_left(starts, last)]
        places = _Owners(owners)
        inherited = owner_before if _REFERS_BACK.match(text[first:last]) else None
        for fact in _measures(text, first, last):
            yield _with_owner(fact, places, inherited, text, sentences)
        lesions = [f for f in owners if f.name in _LESIONS and not f.assertions.is_negated]
        owner_before = lesions[0] if lesions else (owner_before if inherited or not owners else None)


def _of_their_time(facts: list[Fact], text: str) -> Iterator[Fact]:
    """The facts; of sizes of one thing that are told with their times, the earlier ones become history."""
    times = {fact: time_of_size(text, fact.start, fact.end) for fact in facts if fact.kind is FactKind.SIZE}
    told: dict[str | None, set[SizeTime]] = {}
    for size, time in times.items():
        told.setdefault(size.about, set()).add(time)
    told[None] = set(times.values())  # a size of nothing named may be of anything
    for fact in facts:
        if fact in times and any(times[fact].is_before(other) for other in told[fact.about]):
            yield replace(fact, assertions=replace(fact.assertions, is_historical=True))
        else:
            yield fact


def _measures(text: str, first: int, last: int) -> Iterator[Fact]:
    sentence = text[first:last]
    for length in find_lengths(sentence):
        start, end = first + length.start, first + length.end
        around = sentence[max(0, length.start - 30) : length.end + 25]
        if _SOLID_PART.search(around):
            yield Fact(FactKind.SIZE, "solid_component", start, end, value=round(length.longest_mm, 2), unit="mm")
            continue
        yield Fact(FactKind.SIZE, "diameter", start, end, value=round(length.longest_mm, 2), unit="mm")
        if length.mean_mm != length.longest_mm:
            yield Fact(FactKind.SIZE, "mean_diameter", start, end, value=round(length.mean_mm, 2), unit="mm")
    for kind, found in (
        (FactKind.LOBE, find_lobes(sentence)),
        (FactKind.SIDE, find_sides(sentence)),
        (FactKind.SEGMENT, find_segments(sentence)),
    ):
        for name, start, end in found:
            yield Fact(kind, name, first + start, first + end)


def _with_owner(fact: Fact, owners: _Owners, inherited: Fact | None, text: str, sentences: tuple[Span, ...]) -> Fact:
    adjoining = owners.adjoining(fact, text) if fact.kind is FactKind.SIZE else None
    owner = adjoining or owners.nearest(fact, text) or inherited
    if owner is not None and _distance(fact, owner) > WIDEST_SCOPE:
        owner = None
    if owner is None:
        return replace(fact, assertions=assertions_of(text, fact.start, fact.end, sentences))
    places = (fact.start, fact.end), (owner.start, owner.end)
    if fact.kind is FactKind.SIZE and (
        has_organ_between(text, *places) or (owner.name in _LESIONS and is_of_organ(text, *places))
    ):
        owner = None
    meant = owner.assertions if owner else assertions_of(text, fact.start, fact.end, sentences)
    if owner is not None and fact.kind is FactKind.SIZE and meant.is_historical and not meant.is_negated:
        # "In 2019 the nodule was seen, now 9 mm": the size may be of today where the finding was told of then.
        meant = replace(meant, is_historical=assertions_of(text, fact.start, fact.end, sentences).is_historical)
    return replace(fact, about=owner.name if owner else None, assertions=meant)


def _gap(fact: Fact, owner: Fact, text: str) -> int:
    """Distance in characters; a clause between two things keeps them apart."""
    start, end = _between(fact, owner)
    if end - start > WIDEST_SCOPE:
        return end - start
    clauses = len(re.findall(r"[;,]| and | with | but ", text[start:end]))
    return end - start + 40 * clauses


def _distance(fact: Fact, owner: Fact) -> int:
    start, end = _between(fact, owner)
    return end - start


def _between(fact: Fact, owner: Fact) -> Span:
    start, end = min(fact.end, owner.end), max(fact.start, owner.start)
    return (start, max(start, end))


def _judged(statement: Statement, text: str, sentences: tuple[Span, ...]) -> Fact:
    """A statement about the patient, with its sense; a relative's cancer becomes family history."""
    meant = assertions_of(text, statement.start, statement.end, sentences)
    kind = statement.kind
    if kind in _NO_STATED_HISTORY or kind is FactKind.SMOKING:
        # "Never smoker" and "quit" hold their own sense, and an age is of today wherever it stands.
        meant = Assertions(is_family=meant.is_family, is_hypothetical=meant.is_hypothetical)
    elif statement.is_of_patient:
        meant = replace(meant, is_family=False)
    elif kind is FactKind.CANCER_HISTORY and meant.is_family:
        kind = FactKind.FAMILY_HISTORY
    return Fact(kind, statement.name, statement.start, statement.end, meant, value=statement.value, unit=statement.unit)


def _since_then(fact: Fact, note: ClinicalNote) -> Fact:
    if fact.unit != CALENDAR_YEAR or fact.value is None or note.authored_at is None:
        return fact
    years = note.authored_at.year - fact.value
    if years < 0:
        return fact
    if fact.name == QUIT_YEAR:
        return replace(fact, name="years_since_quitting", value=years, unit="years")
    return replace(fact, value=years, unit=YEARS_AGO)


def _in_section(fact: Fact, note: ClinicalNote) -> Fact:
    title = next((s.title for s in note.sections if s.start <= fact.start < s.end), None)
    return replace(fact, section=title)
