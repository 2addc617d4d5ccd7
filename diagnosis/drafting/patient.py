"""The patient in a draft: age, sex, smoking and cancer, as note and dictation state them.

Where the sources agree their words make one sentence; where they contradict each other each is told with its source.
"""

from collections.abc import Iterator, Sequence

from diagnosis.drafting.evidence import Section, Sentence, of_fact
from diagnosis.reading.case_words import CaseWords
from diagnosis.reading.contradictions import Topic
from diagnosis.reading.facts import Fact, FactKind
from diagnosis.record import Case

# In the order in which they are told; a later one gives way to an earlier one that says more.
_STATUS = {"never": "never smoked", "former": "former smoker", "current": "smoker", "ever": "history of smoking"}


def patient_sentences(case: Case, words: CaseWords) -> Iterator[Sentence]:
    """What is said of the patient; what is only supposed, and a relative's age, sex and smoking, are left out."""
    told = [f for f in words.facts if not f.assertions.is_hypothetical]
    own = [f for f in told if not f.assertions.is_family]
    topics = {c.topic for c in words.contradictions}
    yield from _age_and_sex(case, own, topics)
    yield from _smoking(case, [f for f in own if f.kind is FactKind.SMOKING], topics)
    seen: set[str] = set()
    for fact in told:
        text = cancer_sentence(fact)
        if text is not None and text not in seen:
            seen.add(text)
            same = tuple(of_fact(case, f) for f in told if cancer_sentence(f) == text)
            yield Sentence(Section.INFORMATION, text, same)


def _age_and_sex(case: Case, facts: list[Fact], topics: set[Topic]) -> Iterator[Sentence]:
    ages = [f for f in facts if f.kind is FactKind.AGE]
    sexes = [f for f in facts if f.kind is FactKind.SEX]
    if topics & {Topic.AGE, Topic.SEX} or len({f.value for f in ages}) > 1 or len({f.name for f in sexes}) > 1:
        for fact in (*ages, *sexes):
            what = f"an age of {fact.value:g} years" if fact.kind is FactKind.AGE else f"the sex as {_sex(fact)}"
            yield Sentence(Section.INFORMATION, f"The {fact.source.value} gives {what}.", (of_fact(case, fact),))
        return
    if ages and sexes:
        text = f"{ages[0].value:g}-year-old {'woman' if sexes[0].name == 'F' else 'man'}."
    elif ages:
        text = f"Age {ages[0].value:g} years."
    elif sexes:
        text = f"{_sex(sexes[0]).capitalize()} patient."
    else:
        return
    yield Sentence(Section.INFORMATION, text, tuple(of_fact(case, f) for f in (*ages, *sexes)))


def _sex(fact: Fact) -> str:
    return "female" if fact.name == "F" else "male"


def _smoking(case: Case, facts: list[Fact], topics: set[Topic]) -> Iterator[Sentence]:
    if not facts:
        return
    has_both = len({f.name == "never" for f in facts}) > 1
    values: dict[str, set[float | None]] = {}
    for fact in facts:
        values.setdefault(fact.name, set()).add(fact.value)
    if Topic.SMOKING in topics or has_both or any(len(v) > 1 for v in values.values()):
        for fact in facts:
            text = f"Smoking, by the {fact.source.value}: {_smoked([fact])}."
            yield Sentence(Section.INFORMATION, text, (of_fact(case, fact),))
        return
    text = _smoked(facts)
    yield Sentence(Section.INFORMATION, f"{text[:1].upper()}{text[1:]}.", tuple(of_fact(case, f) for f in facts))


def _smoked(facts: Sequence[Fact]) -> str:
    """In one phrase: former smoker, 40 pack-years, stopped smoking 5 years ago."""
    names = {f.name for f in facts}
    parts = [next(told for name, told in _STATUS.items() if name in names)] if names & set(_STATUS) else []
    by_name = {f.name: f.value for f in facts if f.value is not None}
    if "pack_years" in by_name:
        parts.append(f"{by_name['pack_years']:g} pack-years" + ("" if parts else " of smoking"))
    if "years_since_quitting" in by_name:
        parts.append(f"stopped smoking {by_name['years_since_quitting']:g} years ago")
    if "quit_year" in by_name:
        parts.append(f"stopped smoking in {by_name['quit_year']:g}")
    return ", ".join(parts)


def cancer_sentence(fact: Fact) -> str | None:
    """A cancer of the patient or of a relative, with its sense; None for another fact."""
    if fact.kind not in {FactKind.CANCER_HISTORY, FactKind.FAMILY_HISTORY}:
        return None
    lead = "family history of" if fact.kind is FactKind.FAMILY_HISTORY else "history of"
    if fact.assertions.is_negated:
        return f"No {lead} {fact.name}."
    if fact.assertions.is_uncertain:
        return f"Possible {lead} {fact.name}."
    when = f" ({'since ' if fact.unit == 'calendar year' else ''}{_when(fact)})" if fact.value is not None else ""
    return f"{lead.capitalize()} {fact.name}{when}."


def _when(fact: Fact) -> str:
    return f"{fact.value:g}" if fact.unit == "calendar year" else f"{fact.value:g} {fact.unit}"
