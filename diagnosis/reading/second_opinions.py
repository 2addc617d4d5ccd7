"""All clinical models on one case, beside the network's probability."""

from diagnosis.reading.brock import brock
from diagnosis.reading.contradictions import Topic, find_contradictions
from diagnosis.reading.facts import Fact, Source
from diagnosis.reading.fleischner import fleischner
from diagnosis.reading.lung_rads import lung_rads
from diagnosis.reading.mayo import mayo
from diagnosis.reading.nodule_facts import NoduleFacts, gather
from diagnosis.reading.opinion import SecondOpinion
from diagnosis.record.case import Case

_UNSETTLED_BY: dict[Topic, frozenset[str]] = {
    Topic.SIZE: frozenset({"longest_mm", "mean_mm"}),
    Topic.LOBE: frozenset({"is_upper_lobe"}),
    Topic.AGE: frozenset({"age_years"}),
    Topic.SEX: frozenset({"is_female"}),
    Topic.SMOKING: frozenset({"has_smoked", "pack_years"}),
    Topic.DENSITY: frozenset({"nodule_type"}),
    Topic.SPICULATION: frozenset({"is_spiculated"}),
}


def known_of(facts: tuple[Fact, ...], case: Case | None = None) -> NoduleFacts:
    """What the facts and the case say of the nodule; what the sources contradict each other on stays unknown."""
    note = tuple(fact for fact in facts if fact.source is Source.NOTE)
    voice = tuple(fact for fact in facts if fact.source is Source.VOICE)
    topics = {contradiction.topic for contradiction in find_contradictions(case, note, voice)}
    unsettled = frozenset().union(*(_UNSETTLED_BY.get(topic, frozenset()) for topic in topics))
    return gather(facts, case, unsettled)


def second_opinions(facts: tuple[Fact, ...], case: Case | None = None) -> tuple[SecondOpinion, ...]:
    """Brock without and with spiculation, Mayo, Fleischner 2017, Lung-RADS v2022, each with its inputs.

    Args:
        facts: of the note and the dictation.
        case: for age, sex and the region's diameter; None where there is only a text.
    """
    known = known_of(facts, case)
    return (*brock(known), mayo(known), fleischner(known), lung_rads(known))
