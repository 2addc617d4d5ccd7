"""What note, dictation, case and CT together say of one nodule and its patient, for the clinical models.

Sources are never averaged. Where several speak, the note comes first, then the dictation, then the case and the CT's
region; where they contradict each other (`contradictions`), the value counts as unsettled and is asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

from diagnosis.reading.facts import Fact, FactKind, Source
from diagnosis.reading.history import LUNG_CANCER, OTHER_CANCER, QUIT_YEAR, SCREENING, YEARS_AGO
from diagnosis.reading.places import UPPER_LOBES
from diagnosis.record.case import Case

LESIONS = ("nodule", "mass")
SOLID, PART_SOLID, GROUND_GLASS = "solid", "part-solid", "ground glass"
NEW, GROWING, STABLE = "new", "growing", "stable"
_TYPES = {"solid": SOLID, "part_solid": PART_SOLID, "ground_glass": GROUND_GLASS}


@final
@dataclass(frozen=True)
class NoduleFacts:
    """What is known; None is not known.

    Attributes:
        age_years: at the time of the CT.
        is_female: sex.
        has_smoked: ever.
        pack_years: lifetime.
        years_since_quitting: for former smokers.
        longest_mm: longest diameter of the nodule.
        mean_mm: mean of long and short axis, or the one diameter that is known.
        solid_part_mm: longest diameter of the solid component of a part-solid nodule.
        nodule_type: "solid", "part-solid" or "ground glass".
        is_upper_lobe: lingula counts as left upper lobe.
        count: number of nodules.
        is_spiculated: margin.
        has_emphysema: on CT.
        has_family_lung_cancer: in a relative.
        has_lung_cancer: now or earlier.
        has_other_cancer: an extrathoracic cancer, at any time.
        other_cancer_years_ago: since when.
        has_benign_sign: benign calcification or fat.
        change: "new", "growing" or "stable" against an earlier CT.
        is_screening: whether the CT is a screening exam.
        is_immunosuppressed: stated so.
        sources: where each value comes from, by attribute.
        unsettled: attributes on which the sources contradict each other.
    """

    age_years: float | None = None
    is_female: bool | None = None
    has_smoked: bool | None = None
    pack_years: float | None = None
    years_since_quitting: float | None = None
    longest_mm: float | None = None
    mean_mm: float | None = None
    solid_part_mm: float | None = None
    nodule_type: str | None = None
    is_upper_lobe: bool | None = None
    count: int | None = None
    is_spiculated: bool | None = None
    has_emphysema: bool | None = None
    has_family_lung_cancer: bool | None = None
    has_lung_cancer: bool | None = None
    has_other_cancer: bool | None = None
    other_cancer_years_ago: float | None = None
    has_benign_sign: bool | None = None
    change: str | None = None
    is_screening: bool | None = None
    is_immunosuppressed: bool | None = None
    sources: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    unsettled: frozenset[str] = frozenset()

    def source_of(self, name: str) -> str:
        """Where a value comes from."""
        return dict(self.sources).get(name, "given")


Found = tuple[object, Source] | None


def gather(facts: tuple[Fact, ...], case: Case | None, unsettled: frozenset[str] = frozenset()) -> NoduleFacts:
    """Bring together what the sources say; values named in `unsettled` stay unknown."""
    found = {**_from_words(facts), **_from_smoking(facts)}
    for name, value in _from_case(case).items():
        found[name] = found[name] if found.get(name) else value
    found["mean_mm"] = found.get("mean_mm") or found.get("longest_mm")
    known = {name: pair for name, pair in found.items() if pair is not None and name not in unsettled}
    if "longest_mm" in unsettled:
        known.pop("mean_mm", None)
    values = {name: pair[0] for name, pair in known.items()}
    sources = tuple((name, pair[1].value) for name, pair in known.items())
    return NoduleFacts(**values, sources=sources, unsettled=unsettled)  # type: ignore[arg-type]


def _first(facts: tuple[Fact, ...], test: Callable[[Fact], bool]) -> Fact | None:
    """The first fact that fits: note before dictation, findings as they come."""
    by_source = sorted((f for f in facts if test(f)), key=lambda f: (f.source is not Source.NOTE, f.start))
    return by_source[0] if by_source else None


def _largest(of_lesion: tuple[Fact, ...]) -> Fact | None:
    """The largest diameter of the note, or of the dictation where the note has none: of several nodules it decides."""
    sizes = [f for f in of_lesion if f.name == "diameter" and f.value is not None]
    for source in (Source.NOTE, Source.VOICE):
        if said := [f for f in sizes if f.source is source]:
            return max(said, key=lambda f: f.value or 0.0)
    return None


def _mean_of(largest: Fact | None, of_lesion: tuple[Fact, ...]) -> Fact | None:
    """The mean diameter that stands in the same words."""
    places = (largest.source, largest.start, largest.end) if largest else None
    return next((f for f in of_lesion if f.name == "mean_diameter" and (f.source, f.start, f.end) == places), None)


def _lobe_of(size: Fact | None, of_lesion: tuple[Fact, ...]) -> Fact | None:
    """The lobe told with a size: in the same order where there are as many lobes as sizes, else the nearest one."""
    if size is None:
        return _first(of_lesion, lambda f: f.kind is FactKind.LOBE)
    told = sorted((f for f in of_lesion if f.source is size.source), key=lambda f: f.start)
    sizes, lobes = ([f for f in told if f.name == "diameter"], [f for f in told if f.kind is FactKind.LOBE])
    if not lobes:
        return _first(of_lesion, lambda f: f.kind is FactKind.LOBE)
    if len(sizes) == len(lobes):
        return lobes[sizes.index(size)]
    return min(lobes, key=lambda f: max(f.start - size.end, size.start - f.end))


def _value(fact: Fact | None) -> Found:
    return (fact.value, fact.source) if fact is not None and fact.value is not None else None


def _from_words(facts: tuple[Fact, ...]) -> dict[str, Found]:
    of_lesion = tuple(f for f in facts if f.about in LESIONS and f.is_current)
    sex = _first(facts, lambda f: f.kind is FactKind.SEX and not f.assertions.is_family)
    largest = _largest(of_lesion)
    lobe = _lobe_of(largest, of_lesion)
    return {
        "age_years": _value(_first(facts, lambda f: f.kind is FactKind.AGE and not f.assertions.is_family)),
        "is_female": (sex.name == "F", sex.source) if sex else None,
        "longest_mm": _value(largest),
        "mean_mm": _value(_mean_of(largest, of_lesion)),
        "solid_part_mm": _value(_first(facts, lambda f: f.name == "solid_component")),
        "nodule_type": _nodule_type(facts),
        "is_upper_lobe": (lobe.name in UPPER_LOBES, lobe.source) if lobe else None,
        "count": _count(facts),
        "is_spiculated": _presence(facts, "spiculation"),
        "has_emphysema": _presence(facts, "emphysema"),
        "has_family_lung_cancer": _family(facts),
        "has_benign_sign": _presence(facts, "benign_calcification") or _presence(facts, "fat"),
        "change": _change(facts),
        "is_screening": _exam(facts, SCREENING),
        "is_immunosuppressed": _exam(facts, "immunosuppression"),
        **_cancer(facts),
    }


def _from_case(case: Case | None) -> dict[str, Found]:
    if case is None:
        return {}
    region = case.region
    return {
        "age_years": (case.age_years, Source.CASE) if case.age_years is not None else None,
        "is_female": (case.sex.value == "F", Source.CASE) if case.sex is not None and case.sex.value != "O" else None,
        "longest_mm": (region.diameter_mm, Source.CT) if region is not None and region.diameter_mm else None,
    }


def _presence(facts: tuple[Fact, ...], name: str) -> Found:
    """True where it is asserted, False where it is denied, nothing where neither or both."""
    by_sense: dict[bool, Fact] = {}
    for fact in facts:
        if fact.kind is FactKind.FINDING and fact.name == name and not fact.assertions.is_hypothetical:
            by_sense.setdefault(not fact.assertions.is_negated, fact)
    if len(by_sense) != 1:
        return None
    sense, fact = next(iter(by_sense.items()))
    return None if fact.assertions.is_uncertain or fact.assertions.is_family else (sense, fact.source)


def _nodule_type(facts: tuple[Fact, ...]) -> Found:
    said = [f for f in facts if f.name in _TYPES and f.is_current and not f.assertions.is_uncertain]
    mixed = next((f for f in said if f.name == "part_solid"), None)
    names = {f.name for f in said}
    if mixed is not None:
        return PART_SOLID, mixed.source
    return (_TYPES[said[0].name], said[0].source) if len(names) == 1 else None


def _count(facts: tuple[Fact, ...]) -> Found:
    counted = _first(facts, lambda f: f.name == "nodule_count" and not f.assertions.is_negated)
    if counted is not None:
        return (int(counted.value), counted.source) if counted.value else None
    lesions = [f for f in facts if f.name in LESIONS and f.is_current]
    # One lesion described and no word of others: one.
    places = {f.name for f in facts if f.kind is FactKind.LOBE and f.about in LESIONS and f.is_current}
    sizes = {round(f.value or 0.0) for f in facts if f.name == "diameter" and f.about in LESIONS and f.is_current}
    return (1, lesions[0].source) if lesions and len(places) <= 1 and len(sizes) <= 1 else None


def _family(facts: tuple[Fact, ...]) -> Found:
    said = _first(facts, lambda f: f.kind is FactKind.FAMILY_HISTORY and f.name == LUNG_CANCER)
    return (not said.assertions.is_negated, said.source) if said else None


def _cancer(facts: tuple[Fact, ...]) -> dict[str, Found]:
    told = tuple(f for f in facts if f.kind is FactKind.CANCER_HISTORY and not f.assertions.is_uncertain)
    told = tuple(f for f in told if not f.assertions.is_hypothetical)
    answer: dict[str, Found] = {}
    for name, attribute in ((LUNG_CANCER, "has_lung_cancer"), (OTHER_CANCER, "has_other_cancer")):
        said = [f for f in told if f.name == name]
        positive = next((f for f in said if not f.assertions.is_negated), None)
        chosen = positive or (said[0] if said else None)
        answer[attribute] = (positive is not None, chosen.source) if chosen else None
        if positive is not None and name == OTHER_CANCER:
            answer["other_cancer_years_ago"] = _value(positive) if positive.unit == YEARS_AGO else None
    denied = answer["has_other_cancer"]
    if answer["has_lung_cancer"] is None and denied is not None and denied[0] is False:
        answer["has_lung_cancer"] = denied
    return answer


def _change(facts: tuple[Fact, ...]) -> Found:
    growth, stable = _presence(facts, "growth"), _presence(facts, "stability")
    if growth is not None and growth[0]:
        return GROWING, growth[1]
    return (STABLE, stable[1]) if stable is not None and stable[0] else None


def _exam(facts: tuple[Fact, ...], name: str) -> Found:
    said = _first(facts, lambda f: f.kind is FactKind.EXAM and f.name == name)
    return (not said.assertions.is_negated, said.source) if said else None


def _from_smoking(facts: tuple[Fact, ...]) -> dict[str, Found]:
    told = tuple(f for f in facts if f.kind is FactKind.SMOKING and not f.assertions.is_family)
    pack_years = _value(_first(told, lambda f: f.name == "pack_years"))
    ever = _first(
        told, lambda f: f.name in {"former", "current", "ever", "pack_years", "years_since_quitting", QUIT_YEAR}
    )
    never = _first(told, lambda f: f.name == "never")
    if ever is not None and never is not None:
        smoked: Found = None
    elif ever is not None:
        smoked = (True, ever.source)
    else:
        smoked = (False, never.source) if never else None
    quitting = _value(_first(told, lambda f: f.name == "years_since_quitting"))
    is_current = _first(told, lambda f: f.name == "current")
    if quitting is None and is_current is not None and not _first(told, lambda f: f.name == "former"):
        quitting = (0.0, is_current.source)
    return {"has_smoked": smoked, "pack_years": pack_years, "years_since_quitting": quitting}
