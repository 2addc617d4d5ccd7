"""The words of a synthetic patient: note and dictation, each by a reader who sees the nodule a little wrong.

Neither gives an opinion on malignancy. A part that is not informative tells of a chest without a nodule.
"""

import random
from dataclasses import dataclass
from typing import Literal, final

from diagnosis.phantom.spec import Lobe, PhantomSpec
from diagnosis.phantom.wording import NoduleDescription, describe
from diagnosis.vocabulary import DESCRIPTOR_BY_NAME, Sex

_JITTER = 0.25
"""Chance that a reader is one level off on an ordinal scale; readers in LIDC-IDRI differ more often than that."""
_ORDINAL = {"subtlety", "sphericity", "margin", "lobulation", "spiculation", "texture"}

_ABBREVIATIONS = {
    Lobe.RIGHT_UPPER: "RUL",
    Lobe.RIGHT_MIDDLE: "middle lobe",
    Lobe.RIGHT_LOWER: "RLL",
    Lobe.LEFT_UPPER: "LUL",
    Lobe.LEFT_LOWER: "LLL",
}
_REASONS = (
    "Cough for six weeks.",
    "Abnormality on chest radiograph.",
    "Follow-up of incidental finding.",
    "Shortness of breath on exertion.",
    "Lung cancer screening.",
    "Preoperative assessment.",
    "Chest pain, now resolved.",
)
_COMPARISONS = ("None.", "No prior CT available.", "Chest radiograph only.", "Outside CT not available for review.")
_OTHERS = (
    "No pleural effusion.",
    "No pneumothorax.",
    "No enlarged mediastinal or hilar lymph nodes.",
    "Heart size is normal.",
    "Central airways are patent.",
    "Thoracic aorta of normal caliber.",
    "Mild degenerative change of the spine.",
    "Upper abdomen unremarkable.",
    "No suspicious bone lesion.",
)
_NEUTRAL = (
    "The lungs are clear.",
    "No focal consolidation.",
    "Mild dependent change at both bases.",
    "Lung volumes are normal.",
)
_SPOKEN_NEUTRAL = (
    "chest CT findings",
    "the lungs are clear",
    "no focal consolidation",
    "no pleural effusion or pneumothorax",
    "heart size is normal",
    "the central airways are patent",
    "no enlarged lymph nodes",
    "upper abdomen is unremarkable",
)


@final
@dataclass(frozen=True)
class Reading:
    """What one reader says of the nodule.

    Attributes:
        description: ratings and diameter, off by a little.
        text: in words.
    """

    description: NoduleDescription | None
    text: str


def write_reading(spec: PhantomSpec, part: Literal["note", "voice"]) -> Reading:
    """The note or the dictation; a pure function of the spec."""
    rng = random.Random(int(spec.stream(f"reader {part}").integers(2**63)))  # noqa: S311 (a phantom, not a secret)
    description = _read_nodule(spec, rng) if spec.tells(part) else None
    text = _note(spec, description, rng) if part == "note" else _dictation(spec, description, rng)
    return Reading(description, text)


def _read_nodule(spec: PhantomSpec, rng: random.Random) -> NoduleDescription:
    """The truth as a reader sees it: some ratings one level off, the diameter within some percent."""
    levels = {}
    for name, rating in spec.nodule.ratings.items():
        step = rng.choice((-1, 1)) if name in _ORDINAL and rng.random() < _JITTER else 0
        levels[name] = min(max(rating + step, 1), len(DESCRIPTOR_BY_NAME[name].levels))
    diameter_mm = round(spec.nodule.diameter_mm * min(max(rng.gauss(1, 0.06), 0.85), 1.15), 1)
    return NoduleDescription(**levels, diameter_mm=diameter_mm)


def _place(lobe: Lobe, rng: random.Random, *, spoken: bool) -> str:
    return lobe.value if spoken or rng.random() < 0.6 else _ABBREVIATIONS[lobe]


def _history(spec: PhantomSpec, rng: random.Random) -> str:
    body = spec.body
    sex = {Sex.MALE: ("man", "male"), Sex.FEMALE: ("woman", "female")}.get(body.sex, ("patient", "patient"))
    smoking = rng.choice(
        ("Never smoker.", "No history of smoking.")
        if body.pack_years == 0
        else (f"{body.pack_years} pack-years.", f"Smoker, {body.pack_years} pack-years.", "Former smoker.")
    )
    return f"{body.age_years}-year-old {rng.choice(sex)}. {smoking} {rng.choice(_REASONS)}"


def _technique(spec: PhantomSpec) -> str:
    contrast = "with intravenous contrast" if spec.body.is_contrast_enhanced else "without contrast"
    return f"CT of the chest {contrast}, {spec.scan.slice_mm:g} mm axial slices."


def _note(spec: PhantomSpec, description: NoduleDescription | None, rng: random.Random) -> str:
    if description is None:
        findings = list(rng.sample(_NEUTRAL, 2))
        impression = "No acute abnormality of the chest."
    else:
        place = _place(spec.nodule.lobe, rng, spoken=False)
        findings = list(describe(description, place, rng))
        impression = rng.choice((f"Nodule in the {spec.nodule.lobe.value} as described.", "Lung nodule, see above."))
    others = rng.sample(_OTHERS, rng.randint(2, 4))
    findings = [*others, *findings] if rng.random() < 0.3 else [*findings, *others]
    sections = (
        (rng.choice(("HISTORY", "CLINICAL HISTORY", "INDICATION")), _history(spec, rng)),
        ("TECHNIQUE", _technique(spec)),
        ("COMPARISON", rng.choice(_COMPARISONS)),
        ("FINDINGS", " ".join(findings)),
        ("IMPRESSION", impression),
    )
    return "\n\n".join(f"{title}: {text}" for title, text in sections) + "\n"


def _dictation(spec: PhantomSpec, description: NoduleDescription | None, rng: random.Random) -> str:
    if description is None:
        return ". ".join(s.capitalize() for s in rng.sample(_SPOKEN_NEUTRAL, 5)) + "."
    place = _place(spec.nodule.lobe, rng, spoken=True)
    closing = rng.choice(("", " No pleural effusion.", " No other nodule."))
    return " ".join(describe(description, place, rng, spoken=True)) + closing
