"""Where note, dictation, CT and case disagree: shown to the clinician, never averaged.

What is compared: side, lobe and size of the nodule, whether there is one, its density, whether it is spiculated,
lobulated or calcified, age, sex and smoking. A contradiction is told with both places. Two sizes contradict each other
where they differ by more than 3 mm *and* by more than 30 %: two readers who measure the same nodule rarely differ so
much (Revel et al., Radiology 2004;231:453, https://doi.org/10.1148/radiol.2312030167).

The side of the CT's region is a hint, no measurement: it is told only where the CT is wide enough to hold both lungs
and the region lies well off its middle.
"""

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import final

from diagnosis.reading.facts import Fact, FactKind, Source
from diagnosis.reading.places import BOTH, LEFT, RIGHT, side_of_lobe
from diagnosis.record.case import Case
from diagnosis.vocabulary import Sex

SIZE_TOLERANCE_MM = 3.0
SIZE_TOLERANCE_RATIO = 1.3
AGE_TOLERANCE_YEARS = 1.0
NARROWEST_CHEST_MM = 200.0
SIDE_MARGIN_MM = 25.0
_LESIONS = ("nodule", "mass")


class Topic(StrEnum):
    """What a contradiction is about."""

    SIDE = "side"
    LOBE = "lobe"
    SIZE = "size"
    PRESENCE = "presence"
    AGE = "age"
    SEX = "sex"
    SMOKING = "smoking"
    DENSITY = "density"
    SPICULATION = "spiculation"
    LOBULATION = "lobulation"
    CALCIFICATION = "calcification"


_FEATURES: dict[Topic, str] = {
    Topic.SPICULATION: "spiculation",
    Topic.LOBULATION: "lobulation",
    Topic.CALCIFICATION: "calcified",
}
_DENSITIES = {"solid": "solid", "part_solid": "part-solid", "ground_glass": "ground glass"}


@final
@dataclass(frozen=True)
class Saying:
    """One side of a contradiction.

    Attributes:
        source: who says it.
        value: what is said, in words.
        span: characters `[start, end)` of the note or transcript; None for CT and case.
        seconds: place in the recording, for a dictation.
        section: of the note.
        number: the value, where it is a number.
    """

    source: Source
    value: str
    span: tuple[int, int] | None = None
    seconds: tuple[float, float] | None = None
    section: str | None = None
    number: float | None = None

    @property
    def speaker(self) -> str:
        """Who says it, in words."""
        where = f" ({self.section.lower()})" if self.section else ""
        return f"the {self.source.value}{where}"


@final
@dataclass(frozen=True)
class Contradiction:
    """Two sources, or two sections of a note, that cannot both be right."""

    topic: Topic
    first: Saying
    second: Saying

    @property
    def sentence(self) -> str:
        """For the clinician."""
        named = {Topic.PRESENCE: "A nodule", Topic.AGE: "The age", Topic.SEX: "The sex", Topic.SMOKING: "Smoking"}
        of_nodule = f"The nodule's {self.topic.value}"
        what = self.topic.value.capitalize() if self.topic in _FEATURES else named.get(self.topic, of_nodule)
        return (
            f"{what}: {self.first.speaker} says {self.first.value}, {self.second.speaker} says {self.second.value}; "
            "check which is right."
        )


def find_contradictions(
    case: Case | None, note_facts: tuple[Fact, ...], voice_facts: tuple[Fact, ...]
) -> tuple[Contradiction, ...]:
    """All contradictions between note, dictation, CT region and case, each told once for a pair of sources.

    Args:
        case: for its region, age and sex; None where there is only a text.
        note_facts: from `read_note`.
        voice_facts: from `read_dictation`.
    """
    texts = (note_facts, voice_facts)
    found: list[Contradiction] = []
    for topic, sayings in (
        (Topic.SIDE, [*(_sides(facts) for facts in texts), _ct_side(case)]),
        (Topic.LOBE, [_lobes(facts) for facts in texts]),
        (Topic.PRESENCE, [_presence(facts) for facts in texts]),
        (Topic.SIZE, [*(_sizes(facts) for facts in texts), _ct_size(case)]),
        (Topic.AGE, [*(_ages(facts) for facts in texts), _case_age(case)]),
        (Topic.SEX, [*(_sexes(facts) for facts in texts), _case_sex(case)]),
        (Topic.SMOKING, [_smoking(facts) for facts in texts]),
        (Topic.DENSITY, [_densities(facts) for facts in texts]),
        *((topic, [_feature(facts, name) for facts in texts]) for topic, name in _FEATURES.items()),
    ):
        found += _between(topic, sayings)
    sides = {_speakers(c) for c in found if c.topic is Topic.SIDE}
    # Two lobes on two sides are one disagreement, already told.
    kept = [c for c in found if c.topic is not Topic.LOBE or _speakers(c) not in sides]
    return tuple(kept + _within_note(note_facts))


def _speakers(contradiction: Contradiction) -> tuple[Source, Source]:
    return contradiction.first.source, contradiction.second.source


def _between(topic: Topic, sayings: list[list[Saying]]) -> list[Contradiction]:
    """One contradiction for each two sources of which no saying agrees with any of the other."""
    found = []
    for left, right in combinations([s for s in sayings if s], 2):
        if not any(_agree(topic, a, b) for a in left for b in right):
            found.append(Contradiction(topic, left[0], right[0]))
    return found


def _agree(topic: Topic, first: Saying, second: Saying) -> bool:
    if first.number is None or second.number is None:
        return first.value == second.value
    if topic is Topic.AGE:
        return abs(first.number - second.number) <= AGE_TOLERANCE_YEARS
    small, large = sorted((first.number, second.number))
    return large - small <= SIZE_TOLERANCE_MM or large <= small * SIZE_TOLERANCE_RATIO


def _within_note(facts: tuple[Fact, ...]) -> list[Contradiction]:
    """Findings and impression that name different sides for the nodule."""
    by_section: dict[str, list[Saying]] = {}
    for saying in _sides(facts):
        if saying.section in {"FINDINGS", "IMPRESSION", "CONCLUSION"}:
            by_section.setdefault(str(saying.section), []).append(saying)
    return _between(Topic.SIDE, list(by_section.values()))


def _saying(fact: Fact, value: str, number: float | None = None) -> Saying:
    return Saying(fact.source, value, (fact.start, fact.end), fact.seconds, fact.section, number)


def _of_lesion(facts: tuple[Fact, ...], kind: FactKind) -> list[Fact]:
    return [f for f in facts if f.kind is kind and f.about in _LESIONS and f.is_current]


def _sides(facts: tuple[Fact, ...]) -> list[Saying]:
    said = [_saying(fact, fact.name) for fact in _of_lesion(facts, FactKind.SIDE)]
    lobes = [_saying(fact, side_of_lobe(fact.name)) for fact in _of_lesion(facts, FactKind.LOBE)]
    both = any(saying.value == BOTH for saying in said)
    return [] if both else said + lobes


def _lobes(facts: tuple[Fact, ...]) -> list[Saying]:
    return [_saying(fact, fact.name) for fact in _of_lesion(facts, FactKind.LOBE)]


def _sizes(facts: tuple[Fact, ...]) -> list[Saying]:
    sizes = [fact for fact in _of_lesion(facts, FactKind.SIZE) if fact.name == "diameter"]
    return [_saying(fact, f"{fact.value:g} mm", fact.value) for fact in sizes]


def _presence(facts: tuple[Fact, ...]) -> list[Saying]:
    named = [f for f in facts if f.kind is FactKind.FINDING and f.name == "nodule" and not f.assertions.is_hypothetical]
    here = [f for f in named if f.is_current]
    denied = [f for f in named if f.assertions.is_negated and not f.assertions.is_historical]
    # "No other nodule" beside a nodule denies nothing.
    return [_saying(f, "there is one") for f in here] or [_saying(f, "there is none") for f in denied]


def _plain(facts: tuple[Fact, ...], names: Container[str]) -> list[Fact]:
    """Findings said to be there or not, without doubt, now, of the patient."""
    return [
        f
        for f in facts
        if f.kind is FactKind.FINDING
        and f.name in names
        and not (f.assertions.is_uncertain or f.assertions.is_hypothetical)
        and not (f.assertions.is_historical or f.assertions.is_family)
    ]


def _feature(facts: tuple[Fact, ...], name: str) -> list[Saying]:
    return [_saying(f, "there is none" if f.assertions.is_negated else "there is some") for f in _plain(facts, {name})]


def _densities(facts: tuple[Fact, ...]) -> list[Saying]:
    return [_saying(f, _DENSITIES[f.name]) for f in _plain(facts, _DENSITIES) if not f.assertions.is_negated]


def _ages(facts: tuple[Fact, ...]) -> list[Saying]:
    ages = [f for f in facts if f.kind is FactKind.AGE and not f.assertions.is_family]
    return [_saying(fact, f"{fact.value:g} years", fact.value) for fact in ages]


def _sexes(facts: tuple[Fact, ...]) -> list[Saying]:
    sexes = [f for f in facts if f.kind is FactKind.SEX and not f.assertions.is_family]
    return [_saying(fact, "female" if fact.name == "F" else "male") for fact in sexes]


def _smoking(facts: tuple[Fact, ...]) -> list[Saying]:
    told = [f for f in facts if f.kind is FactKind.SMOKING and not f.assertions.is_family]
    return [_saying(fact, "never smoked" if fact.name == "never" else "has smoked") for fact in told]


def _ct_side(case: Case | None) -> list[Saying]:
    if case is None or case.volume is None or case.region is None:
        return []
    shape = case.volume.hu.shape
    corners = case.volume.position_of([[0, 0, 0], [size - 1 for size in shape]])
    low, high = sorted((float(corners[0][0]), float(corners[1][0])))
    offset = case.region.center_mm[0] - (low + high) / 2
    if high - low < NARROWEST_CHEST_MM or abs(offset) < SIDE_MARGIN_MM:
        return []
    # LPS: x grows toward the patient's left.
    return [Saying(Source.CT, LEFT if offset > 0 else RIGHT)]


def _ct_size(case: Case | None) -> list[Saying]:
    if case is None or case.region is None or case.region.diameter_mm is None:
        return []
    size = case.region.diameter_mm
    return [Saying(Source.CT, f"{size:g} mm", number=size)]


def _case_age(case: Case | None) -> list[Saying]:
    if case is None or case.age_years is None:
        return []
    return [Saying(Source.CASE, f"{case.age_years:g} years", number=case.age_years)]


def _case_sex(case: Case | None) -> list[Saying]:
    if case is None or case.sex is None or case.sex is Sex.OTHER:
        return []
    return [Saying(Source.CASE, "female" if case.sex is Sex.FEMALE else "male")]
