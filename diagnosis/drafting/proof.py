"""Whether a draft holds: every piece of evidence is looked up again, and no number is said that is not in it."""

import re

from diagnosis.drafting.evidence import Draft, Evidence, EvidenceKind, Sentence, of_descriptor, of_finding
from diagnosis.reading.case_words import CaseWords, read_words
from diagnosis.record import Assessment, Case

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# A guideline's and a model's own name: "Fleischner 2017", "Lung-RADS v2022".
_NAMES = re.compile(r"Fleischner 2017|Lung-RADS v2022")


def unsupported(draft: Draft, case: Case, assessment: Assessment) -> tuple[Sentence, ...]:
    """Sentences whose evidence is not in the case or the assessment, or that name a number which is not in it."""
    words = read_words(case)
    return tuple(
        sentence
        for sentence in draft.sentences
        if not all(_holds(e, case, assessment, words) for e in sentence.evidence) or _unfounded_numbers(sentence, words)
    )


def _holds(evidence: Evidence, case: Case, assessment: Assessment, words: CaseWords) -> bool:
    """Whether a piece of evidence stands where it says."""
    if evidence.kind is EvidenceKind.WORDS:
        return _stands(evidence, case, words)
    if evidence.kind is EvidenceKind.DESCRIPTOR:
        return any(of_descriptor(d) == evidence for d in assessment.descriptors)
    if evidence.kind is EvidenceKind.PROBABILITY:
        return any(of_finding(f) == evidence for f in assessment.findings)
    if evidence.kind is EvidenceKind.GUIDELINE:
        named = [o for o in words.opinions if o.model == evidence.name and o.doi == evidence.doi]
        return any(o.refusal is None or o.refusal == evidence.value for o in named)
    if evidence.kind is EvidenceKind.WARNING:
        return evidence.value in assessment.warnings
    return _is_of_case(evidence, case, words)


def _stands(evidence: Evidence, case: Case, words: CaseWords) -> bool:
    """Whether the words stand at their place, or a contradiction makes of those at this place what is said."""
    holder = case.note if evidence.source == "note" else case.voice_note
    if holder is None or evidence.span is None:
        return False
    start, end = evidence.span
    if not 0 <= start < end <= len(holder.text):
        return False
    sayings = {(s.span, s.value) for c in words.contradictions for s in (c.first, c.second)}
    return " ".join(holder.text[start:end].split()) == evidence.value or (evidence.span, evidence.value) in sayings


def _is_of_case(evidence: Evidence, case: Case, words: CaseWords) -> bool:
    """Whether the case itself says it: its parts, its volume, its region, or a contradiction with its stated facts."""
    if evidence.name == "present":
        return set(evidence.value.split()) - {"nothing"} == {m.value for m in case.present}
    if evidence.name == "shape" and case.volume is not None:
        slices, rows, columns = case.volume.hu.shape
        return evidence.value == f"{slices} slices of {rows} x {columns}"
    if evidence.name == "spacing" and case.volume is not None:
        between, pixel, _ = case.volume.spacing_mm
        return evidence.value == f"{between:.2g} mm, {pixel:.2g} mm"
    if evidence.kind is EvidenceKind.MEASUREMENT:
        region = case.region
        return region is not None and region.diameter_mm is not None and evidence.value == f"{region.diameter_mm:g} mm"
    sayings = [s for c in words.contradictions for s in (c.first, c.second)]
    return any(s.value == evidence.value and s.source.value == evidence.source for s in sayings)


def _unfounded_numbers(sentence: Sentence, words: CaseWords) -> set[float]:
    """Numbers that a sentence names and its evidence does not."""
    said = {float(n) for n in _NUMBER.findall(_NAMES.sub("", sentence.text))}
    given: set[float] = set()
    for evidence in sentence.evidence:
        given |= numbers_in(evidence, words)
    return said - given


def numbers_in(evidence: Evidence, words: CaseWords) -> set[float]:
    """Numbers that a piece of evidence gives; words may spell them, or give them in centimeters."""
    given = {float(n) for n in _NUMBER.findall(_NAMES.sub("", evidence.value))}
    if evidence.kind is not EvidenceKind.WORDS or evidence.span is None:
        return given
    return given | {
        float(f"{fact.value:g}")
        for fact in words.facts
        if fact.value is not None
        and fact.source.value == evidence.source
        and fact.start < evidence.span[1]
        and evidence.span[0] < fact.end
    }
