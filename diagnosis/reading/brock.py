"""The Brock (PanCan) model: malignancy of a nodule on a first screening CT.

McWilliams et al., N Engl J Med 2013;369:910-919, https://doi.org/10.1056/NEJMoa1214726: the full model without
spiculation (2a) and with it (2b). Checked number by number:

* 2a against https://www.medicalalgorithms.com/pulmonary-nodule-cancer: all ten agree (constant -6.8071). That page
  says that 4 mm is subtracted from the size; it is the size around which the term is centered, since
  (4 / 10)^-0.5 = 1.58113883.
* 2b against Eur Radiol 2019;29:5367, Table 2 (https://doi.org/10.1007/s00330-019-06168-x, PMC6717521): all ten agree;
  its single intercept 0.2761 is the sum of the centered terms below.
* Both full models were computed anew from these two restatements for ten made-up patients: the largest difference is
  8e-6, from the rounded intercept of 2b. One open-source calculator prints -0.3005 for a ground-glass nodule in 2a
  instead of -0.3055 and agrees in all else; it would move a probability by 0.00125 at most.
* Title, journal and DOI against the British Thoracic Society's calculator
  (https://www.brit-thoracic.org.uk/quality-improvement/guidelines/pulmonary-nodules/pn-risk-calculator/).

    logit = constant + age (age - 62) + female + family + emphysema + type + upper lobe + count (count - 4)
            + spiculation + size ((diameter / 10)^-0.5 - 1.58113883)

The diameter is the longest one, in millimeters. The population: current or former smokers of 50 to 75 years without
earlier lung cancer, nodules up to 30 mm that show no benign calcification. The parsimonious models (1a, 1b: sex, size,
upper lobe, spiculation) are left out: no second source was found that restates their constants, and a range over what
is not known does the same for the full ones.
"""

from dataclasses import dataclass
from typing import Any, final

from diagnosis.reading.nodule_facts import GROUND_GLASS, PART_SOLID, NoduleFacts
from diagnosis.reading.opinion import (
    SecondOpinion,
    logistic,
    missing_inputs,
    probability_range,
    used_inputs,
)

CITATION = (
    "McWilliams A et al. Probability of cancer in pulmonary nodules detected on first screening CT. "
    "N Engl J Med 2013;369:910-919"
)
DOI = "10.1056/NEJMoa1214726"
AGES = (50, 75)
LARGEST_MM = 30.0
_ESSENTIAL = ("age_years", "longest_mm", "count")
_OPEN = ("is_female", "has_family_lung_cancer", "has_emphysema", "nodule_type", "is_upper_lobe")


@final
@dataclass(frozen=True)
class Coefficients:
    """Log odds of one of the two full models."""

    constant: float
    age: float
    female: float
    family: float
    emphysema: float
    size: float
    ground_glass: float
    part_solid: float
    upper_lobe: float
    count: float
    spiculation: float


WITHOUT_SPICULATION = Coefficients(
    -6.8071, 0.0321, 0.5635, 0.3013, 0.3462, -5.6693, -0.3055, 0.3395, 0.7116, -0.0803, 0.0
)
WITH_SPICULATION = Coefficients(
    -6.7892, 0.0287, 0.6011, 0.2961, 0.2953, -5.3854, -0.1276, 0.3770, 0.6581, -0.0824, 0.7729
)


def brock_probability(known: NoduleFacts, coefficients: Coefficients) -> float:
    """Probability of malignancy of a nodule of which everything is known.

    Raises:
        ValueError: age, diameter or count is not known.
    """
    if known.age_years is None or known.longest_mm is None or known.count is None:
        msg = "Brock model: age, diameter and count must be known; add them"
        raise ValueError(msg)
    c = coefficients
    logit = (
        c.constant
        + c.age * (known.age_years - 62)
        + c.female * bool(known.is_female)
        + c.family * bool(known.has_family_lung_cancer)
        + c.emphysema * bool(known.has_emphysema)
        + c.size * ((known.longest_mm / 10) ** -0.5 - 1.58113883)
        + c.ground_glass * (known.nodule_type == GROUND_GLASS)
        + c.part_solid * (known.nodule_type == PART_SOLID)
        + c.upper_lobe * bool(known.is_upper_lobe)
        + c.count * (known.count - 4)
        + c.spiculation * bool(known.is_spiculated)
    )
    return logistic(logit)


def brock(known: NoduleFacts) -> tuple[SecondOpinion, SecondOpinion]:
    """The full model without spiculation and with it."""
    return (
        _opinion("Brock (PanCan), full, without spiculation", known, WITHOUT_SPICULATION, _OPEN),
        _opinion("Brock (PanCan), full, with spiculation", known, WITH_SPICULATION, (*_OPEN, "is_spiculated")),
    )


def _opinion(model: str, known: NoduleFacts, coefficients: Coefficients, open_inputs: tuple[str, ...]) -> SecondOpinion:
    names = (*_ESSENTIAL, *open_inputs, "has_smoked")
    opinion: dict[str, Any] = {"model": model, "citation": CITATION, "doi": DOI}
    inputs, missing = used_inputs(known, names), missing_inputs(known, (*names, "has_lung_cancer"))
    refusal = _refusal(known)
    if refusal is not None or any(getattr(known, name) is None for name in _ESSENTIAL):
        return SecondOpinion(**opinion, inputs=inputs, missing=() if refusal else missing, refusal=refusal)
    low, high = probability_range(known, open_inputs, lambda n: brock_probability(n, coefficients))
    return SecondOpinion(
        **opinion, inputs=inputs, missing=missing, low=low, high=high,
        note="developed on first screening CTs; elsewhere it tends to be less well calibrated",
    )  # fmt: skip


def _refusal(known: NoduleFacts) -> str | None:
    if known.age_years is not None and not AGES[0] <= known.age_years <= AGES[1]:
        return f"age {known.age_years:g} is outside the {AGES[0]} to {AGES[1]} years of the study"
    if known.has_smoked is False:
        return "the study enrolled current and former smokers only"
    if known.has_lung_cancer:
        return "the study excluded patients with earlier lung cancer"
    if known.longest_mm is not None and known.longest_mm > LARGEST_MM:
        return f"{known.longest_mm:g} mm is a mass; the model is for nodules up to {LARGEST_MM:g} mm"
    if known.has_benign_sign:
        return "benign calcification or fat is stated; the model is for nodules without"
    return None
