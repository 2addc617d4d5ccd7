"""The Mayo Clinic model: malignancy of a solitary, radiologically indeterminate nodule.

Swensen et al., Arch Intern Med 1997;157:849-855, https://doi.org/10.1001/archinte.1997.00440290031002:

    logit = -6.8272 + 0.0391 age + 0.7917 ever smoked + 1.3388 extrathoracic cancer more than five years ago
            + 0.1274 diameter in mm + 1.0407 spiculation + 0.7838 upper lobe

Checked number by number against https://www.medicalalgorithms.com (probability of malignancy in a solitary pulmonary
nodule, equation of Swensen et al.) and https://suan.pingflash.com/en/mayo-lung-cancer: all seven agree. Eur Radiol
2019;29:5367, Table 2, agrees in all slopes and prints the constant as -6.872, a digit short; https://oncotoolkit.com
prints -6.8238. Both are outvoted; they would move a probability by 0.011 and 0.001 at most.

The population: newly found solitary nodules of 4 to 30 mm, indeterminate on radiographs; no cancer in the five years
before, no lung cancer ever.
"""

from typing import Any

from diagnosis.reading.nodule_facts import NoduleFacts
from diagnosis.reading.opinion import (
    SecondOpinion,
    logistic,
    missing_inputs,
    probability_range,
    used_inputs,
)

CITATION = (
    "Swensen SJ et al. The probability of malignancy in solitary pulmonary nodules. Arch Intern Med 1997;157:849-855"
)
DOI = "10.1001/archinte.1997.00440290031002"
SIZES_MM = (4.0, 30.0)
CANCER_FREE_YEARS = 5.0
_ESSENTIAL = ("age_years", "longest_mm")
_OPEN = ("has_smoked", "has_other_cancer", "is_spiculated", "is_upper_lobe")


def mayo_probability(known: NoduleFacts) -> float:
    """Probability of malignancy of a nodule of which everything is known.

    Raises:
        ValueError: age or diameter is not known.
    """
    if known.age_years is None or known.longest_mm is None:
        msg = "Mayo model: age and diameter must be known; add them"
        raise ValueError(msg)
    return logistic(
        -6.8272
        + 0.0391 * known.age_years
        + 0.7917 * bool(known.has_smoked)
        + 1.3388 * bool(known.has_other_cancer)
        + 0.1274 * known.longest_mm
        + 1.0407 * bool(known.is_spiculated)
        + 0.7838 * bool(known.is_upper_lobe)
    )


def mayo(known: NoduleFacts) -> SecondOpinion:
    """The model's answer, its range over what is missing, or why it does not apply."""
    names = (*_ESSENTIAL, *_OPEN, "count")
    asked = (*names, "other_cancer_years_ago") if known.has_other_cancer else names
    inputs, missing = used_inputs(known, asked), missing_inputs(known, asked)
    opinion: dict[str, Any] = {"model": "Mayo Clinic", "citation": CITATION, "doi": DOI}
    refusal = _refusal(known)
    if refusal is not None or any(getattr(known, name) is None for name in _ESSENTIAL):
        return SecondOpinion(**opinion, inputs=inputs, missing=() if refusal else missing, refusal=refusal)
    low, high = probability_range(known, _OPEN, mayo_probability)
    return SecondOpinion(**opinion, inputs=inputs, missing=missing, low=low, high=high)


def _refusal(known: NoduleFacts) -> str | None:
    if known.longest_mm is not None and not SIZES_MM[0] <= known.longest_mm <= SIZES_MM[1]:
        return f"{known.longest_mm:g} mm is outside the {SIZES_MM[0]:g} to {SIZES_MM[1]:g} mm of the study"
    if known.count is not None and known.count > 1:
        return f"{known.count} nodules; the model is for a solitary nodule"
    if known.has_lung_cancer:
        return "the study excluded patients with earlier lung cancer"
    if known.other_cancer_years_ago is not None and known.other_cancer_years_ago <= CANCER_FREE_YEARS:
        return f"a cancer {known.other_cancer_years_ago:g} years ago; the study excluded cancer within five years"
    if known.has_benign_sign:
        return "benign calcification or fat is stated; the model is for indeterminate nodules"
    return None
