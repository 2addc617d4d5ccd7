"""Fleischner Society 2017: follow-up of nodules found by chance on CT.

MacMahon et al., Radiology 2017;284:228-243, https://doi.org/10.1148/radiol.2017161659. The table was checked line by
line against https://radiopaedia.org/articles/fleischner-society-pulmonary-nodule-recommendations-1,
https://www.radiology.ae/fleischner and Table 4 of PMC6784443; all agree, and the last two add what follows for a
part-solid nodule whose solid component is 6 mm or more. Sizes are the mean of long and short axis, rounded to whole
millimeters. Not for screening CTs, patients under 35, with known cancer or with
immunosuppression, and not for nodules with a benign sign.

Risk: high where any stated factor of the guideline is present (smoking, emphysema, lung cancer in the family, upper
lobe, spiculation), low where smoking is denied and none is stated. The clinician may judge otherwise.
"""

from typing import Any

from diagnosis.reading.nodule_facts import GROUND_GLASS, PART_SOLID, SOLID, NoduleFacts
from diagnosis.reading.opinion import SecondOpinion, missing_inputs, used_inputs

CITATION = (
    "MacMahon H et al. Guidelines for management of incidental pulmonary nodules detected on CT images: from the "
    "Fleischner Society 2017. Radiology 2017;284:228-243"
)
DOI = "10.1148/radiol.2017161659"
YOUNGEST_YEARS = 35
_RISKS = ("has_smoked", "has_emphysema", "has_family_lung_cancer", "is_upper_lobe", "is_spiculated")
_NAMES = ("age_years", "mean_mm", "nodule_type", "count")
_NAMES_PART_SOLID = (*_NAMES, "solid_part_mm")

# (solid, count, risk): what to do below 6 mm, from 6 to 8 mm, above 8 mm
_SOLID: dict[tuple[bool, str], tuple[str, str, str]] = {
    (False, "low"): (
        "no routine follow-up",
        "CT at 6-12 months, then consider CT at 18-24 months",
        "consider CT at 3 months, PET/CT, or tissue sampling",
    ),
    (False, "high"): (
        "optional CT at 12 months",
        "CT at 6-12 months, then CT at 18-24 months",
        "consider CT at 3 months, PET/CT, or tissue sampling",
    ),
    (True, "low"): (
        "no routine follow-up",
        "CT at 3-6 months, then consider CT at 18-24 months",
        "CT at 3-6 months, then consider CT at 18-24 months",
    ),
    (True, "high"): (
        "optional CT at 12 months",
        "CT at 3-6 months, then CT at 18-24 months",
        "CT at 3-6 months, then CT at 18-24 months",
    ),
}
# (several, type): what to do below 6 mm, from 6 mm
_SUBSOLID: dict[tuple[bool, str], tuple[str, str]] = {
    (False, GROUND_GLASS): (
        "no routine follow-up",
        "CT at 6-12 months to confirm persistence, then CT every 2 years until 5 years",
    ),
    (False, PART_SOLID): (
        "no routine follow-up",
        (
            "CT at 3-6 months to confirm persistence; if unchanged and the solid component remains below 6 mm, "
            "annual CT for 5 years"
        ),
    ),
}
LARGE_SOLID_PART_MM = 6
_LARGE_SOLID_PART = (
    "CT at 3-6 months to confirm persistence; with a solid component of 6 mm or more a persistent nodule is highly "
    "suspicious: consider PET/CT, biopsy or resection"
)
_SEVERAL_SUBSOLID = (
    "CT at 3-6 months; if stable, consider CT at 2 and 4 years",
    "CT at 3-6 months; subsequent management based on the most suspicious nodule",
)


def fleischner(known: NoduleFacts) -> SecondOpinion:
    """The guideline's category and recommendation, or what is missing, or why it does not apply."""
    opinion: dict[str, Any] = {"model": "Fleischner 2017", "citation": CITATION, "doi": DOI}
    asked = _NAMES_PART_SOLID if known.nodule_type == PART_SOLID and known.count == 1 else _NAMES
    names = (*asked, *(_RISKS if _needs_risk(known) else ()))
    inputs = used_inputs(known, names)
    refusal = _refusal(known)
    if refusal is not None:
        return SecondOpinion(**opinion, inputs=inputs, missing=(), refusal=refusal)
    risk = risk_of(known) if _needs_risk(known) else ""
    missing = missing_inputs(known, (*asked, *(("has_smoked",) if risk is None else ())))
    if risk is None or known.mean_mm is None or known.nodule_type is None or known.count is None:
        return SecondOpinion(**opinion, inputs=inputs, missing=missing)
    size = rounded_mm(known.mean_mm)
    several = known.count > 1
    category = f"{'multiple' if several else 'single'} {known.nodule_type}, {_size_class(size, known.nodule_type)}"
    return SecondOpinion(
        **opinion,
        inputs=inputs,
        missing=missing,
        category=f"{category}, {risk} risk" if risk else category,
        recommendation=_recommendation(known, several, size, risk),
    )


def rounded_mm(mean_mm: float) -> int:
    """To the nearest whole millimeter, halves up, as the guideline measures."""
    return int(mean_mm + 0.5)


def risk_of(known: NoduleFacts) -> str | None:
    """High, low, or None where smoking is unknown and nothing else settles it."""
    if any(getattr(known, name) for name in _RISKS):
        return "high"
    return "low" if known.has_smoked is False else None


def _needs_risk(known: NoduleFacts) -> bool:
    if known.nodule_type not in {None, SOLID}:
        return False
    return known.mean_mm is None or known.count is None or known.count > 1 or rounded_mm(known.mean_mm) <= 8


def _size_class(size: int, nodule_type: str) -> str:
    if size < 6:
        return "below 6 mm"
    if nodule_type != SOLID:
        return "6 mm or more"
    return "6-8 mm" if size <= 8 else "above 8 mm"


def _recommendation(known: NoduleFacts, several: bool, size: int, risk: str) -> str:
    if known.nodule_type == SOLID:
        below, between, above = _SOLID[several, risk or "high"]
        return below if size < 6 else between if size <= 8 else above
    small, large = _SEVERAL_SUBSOLID if several else _SUBSOLID[False, known.nodule_type or GROUND_GLASS]
    solid_part = known.solid_part_mm if known.nodule_type == PART_SOLID and not several else None
    if solid_part is not None and rounded_mm(solid_part) >= LARGE_SOLID_PART_MM:
        large = _LARGE_SOLID_PART
    return small if size < 6 else large


def _refusal(known: NoduleFacts) -> str | None:  # noqa: PLR0911 - one line a criterion
    if known.age_years is not None and known.age_years < YOUNGEST_YEARS:
        return f"age {known.age_years:g}; the guideline is for adults of {YOUNGEST_YEARS} years or more"
    if known.is_screening:
        return "a screening CT; Lung-RADS applies"
    if known.has_lung_cancer or known.has_other_cancer:
        return "a known cancer; the guideline is for patients without"
    if known.is_immunosuppressed:
        return "immunosuppression; the guideline is for patients without"
    if known.has_benign_sign:
        return "benign calcification or fat is stated; no follow-up category applies"
    if known.mean_mm is not None and known.mean_mm > 30:
        return f"{known.mean_mm:g} mm is a mass; the guideline is for nodules up to 30 mm"
    return None
