"""The form of a second opinion, and what its models share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import exp
from typing import Any, final

from diagnosis.reading.nodule_facts import GROUND_GLASS, PART_SOLID, SOLID, NoduleFacts


@final
@dataclass(frozen=True)
class UsedInput:
    """One input of a model: its name, its value in words, and where it comes from."""

    name: str
    value: str
    source: str


@final
@dataclass(frozen=True)
class SecondOpinion:
    """What a published model or guideline says of the stated facts.

    Attributes:
        model: its name.
        inputs: what it was computed from.
        missing: what it does not know, as questions to the clinician.
        refusal: why it does not apply to this patient, or None.
        low: smallest probability of malignancy over all answers to what is missing, or None.
        high: largest one; equal to `low` where nothing is missing.
        category: category of a guideline, or None.
        recommendation: what the guideline recommends, or None.
        note: what the reader should know.
        citation: the source.
        doi: of the source.
    """

    model: str
    inputs: tuple[UsedInput, ...]
    missing: tuple[str, ...]
    citation: str
    doi: str
    refusal: str | None = None
    low: float | None = None
    high: float | None = None
    category: str | None = None
    recommendation: str | None = None
    note: str | None = None

    @property
    def probability(self) -> float | None:
        """The probability, where all inputs are known."""
        return self.low if self.low == self.high else None

    @property
    def says(self) -> str:
        """Its answer in words: a probability or its range, a category with what follows, or why it does not apply."""
        if self.refusal is not None:
            return f"does not apply: {self.refusal}"
        if self.low is not None and self.high is not None:
            shown = f"{self.low:.1%}" if self.probability is not None else f"{self.low:.1%} to {self.high:.1%}"
            answer = f"malignant with {shown}"
        elif self.category is not None:
            answer = f"{self.category}: {self.recommendation}"
        else:
            answer = "cannot be computed yet"
        return f"{answer} ({self.note})" if self.note else answer


DISPLAY: dict[str, str] = {
    "age_years": "age",
    "is_female": "sex",
    "has_smoked": "smoking, ever",
    "pack_years": "pack-years",
    "years_since_quitting": "years since quitting",
    "longest_mm": "longest diameter",
    "mean_mm": "mean diameter",
    "solid_part_mm": "solid component",
    "nodule_type": "nodule type",
    "is_upper_lobe": "upper lobe",
    "count": "number of nodules",
    "is_spiculated": "spiculation",
    "has_emphysema": "emphysema",
    "has_family_lung_cancer": "lung cancer in the family",
    "has_lung_cancer": "lung cancer, ever",
    "has_other_cancer": "extrathoracic cancer, ever",
    "other_cancer_years_ago": "years since that cancer",
    "has_benign_sign": "benign calcification or fat",
    "change": "change since an earlier CT",
    "is_screening": "screening exam",
    "is_immunosuppressed": "immunosuppression",
}
_IN_MILLIMETERS = frozenset({"longest_mm", "mean_mm", "solid_part_mm"})


def used_inputs(known: NoduleFacts, names: tuple[str, ...]) -> tuple[UsedInput, ...]:
    """Those of `names` that are known, in words."""
    return tuple(
        UsedInput(DISPLAY[name], _worded(name, getattr(known, name)), known.source_of(name))
        for name in names
        if getattr(known, name) is not None
    )


def missing_inputs(known: NoduleFacts, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `names` that are not known; one on which sources contradict each other says so."""
    return tuple(
        f"{DISPLAY[name]} (the sources contradict each other)" if name in known.unsettled else DISPLAY[name]
        for name in names
        if getattr(known, name) is None
    )


def _worded(name: str, value: object) -> str:
    if name == "is_female":
        return "female" if value else "male"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:g} mm" if name in _IN_MILLIMETERS else f"{value:g}"
    return str(value)


def logistic(logit: float) -> float:
    """Probability of a logit."""
    return 1 / (1 + exp(-logit))


def probability_range(
    known: NoduleFacts, open_inputs: tuple[str, ...], probability: Callable[[NoduleFacts], float]
) -> tuple[float, float]:
    """Smallest and largest probability over all answers to what is not known."""
    answers = [probability(complete) for complete in _completions(known, open_inputs)]
    return min(answers), max(answers)


def _completions(known: NoduleFacts, names: tuple[str, ...]) -> Iterator[NoduleFacts]:
    unknown = [name for name in names if getattr(known, name) is None]
    choices = [(SOLID, PART_SOLID, GROUND_GLASS) if name == "nodule_type" else (False, True) for name in unknown]
    for answer in product(*choices):
        changes: dict[str, Any] = dict(zip(unknown, answer, strict=True))
        yield replace(known, **changes)
