"""ACR Lung-RADS v2022: category of a nodule on a lung cancer screening CT.

Christensen et al., J Am Coll Radiol 2024;21:473-488, https://doi.org/10.1016/j.jacr.2023.09.009 (also Chest
2024;165:738-753). The thresholds were checked against RadElement RDES267 (v2022, categories 2 and 3, as restated in
openimagingdata's finding models), https://www.yingbo777.com/home/lung-rads (v2022: how to measure, what is benign, what
growth is) and Appendix A, Table 2 of NBK568579 (v1.1, whose thresholds for solid, part-solid and nonsolid nodules
v2022 keeps): all agree. Sizes are mean diameters to one decimal. The population: lung cancer screening by low-dose CT,
50 to 80 years, at least 20 pack-years, smoking or stopped within 15 years (US Preventive Services Task Force, JAMA
2021;325:962, https://doi.org/10.1001/jama.2021.1117), no lung cancer now. Not covered here: airway nodules, atypical
cysts, juxtapleural nodules; read the guideline for them.
"""

from typing import Any

from diagnosis.reading.nodule_facts import GROUND_GLASS, GROWING, NEW, PART_SOLID, SOLID, STABLE, NoduleFacts
from diagnosis.reading.opinion import SecondOpinion, missing_inputs, used_inputs

CITATION = (
    "Christensen J et al. ACR Lung-RADS v2022: assessment categories and management recommendations. "
    "J Am Coll Radiol 2024;21:473-488"
)
DOI = "10.1016/j.jacr.2023.09.009"
AGES = (50, 80)
LEAST_PACK_YEARS = 20
LONGEST_ABSTINENCE_YEARS = 15
EARLIER_CATEGORY = "Lung-RADS category of the earlier CT, and when it was"

_WORKUP = (
    "referral for further clinical evaluation: diagnostic chest CT, PET/CT if there is a solid nodule or solid "
    "component of 8 mm or more, tissue sampling"
)
MANAGEMENT: dict[str, str] = {
    "1": "12-month screening LDCT",
    "2": "12-month screening LDCT",
    "3": "6-month LDCT",
    "4A": "3-month LDCT; PET/CT may be considered if there is a solid nodule or solid component of 8 mm or more",
    "4B": _WORKUP,
    "4X": _WORKUP,
}
_NAMES = ("age_years", "pack_years", "years_since_quitting", "is_screening", "mean_mm", "nodule_type", "change")


def lung_rads(known: NoduleFacts) -> SecondOpinion:
    """The category and its management, or what is missing, or why it does not apply.

    A nodule whose change is not known is read as on a baseline CT, and the change is asked for.
    """
    opinion: dict[str, Any] = {"model": "Lung-RADS v2022", "citation": CITATION, "doi": DOI}
    names = (*_NAMES, "solid_part_mm") if known.nodule_type == PART_SOLID else _NAMES
    inputs = used_inputs(known, (*names, "is_spiculated", "has_benign_sign"))
    refusal = _refusal(known)
    if refusal is not None:
        return SecondOpinion(**opinion, inputs=inputs, missing=(), refusal=refusal)
    missing = missing_inputs(known, names)
    category = category_of(known) if known.is_screening else None
    if category is None:
        # Stepped management (v2022): a stable nodule falls by one category at a time.
        asked = (*missing, EARLIER_CATEGORY) if known.change == STABLE and known.is_screening else missing
        return SecondOpinion(**opinion, inputs=inputs, missing=asked)
    if category in {"3", "4A", "4B"} and known.is_spiculated:
        category = "4X"
    note = None if known.change else "read as a baseline CT: no change since an earlier CT is stated"
    return SecondOpinion(
        **opinion, inputs=inputs, missing=missing, category=category, recommendation=MANAGEMENT[category], note=note
    )


def category_of(known: NoduleFacts) -> str | None:
    """From "1" to "4B" by type, mean diameter and change; None where they do not settle it. 4X is the caller's."""
    if known.has_benign_sign:
        return "1"
    if known.mean_mm is None or known.nodule_type is None:
        return None
    size = round(known.mean_mm, 1)
    if known.nodule_type == GROUND_GLASS:
        return "3" if size >= 30 and known.change not in {STABLE} else "2"
    if known.nodule_type == PART_SOLID:
        return _part_solid(size, known.solid_part_mm, known.change)
    return _solid(size, known.change) if known.nodule_type == SOLID else None


def _solid(size: float, change: str | None) -> str | None:
    if change == STABLE:
        # A stable nodule falls by steps that depend on its earlier category and interval, which are not known here.
        return "2" if size < 6 else None
    if change == GROWING:
        return "4A" if size < 8 else "4B"
    steps = ((4, "2"), (6, "3"), (8, "4A")) if change == NEW else ((6, "2"), (8, "3"), (15, "4A"))
    return next((category for limit, category in steps if size < limit), "4B")


def _part_solid(size: float, solid: float | None, change: str | None) -> str | None:
    is_new, is_growing = change == NEW, change == GROWING
    if change == STABLE:
        return "2" if size < 6 else None
    if size < 6 and not is_growing:
        return "3" if is_new else "2"
    if solid is None:
        return None
    solid = round(solid, 1)
    if is_new or is_growing:
        return "4A" if solid < 4 else "4B"
    return "3" if solid < 6 else "4A" if solid < 8 else "4B"


def _refusal(known: NoduleFacts) -> str | None:  # noqa: PLR0911 - one line a criterion
    if known.is_screening is False:
        return "not a screening CT; Fleischner 2017 applies"
    if known.age_years is not None and not AGES[0] <= known.age_years <= AGES[1]:
        return f"age {known.age_years:g} is outside the {AGES[0]} to {AGES[1]} years of screening"
    if known.has_smoked is False:
        return "never smoked; screening is for people with a smoking history"
    if known.pack_years is not None and known.pack_years < LEAST_PACK_YEARS:
        return f"{known.pack_years:g} pack-years; screening is for {LEAST_PACK_YEARS} or more"
    if known.years_since_quitting is not None and known.years_since_quitting > LONGEST_ABSTINENCE_YEARS:
        return f"stopped smoking {known.years_since_quitting:g} years ago, more than {LONGEST_ABSTINENCE_YEARS}"
    if known.has_lung_cancer:
        return "lung cancer is known; Lung-RADS is for screening"
    return None
