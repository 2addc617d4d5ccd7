"""Set questions about a case, answered from the evidence that a draft rests on; "not known" is an answer.

A question is recognized by its words; one that is not among the set is not guessed at. A descriptor is told from the
descriptor head only where there is a CT to read it from. Where head and words differ, both are told.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from diagnosis.drafting.drafter import FEATURES, LESIONS, draft_report, sense_verb
from diagnosis.drafting.evidence import Draft, Evidence, Section, of_descriptor, of_fact, of_finding
from diagnosis.drafting.wording import PHRASES, display, phrase
from diagnosis.reading.case_words import CaseWords, read_words
from diagnosis.reading.facts import Fact, FactKind
from diagnosis.reading.finding_names import CHEST_FINDINGS
from diagnosis.record import Assessment, Case
from diagnosis.vocabulary import Modality

NOT_KNOWN = "Not known"
MARKED_FROM, ABSENT_TO = 3.5, 2.5
"""Rating from which a feature counts as there, and up to which as not; between it is told as uncertain."""


@final
@dataclass(frozen=True)
class Answer:
    """An answer and what it rests on; `is_known` is false where nothing in the case answers the question."""

    question: str
    text: str
    evidence: tuple[Evidence, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether the case answers it."""
        return bool(self.evidence)


@final
@dataclass(frozen=True, eq=False)
class _Known:
    """What questions are answered from."""

    case: Case
    assessment: Assessment
    words: CaseWords
    draft: Draft


Answerer = Callable[[_Known], tuple[str, tuple[Evidence, ...]]]
_FEATURE_FACTS: dict[str, tuple[str, ...]] = {
    "spiculation": ("spiculation",),
    "lobulation": ("lobulation",),
    "calcification": ("calcified", "benign_calcification"),
    "texture": ("solid", "part_solid", "ground_glass"),
}


def answer(question: str, case: Case, assessment: Assessment) -> Answer:
    """Answer one question about a case."""
    return _answered(question, _known(case, assessment))


def answer_all(case: Case, assessment: Assessment) -> tuple[Answer, ...]:
    """Answers to all set questions, in their order; the case's words are read once."""
    known = _known(case, assessment)
    return tuple(_answered(question, known) for question in QUESTIONS)


def _known(case: Case, assessment: Assessment) -> _Known:
    words = read_words(case)
    return _Known(case, assessment, words, draft_report(case, assessment, words))


def _answered(question: str, known: _Known) -> Answer:
    for pattern, _, answerer in _TABLE:
        if pattern.search(question):
            text, evidence = answerer(known)
            return Answer(question, text if evidence else f"{NOT_KNOWN}: {text}", evidence)
    asked = "; ".join(QUESTIONS)
    return Answer(question, f"{NOT_KNOWN}: this is none of the questions that can be answered. Ask: {asked}")


def _feature(name: str) -> Answerer:
    """Is it spiculated, lobulated, calcified; how is its margin, its shape, its density."""

    def answered(known: _Known) -> tuple[str, tuple[Evidence, ...]]:
        parts: list[str] = []
        evidence: list[Evidence] = []
        rated = next((d for d in known.assessment.descriptors if d.name == name), None)
        said = _said(known, _FEATURE_FACTS.get(name, ()))
        if rated is not None and Modality.CT in known.case.present:
            call = _call(name, rated.value)
            if any(sense_verb(fact) == _OPPOSITE.get(call) for fact in said):
                call = "the sources differ: "
            top = len(PHRASES[name])
            parts.append(f"{call}{phrase(name, rated.value)} (read as {rated.value:.1f} of {top})")
            evidence.append(of_descriptor(rated))
        for fact in said:
            what = FEATURES.get(fact.name, fact.name)
            parts.append(f"the {fact.source.value} {sense_verb(fact)} {what}")
            evidence.append(of_fact(known.case, fact))
        if not parts:
            return f"there is no CT to read {display(name)} from, and no words say it", ()
        text = "; ".join(parts)
        return f"{text[:1].upper()}{text[1:]}.", tuple(evidence)

    return answered


_OPPOSITE = {"yes: ": "denies", "no: ": "states"}
"""How words contradict what was read from the CT."""


def _call(name: str, value: float) -> str:
    """Yes, no or uncertain, for what can be there or not."""
    if name not in {"spiculation", "lobulation", "calcification"}:
        return ""
    if name == "calcification":
        return "no: " if value >= 5.5 else "yes: "  # its scale ends with "absent"
    return "yes: " if value >= MARKED_FROM else "no: " if value <= ABSENT_TO else "uncertain: "


def _said(known: _Known, names: tuple[str, ...]) -> list[Fact]:
    """Facts of these names, one for each source and sense."""
    found: dict[tuple[str, str, str], Fact] = {}
    for fact in known.words.facts:
        if fact.kind is FactKind.FINDING and fact.name in names and not fact.assertions.is_hypothetical:
            found.setdefault((fact.source.value, fact.name, sense_verb(fact)), fact)
    return list(found.values())


def _from_draft(section: Section, marks: tuple[str, ...], unknown: str) -> Answerer:
    """Sentences of the draft that hold one of these words."""

    def answered(known: _Known) -> tuple[str, tuple[Evidence, ...]]:
        told = [s for s in known.draft.sentences if s.section is section and any(m in s.text for m in marks)]
        return " ".join(s.text for s in told) or unknown, tuple(e for s in told for e in s.evidence)

    return answered


def _finding(known_names: str) -> Answerer:
    """Is there an effusion, emphysema, ...: only words can say."""

    def answered(known: _Known) -> tuple[str, tuple[Evidence, ...]]:
        facts = _said(known, (known_names,))
        what = known_names.replace("_", " ")
        told = "; ".join(f"the {f.source.value} {sense_verb(f)} {what}" for f in facts)
        if not facts:
            return f"neither note nor dictation speaks of {what}, and no network here looks for it", ()
        return f"{told[:1].upper()}{told[1:]}.", tuple(of_fact(known.case, f) for f in facts)

    return answered


def _probability(known: _Known) -> tuple[str, tuple[Evidence, ...]]:
    told = [s for s in known.draft.sentences if s.section is Section.IMPRESSION and "robability of" in s.text]
    return " ".join(s.text for s in told), tuple(e for s in told for e in s.evidence)


def _reasons(*, is_for: bool) -> Answerer:
    """What speaks for or against the main finding: kinds of evidence, descriptors and risk factors."""

    def answered(known: _Known) -> tuple[str, tuple[Evidence, ...]]:
        parts, evidence = _modality_reasons(known, is_for=is_for)
        if Modality.CT in known.case.present:
            for descriptor in known.assessment.descriptors:
                if _speaks_for(descriptor.name, descriptor.value) is is_for:
                    parts.append(f"{phrase(descriptor.name, descriptor.value)} ({display(descriptor.name)})")
                    evidence.append(of_descriptor(descriptor))
        opposed = _opposed(known.words.facts)
        for fact in known.words.facts:
            if not (reason := _risk_reason(fact, is_for=is_for)) or (fact in opposed and fact.kind is FactKind.LOBE):
                continue
            told = f"{reason}, by the {fact.source.value}" if fact in opposed else reason
            if told not in parts:
                parts.append(told)
                evidence.append(of_fact(known.case, fact))
        if not parts:
            return f"nothing in this case was found to speak {'for' if is_for else 'against'} it", ()
        text = "; ".join(parts)
        return f"{text[:1].upper()}{text[1:]}.", tuple(evidence)

    return answered


def _modality_reasons(known: _Known, *, is_for: bool) -> tuple[list[str], list[Evidence]]:
    """Shapley values of CT, note and dictation; their evidence is the assessment."""
    names = {Modality.CT: "the CT", Modality.NOTE: "the note", Modality.VOICE: "the dictation"}
    used = [u for u in known.assessment.modalities if u.is_present and (u.shapley_logits > 0) is is_for]
    parts = [f"{names[u.modality]} ({u.shapley_logits:+.2f} logits)" for u in used if u.shapley_logits]
    return parts, [of_finding(known.assessment.main)] if parts else []


def _speaks_for(name: str, value: float) -> bool | None:
    """Whether a descriptor is known to speak for malignancy, against it, or neither."""
    if name in {"spiculation", "lobulation"}:
        return True if value >= MARKED_FROM else False if value <= ABSENT_TO else None
    if name == "margin":
        return True if value <= ABSENT_TO else False if value >= 4.5 else None
    if name == "calcification":
        return None if value >= 5.5 else False
    return None


def _risk_reason(fact: Fact, *, is_for: bool) -> str | None:
    """A stated risk factor of the clinical models, or its denial."""
    meant = fact.assertions
    if meant.is_hypothetical or meant.is_uncertain:
        return None
    what, speaks_for = _risk(fact)
    if what is None or speaks_for is not is_for:
        return None
    return what


def _opposed(facts: tuple[Fact, ...]) -> set[Fact]:
    """Facts that others oppose: lobes where several are named, and risk factors that are both told and denied."""
    opposed: set[Fact] = set()
    topics: tuple[tuple[FactKind, str], ...] = (
        (FactKind.LOBE, ""),
        (FactKind.SMOKING, ""),
        (FactKind.FINDING, "emphysema"),
    )
    for kind, name in topics:
        told = [f for f in facts if f.kind is kind and name in {"", f.name} and not f.assertions.is_family]
        if kind is FactKind.LOBE:
            told = [f for f in told if f.about in LESIONS and f.is_current]
            senses: set[object] = {f.name for f in told}
        elif kind is FactKind.SMOKING:
            senses = {f.name == "never" for f in told}
        else:
            senses = {f.assertions.is_negated for f in told}
        opposed |= set(told) if len(senses) > 1 else set()
    return opposed


def _risk(fact: Fact) -> tuple[str | None, bool]:
    """A risk factor in words, and whether it speaks for malignancy."""
    is_said = not fact.assertions.is_negated
    denied = "" if is_said else " denied"
    if fact.kind is FactKind.SMOKING and not fact.assertions.is_family:
        return f"smoking ({fact.name.replace('_', ' ')})", fact.name != "never"
    if fact.kind in {FactKind.CANCER_HISTORY, FactKind.FAMILY_HISTORY}:
        where = " in the family" if fact.kind is FactKind.FAMILY_HISTORY else ""
        return f"{fact.name}{where}{denied}", is_said
    if fact.kind is FactKind.LOBE and fact.about in LESIONS and fact.is_current and "upper" in fact.name:
        return f"place in the {fact.name}", True
    if fact.kind is FactKind.FINDING and fact.name == "emphysema" and not fact.assertions.is_family:
        return f"emphysema{denied}", is_said
    if fact.kind is FactKind.FINDING and fact.name in {"growth", "stability"} and fact.is_current:
        return fact.name, fact.name == "growth"
    return None, False


def _contradictions(known: _Known) -> tuple[str, tuple[Evidence, ...]]:
    sentences = {c.sentence for c in known.words.contradictions}
    told = [s for s in known.draft.sentences if s.text in sentences]
    return " ".join(s.text for s in told) or "no contradiction was found", tuple(e for s in told for e in s.evidence)


def _ask(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_NO_PLACE = "neither note nor dictation says where it lies"
_FINDING_QUESTIONS: tuple[tuple[re.Pattern[str], str, Answerer], ...] = tuple(
    (_ask(CHEST_FINDINGS[name].replace(" ", r"\s+")), f"is there {name.replace('_', ' ')}?", _finding(name))
    for name in CHEST_FINDINGS
)
_TABLE: tuple[tuple[re.Pattern[str], str, Answerer], ...] = (
    (_ask(r"\bagainst\b"), "what speaks against malignancy?", _reasons(is_for=False)),
    (_ask(r"speaks? for|why|reasons?|suspicious"), "what speaks for malignancy?", _reasons(is_for=True)),
    (_ask(r"contradict|disagree"), "do the sources contradict each other?", _contradictions),
    (_ask(r"spicul"), "is it spiculated?", _feature("spiculation")),
    (_ask(r"lobulat"), "is it lobulated?", _feature("lobulation")),
    (_ask(r"calcif"), "is it calcified?", _feature("calcification")),
    (_ask(r"margin|border|well[- ]defined|sharp"), "how is its margin?", _feature("margin")),
    (_ask(r"solid|ground|densit|texture"), "is it solid?", _feature("texture")),
    (_ask(r"round|shape|spher|ovoid"), "what shape is it?", _feature("sphericity")),
    (
        _ask(r"how (?:large|big)|size|diameter|measure|\bmm\b"),
        "how large is it?",
        _from_draft(Section.FINDINGS, ("diameter of",), "no region is marked with a size, and no words give one"),
    ),
    (
        _ask(r"lobe|where|side\b|locat|place"),
        "which lobe?",
        _from_draft(Section.FINDINGS, (" nodule is in", "Nodules are in", " places a nodule"), _NO_PLACE),
    ),
    (
        _ask(r"smok|pack"),
        "does the patient smoke?",
        _from_draft(
            Section.INFORMATION, ("smok", "Smok", "pack-years"), "neither note nor dictation speaks of smoking"
        ),
    ),
    (
        _ask(r"cancer|famil|histor"),
        "is there a history of cancer?",
        _from_draft(Section.INFORMATION, ("cancer",), "neither note nor dictation speaks of earlier cancer"),
    ),
    (
        _ask(r"how old|\bage\b"),
        "how old is the patient?",
        _from_draft(Section.INFORMATION, ("-year-old", "Age ", "age of"), "neither note nor dictation gives an age"),
    ),
    (
        _ask(r"recommend|follow|next|guideline|do now"),
        "what is recommended?",
        _from_draft(Section.RECOMMENDATION, ("",), "no guideline applies to what is known"),
    ),
    (_ask(r"malignan|probab|likel|risk|benign"), "how likely is malignancy?", _probability),
    *_FINDING_QUESTIONS,
)
QUESTIONS: tuple[str, ...] = tuple(question for _, question, _ in _TABLE)
