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
from diagnosis.drafting.patient import patient_sentences
from diagnosis.drafting.wording import listed, phrase
from diagnosis.reading.case_words import CaseWords, read_words
from diagnosis.reading.contradictions import Topic
from diagnosis.reading.facts import Fact, FactKind, Source
from diagnosis.reading.opinion import SecondOpinion
from diagnosis.reading.places import BOTH
from diagnosis.record import Assessment, Case
from diagnosis.vocabulary import Modality

LESIONS = ("nodule", "mass")
GUIDELINES = ("Fleischner 2017", "Lung-RADS v2022")
"""Of these it is said why they do not apply; of the models that only give a probability it is not."""
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
    "effusion": "pleural effusion",
}
_SAID = {Source.NOTE: "The note", Source.VOICE: "The dictation"}
# Descriptors that share a sentence, and how it is put; each part is left out with its descriptor.
_TOGETHER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("The nodule is {}.", ("texture", "sphericity")),
    ("It has {}.", ("margin", "lobulation", "spiculation")),
    ("It shows {}.", ("internal_structure", "calcification")),
    ("It is {}.", ("subtlety",)),
)
_VERBS = {"states": "reports", "denies": "reports no", "considers": "considers", "tells of earlier": "tells of earlier"}


def draft_report(case: Case, assessment: Assessment, words: CaseWords | None = None) -> Draft:
    """Draft a report.

    Args:
        case: what was assessed.
        assessment: of it.
        words: of it, where they were read already.
    """
    read = words if words is not None else read_words(case)
    sentences = (
        *patient_sentences(case, read),
        *_technique(case),
        *_findings(case, assessment, read),
        *_impression(case, assessment, read),
        *_recommendation(read),
    )
    return Draft(case.case_id, sentences, bundle_of(assessment))


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
        yield from _descriptors(assessment)
    yield from _said_findings(case, words)


def _descriptors(assessment: Assessment) -> Iterator[Sentence]:
    """Ratings of the descriptor head, those that belong together in one sentence."""
    for frame, names in _TOGETHER:
        rated = [d for name in names for d in assessment.descriptors if d.name == name]
        if rated:
            said = listed([phrase(d.name, d.value) for d in rated])
            yield Sentence(Section.FINDINGS, frame.format(said), tuple(of_descriptor(d) for d in rated))


def _places(case: Case, words: CaseWords, *, settled: bool) -> Iterator[Sentence]:
    """Where the nodule lies: said as a fact where the sources agree, else as what each says."""
    placed = [f for f in words.facts if f.about in LESIONS and f.is_current and f.kind is FactKind.LOBE]
    placed = placed or [f for f in words.facts if f.about in LESIONS and f.is_current and f.kind is FactKind.SIDE]
    names = dict.fromkeys(f.name for f in placed)
    if settled and len(names) == 1:
        segments = [f for f in words.facts if f.about in LESIONS and f.is_current and f.kind is FactKind.SEGMENT]
        segments = segments if len({f.name for f in segments}) == 1 else []
        evidence = tuple(of_fact(case, f) for f in (*placed, *segments))
        within = f"the {segments[0].name} of " if segments else ""
        subject = "Nodules are" if placed[0].name == BOTH else "The nodule is"
        yield Sentence(Section.FINDINGS, f"{subject} in {within}{_place_of(placed[0])}.", evidence)
        return
    for name in names:
        saying = [f for f in placed if f.name == name]
        text = f"{_SAID[saying[0].source]} places a nodule in {_place_of(saying[0])}."
        yield Sentence(Section.FINDINGS, text, tuple(of_fact(case, f) for f in saying))


def _place_of(fact: Fact) -> str:
    """The lobe, or the lung of a side."""
    if fact.kind is FactKind.LOBE:
        return f"the {fact.name}"
    return "both lungs" if fact.name == BOTH else f"the {fact.name} lung"


def _sizes(case: Case, words: CaseWords) -> Iterator[Sentence]:
    """The marked region's diameter, and each size that words give, side by side."""
    parts: list[str] = []
    evidence: list[Evidence] = []
    if case.region is not None and case.region.diameter_mm is not None:
        size = f"{case.region.diameter_mm:g} mm"
        parts.append(f"the marked region has a diameter of {size}")
        evidence.append(Evidence(EvidenceKind.MEASUREMENT, "diameter", size))
    for source in (Source.NOTE, Source.VOICE):
        for name, what in (("diameter", "a diameter"), ("solid_component", "a solid component")):
            told = _sizes_of(words, source, name)
            if told:
                values = listed([f"{v:g}" for v in dict.fromkeys(f.value for f in told)])
                parts.append(f"{_SAID[source].lower()} gives {what} of {values} mm")
                evidence += [of_fact(case, f) for f in told]
    if parts:
        text = "; ".join(parts)
        yield Sentence(Section.FINDINGS, f"{text[:1].upper()}{text[1:]}.", tuple(evidence))


def _sizes_of(words: CaseWords, source: Source, name: str) -> list[Fact]:
    return [
        f
        for f in words.facts
        if f.kind is FactKind.SIZE
        and f.name == name
        and f.source is source
        and f.is_current
        and f.value is not None
        and (f.about in LESIONS or name == "solid_component")
    ]


def _said_findings(case: Case, words: CaseWords) -> Iterator[Sentence]:
    """Features of the nodule and other findings, a sentence for each source and sense; suppositions are left out."""
    groups: dict[tuple[Source, str], list[Fact]] = {}
    # A lesion is told of by its place and size; that there is none is told here, unless the same source has one.
    here = {f.source for f in words.facts if f.name in LESIONS and f.is_current}
    for fact in words.facts:
        is_told_elsewhere = fact.name in LESIONS and (fact.source in here or not fact.assertions.is_negated)
        if fact.kind is FactKind.FINDING and not is_told_elsewhere and not fact.assertions.is_hypothetical:
            groups.setdefault((fact.source, sense_verb(fact)), []).append(fact)
    for (source, verb), facts in groups.items():
        names = list(dict.fromkeys(f.name for f in facts))
        if "benign_calcification" in names and "calcified" in names:
            names.remove("calcified")  # the pattern says it
        what = listed([FEATURES.get(n, n.replace("_", " ")) for n in names], "or" if verb == "denies" else "and")
        text = f"{_SAID[source]} {_VERBS.get(verb, verb)} {what}."
        yield Sentence(Section.FINDINGS, text, tuple(of_fact(case, f) for f in facts))


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


def _impression(case: Case, assessment: Assessment, words: CaseWords) -> Iterator[Sentence]:
    yield from _summary(case, assessment, words)
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


def _summary(case: Case, assessment: Assessment, words: CaseWords) -> Iterator[Sentence]:
    """The nodule in one line: density, size and place, as far as they are known and nothing contradicts them."""
    topics = {c.topic for c in words.contradictions}
    evidence: list[Evidence] = []
    kind = size = place = ""
    texture = next((d for d in assessment.descriptors if d.name == "texture"), None)
    if texture is not None and Modality.CT in case.present:
        kind = f"{phrase(texture.name, texture.value)} "
        evidence.append(of_descriptor(texture))
    if case.region is not None and case.region.diameter_mm is not None and Topic.SIZE not in topics:
        shown = f"{case.region.diameter_mm:g} mm"
        size = f" of {shown}"
        evidence.append(Evidence(EvidenceKind.MEASUREMENT, "diameter", shown))
    lobes = [f for f in words.facts if f.about in LESIONS and f.is_current and f.kind is FactKind.LOBE]
    if len({f.name for f in lobes}) == 1 and not topics & {Topic.SIDE, Topic.LOBE}:
        place = f" in the {lobes[0].name}"
        evidence += [of_fact(case, f) for f in lobes]
    if evidence:
        text = f"{kind}nodule{size}{place}."
        yield Sentence(Section.IMPRESSION, text[:1].upper() + text[1:], tuple(evidence))


def _probability_of(opinion: SecondOpinion, low: float, high: float) -> Sentence:
    shown = f"{low:.1%}" if opinion.probability is not None else f"{low:.1%} to {high:.1%}"
    missing = f"; not known: {'; '.join(opinion.missing)}" if opinion.missing else ""
    text = f"{opinion.model}: probability of malignancy {shown}{missing}."
    return Sentence(Section.IMPRESSION, text, (of_opinion(opinion, shown),))


def _recommendation(words: CaseWords) -> Iterator[Sentence]:
    """What guidelines recommend and from what, what they would have to know, or why they do not apply."""
    for opinion in words.opinions:
        if opinion.recommendation is not None:
            inputs = "; ".join(f"{used.name} {used.value} ({used.source})" for used in opinion.inputs)
            said = f"{opinion.category}: {opinion.recommendation}. Applied to: {inputs}"
            said += f". Not known: {'; '.join(opinion.missing)}" if opinion.missing else ""
            yield Sentence(Section.RECOMMENDATION, f"{opinion.model}, {said}.", (of_opinion(opinion, said),))
        elif opinion.refusal is None and opinion.low is None and opinion.missing:
            asked = "; ".join(opinion.missing)
            text = f"{opinion.model} cannot be computed without: {asked}."
            yield Sentence(Section.RECOMMENDATION, text, (of_opinion(opinion, asked),))
        elif opinion.refusal is not None and opinion.model in GUIDELINES:
            text = f"{opinion.model} does not apply: {opinion.refusal}."
            yield Sentence(Section.RECOMMENDATION, text, (of_opinion(opinion, opinion.refusal),))
