"""From an assessment and the words of a case to a draft. Each function yields the sentences of one section."""

from collections.abc import Iterator

from diagnosis.drafting.evidence import (
    Draft,
    Evidence,
    EvidenceKind,
    Section,
    Sentence,
    bundle_of,
    of_descriptor,
    of_fact,
    of_finding,
    of_opinion,
    of_warning,
)
from diagnosis.drafting.wording import PHRASES, descriptor_sentence
from diagnosis.reading.case_words import CaseWords, read_words
from diagnosis.reading.contradictions import Topic
from diagnosis.reading.facts import Fact, FactKind, Source
from diagnosis.reading.opinion import SecondOpinion
from diagnosis.record import Assessment, Case
from diagnosis.vocabulary import Modality

LESIONS = ("nodule", "mass")
_HISTORY = (FactKind.AGE, FactKind.SEX, FactKind.SMOKING, FactKind.CANCER_HISTORY, FactKind.FAMILY_HISTORY)
# Said of a nodule, not beside it: told as its features.
FEATURES: dict[str, str] = {
    "spiculation": "spiculation",
    "lobulation": "lobulation",
    "ground_glass": "ground-glass density",
    "part_solid": "part-solid density",
    "solid": "solid density",
    "calcified": "calcification",
    "benign_calcification": "a benign pattern of calcification",
    "fat": "fat",
    "cavitation": "cavitation",
    "perifissural": "a perifissural place",
    "growth": "growth",
    "stability": "stability",
}
_SAID = {Source.NOTE: "The note", Source.VOICE: "The dictation"}


def draft_report(case: Case, assessment: Assessment, words: CaseWords | None = None) -> Draft:
    """Draft a report.

    Args:
        case: what was assessed.
        assessment: of it.
        words: of it, where they were read already.
    """
    read = words if words is not None else read_words(case)
    sentences = (
        *_information(case, read),
        *_technique(case),
        *_findings(case, assessment, read),
        *_impression(assessment, read),
        *_recommendation(read),
    )
    return Draft(case.case_id, sentences, bundle_of(assessment))


def _information(case: Case, words: CaseWords) -> Iterator[Sentence]:
    """Age, sex, smoking, cancer: as stated, with where."""
    seen: set[str] = set()
    for fact in words.facts:
        told = history_sentence(fact) if fact.kind in _HISTORY else None
        if told is None or told in seen:
            continue
        seen.add(told)
        yield Sentence(Section.INFORMATION, told, (of_fact(case, fact),))


def history_sentence(fact: Fact) -> str | None:
    """What is said of the patient; None for what is only supposed, or a relative's age and sex."""
    if fact.assertions.is_hypothetical:
        return None
    said = _SAID[fact.source]
    if fact.kind in {FactKind.AGE, FactKind.SEX, FactKind.SMOKING} and fact.assertions.is_family:
        return None
    if fact.kind is FactKind.AGE:
        return f"{said} gives an age of {fact.value:g} years."
    if fact.kind is FactKind.SEX:
        return f"{said} gives the sex as {'female' if fact.name == 'F' else 'male'}."
    if fact.kind is FactKind.SMOKING:
        number = "" if fact.value is None else f" {fact.value:g}"
        return f"{said} states smoking: {fact.name.replace('_', ' ')}{number}."
    sense = "denies" if fact.assertions.is_negated else ("raises" if fact.assertions.is_uncertain else "states")
    where = " in the family" if fact.kind is FactKind.FAMILY_HISTORY else ""
    return f"{said} {sense} {fact.name}{where}."


def _technique(case: Case) -> Iterator[Sentence]:
    """What there was to read."""
    if case.volume is None:
        yield Sentence(Section.TECHNIQUE, "There is no CT.", (_present(case),))
    else:
        slices, rows, columns = case.volume.hu.shape
        between, pixel, _ = case.volume.spacing_mm
        shape = f"{slices} slices of {rows} x {columns}"
        text = f"CT: {shape} pixels, slices {between:.2g} mm apart, pixels of {pixel:.2g} mm."
        evidence = (
            Evidence(EvidenceKind.MEASUREMENT, "shape", shape),
            Evidence(EvidenceKind.MEASUREMENT, "spacing", f"{between:.2g} mm, {pixel:.2g} mm"),
        )
        yield Sentence(Section.TECHNIQUE, text, evidence)
    parts = [name for name, part in (("a note", case.note), ("a dictation", case.voice_note)) if part is not None]
    if parts:
        yield Sentence(Section.TECHNIQUE, f"Also read: {' and '.join(parts)}.", (_present(case),))


def _present(case: Case) -> Evidence:
    names = [m.value for m in Modality if m in case.present]
    return Evidence(EvidenceKind.CASE, "present", " ".join(names) or "nothing")


def _findings(case: Case, assessment: Assessment, words: CaseWords) -> Iterator[Sentence]:
    topics = {c.topic for c in words.contradictions}
    yield from _places(case, words, settled=not topics & {Topic.SIDE, Topic.LOBE})
    yield from _sizes(case, words)
    if Modality.CT in case.present:
        for descriptor in assessment.descriptors:
            if descriptor.name in PHRASES:
                text = descriptor_sentence(descriptor.name, descriptor.value)
                yield Sentence(Section.FINDINGS, text, (of_descriptor(descriptor),))
    yield from _said_findings(case, words)


def _places(case: Case, words: CaseWords, *, settled: bool) -> Iterator[Sentence]:
    """Where the nodule lies: said as a fact where the sources agree, else as what each says."""
    placed = [f for f in words.facts if f.about in LESIONS and f.is_current and f.kind is FactKind.LOBE]
    placed = placed or [f for f in words.facts if f.about in LESIONS and f.is_current and f.kind is FactKind.SIDE]
    names = dict.fromkeys(f.name for f in placed)
    if settled and len(names) == 1:
        place = placed[0].name if placed[0].kind is FactKind.LOBE else f"{placed[0].name} lung"
        evidence = tuple(of_fact(case, f) for f in placed)
        yield Sentence(Section.FINDINGS, f"The nodule is in the {place}.", evidence)
        return
    for name in names:
        saying = [f for f in placed if f.name == name]
        text = f"{_SAID[saying[0].source]} places a nodule in the {name}{'' if 'lobe' in name else ' lung'}."
        yield Sentence(Section.FINDINGS, text, tuple(of_fact(case, f) for f in saying))


def _sizes(case: Case, words: CaseWords) -> Iterator[Sentence]:
    """The marked region's diameter, and each size that words give."""
    if case.region is not None and case.region.diameter_mm is not None:
        size = f"{case.region.diameter_mm:g} mm"
        measured = Evidence(EvidenceKind.MEASUREMENT, "diameter", size)
        yield Sentence(Section.FINDINGS, f"The marked region has a diameter of {size}.", (measured,))
    for source in (Source.NOTE, Source.VOICE):
        for name, what in (("diameter", "a diameter"), ("solid_component", "a solid component")):
            sizes = [
                f
                for f in words.facts
                if f.kind is FactKind.SIZE and f.name == name and f.source is source and f.is_current
                and (f.about in LESIONS or name == "solid_component")
            ]  # fmt: skip
            for value in dict.fromkeys(f.value for f in sizes):
                told = tuple(of_fact(case, f) for f in sizes if f.value == value)
                yield Sentence(Section.FINDINGS, f"{_SAID[source]} gives {what} of {value:g} mm.", told)


def _said_findings(case: Case, words: CaseWords) -> Iterator[Sentence]:
    """Features of the nodule and other findings, as the words have them; what is only supposed is left out."""
    groups: dict[tuple[Source, str, str], list[Fact]] = {}
    for fact in words.facts:
        if fact.kind is FactKind.FINDING and fact.name not in LESIONS and not fact.assertions.is_hypothetical:
            groups.setdefault((fact.source, sense_verb(fact), fact.name), []).append(fact)
    for (source, verb, name), facts in groups.items():
        what = FEATURES.get(name, name.replace("_", " "))
        evidence = tuple(of_fact(case, f) for f in facts)
        yield Sentence(Section.FINDINGS, f"{_SAID[source]} {verb} {what}.", evidence)


def sense_verb(fact: Fact) -> str:
    """How a finding is meant, as a verb."""
    meant = fact.assertions
    if meant.is_family:
        return "tells of a relative's"
    if meant.is_negated:
        return "denies"
    if meant.is_uncertain:
        return "considers"
    return "tells of earlier" if meant.is_historical else "states"


def _impression(assessment: Assessment, words: CaseWords) -> Iterator[Sentence]:
    for finding in assessment.findings:
        name = finding.name.replace("_", " ")
        flag = "at or above" if finding.is_flagged else "below"
        text = (
            f"Calibrated probability of {name}: {finding.probability:.0%} ({finding.low:.0%} to {finding.high:.0%} "
            f"over the ensemble), {flag} the threshold of {finding.threshold:.0%}."
        )
        yield Sentence(Section.IMPRESSION, text, (of_finding(finding),))
        if finding.prediction_set is not None and len(finding.prediction_set) != 1:
            yield Sentence(Section.IMPRESSION, f"For {name} the case is too uncertain to call.", (of_finding(finding),))
    for opinion in words.opinions:
        if opinion.low is not None and opinion.high is not None:
            yield _probability_of(opinion, opinion.low, opinion.high)
    for contradiction in words.contradictions:
        evidence = tuple(
            Evidence(
                EvidenceKind.WORDS if s.span else EvidenceKind.CASE,
                contradiction.topic.value,
                s.value,
                s.source.value,
                s.span,
                s.seconds,
            )
            for s in (contradiction.first, contradiction.second)
        )
        yield Sentence(Section.IMPRESSION, contradiction.sentence, evidence)
    for number, warning in enumerate(assessment.warnings, start=1):
        if warning not in {c.sentence for c in words.contradictions}:
            yield Sentence(Section.IMPRESSION, warning, (of_warning(number, warning),))


def _probability_of(opinion: SecondOpinion, low: float, high: float) -> Sentence:
    shown = f"{low:.1%}" if opinion.probability is not None else f"{low:.1%} to {high:.1%}"
    missing = f", depending on {', '.join(opinion.missing)}" if opinion.missing else ""
    text = f"{opinion.model}: probability of malignancy {shown}{missing}."
    return Sentence(Section.IMPRESSION, text, (of_opinion(opinion, shown),))


def _recommendation(words: CaseWords) -> Iterator[Sentence]:
    """What guidelines recommend, or what they would have to know."""
    for opinion in words.opinions:
        if opinion.recommendation is not None:
            said = f"{opinion.category}: {opinion.recommendation}"
            yield Sentence(Section.RECOMMENDATION, f"{opinion.model}, {said}.", (of_opinion(opinion, said),))
        elif opinion.refusal is None and opinion.low is None and opinion.missing:
            asked = ", ".join(opinion.missing)
            text = f"{opinion.model} cannot be computed without: {asked}."
            yield Sentence(Section.RECOMMENDATION, text, (of_opinion(opinion, asked),))
