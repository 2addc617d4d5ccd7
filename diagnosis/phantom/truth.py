"""The truth of a synthetic patient: whether the nodule is malignant, drawn from a stated rule.

The rule is this project's own and serves synthetic patients only. Its signs follow what is known of real nodules:
size, spiculation and part-solid texture raise the odds, as do age and smoking (McWilliams et al., N Engl J Med
2013;369:910, https://doi.org/10.1056/NEJMoa1214726); smooth sharp margins, benign patterns of calcium and fat lower
them (Fleischner Society, Radiology 2017;284:228, https://doi.org/10.1148/radiol.2017161659).
"""

import math

from diagnosis.phantom.spec import BodySpec, NoduleSpec

RULE = (
    "log odds = -2.6 + 0.16 (diameter_mm - 10) + 0.55 (spiculation - 1) + 0.25 (lobulation - 1) - 0.25 (margin - 3) "
    "+ 0.7 if texture is 2 to 4 + 0.02 (age_years - 60) + 0.012 pack_years (60 at most) "
    "- 4 if calcification is 1, 2, 3 or 5 - 3 if internal structure is fat - 1.5 if it is fluid"
)
_BENIGN_CALCIUM = {1, 2, 3, 5}
_STRUCTURE = {1: 0.0, 2: -1.5, 3: -3.0, 4: 0.0}


def malignancy_probability(nodule: NoduleSpec, body: BodySpec) -> float:
    """Probability by `RULE` that a nodule is malignant."""
    log_odds = (
        -2.6
        + 0.16 * (nodule.diameter_mm - 10)
        + 0.55 * (nodule.spiculation - 1)
        + 0.25 * (nodule.lobulation - 1)
        - 0.25 * (nodule.margin - 3)
        + 0.7 * (nodule.texture in {2, 3, 4})
        + 0.02 * (body.age_years - 60)
        + 0.012 * min(body.pack_years, 60)
        - 4.0 * (nodule.calcification in _BENIGN_CALCIUM)
        + _STRUCTURE[nodule.internal_structure]
    )
    return 1 / (1 + math.exp(-log_odds))
