"""From a spec to a case: pure, no files."""

from dataclasses import dataclass
from typing import Any, final

from diagnosis.phantom.narrative import Reading, write_reading
from diagnosis.phantom.patient import PlantedCt, make_ct
from diagnosis.phantom.spec import PhantomSpec
from diagnosis.phantom.truth import RULE, malignancy_probability


@final
@dataclass(frozen=True, eq=False)
class PhantomCase:
    """One synthetic patient, in memory.

    Attributes:
        spec: what was asked for.
        ct: the scan, with mask and center of the nodule.
        note: the written note and what its author saw.
        dictation: the dictation as text, and what its author saw.
        is_malignant: the truth, drawn with that probability.
        malignancy_probability: by the stated rule.
    """

    spec: PhantomSpec
    ct: PlantedCt
    note: Reading
    dictation: Reading
    is_malignant: bool
    malignancy_probability: float

    @property
    def region_diameter_mm(self) -> float | None:
        """What the region of interest says of the size: nothing where the CT shows no nodule."""
        return self.spec.nodule.diameter_mm if self.spec.tells("ct") else None

    def truth(self) -> dict[str, Any]:
        """The truth as JSON values, the content of truth.json."""
        spacing_mm3 = self.spec.scan.slice_mm * self.spec.scan.pixel_mm**2
        return {
            "case_id": self.spec.case_id,
            "seed": self.spec.seed,
            "informative": self.spec.informative,
            "center_mm": list(self.ct.center_mm),
            "frame": "LPS",
            "diameter_mm": self.spec.nodule.diameter_mm,
            "volume_mm3": round(float(self.ct.mask.sum()) * spacing_mm3, 1),
            "lobe": self.spec.nodule.lobe.value,
            "touches_pleura": self.spec.nodule.touches_pleura,
            "descriptors": self.spec.nodule.ratings,
            "note_reader": _seen(self.note),
            "voice_reader": _seen(self.dictation),
            "malignant": self.is_malignant,
            "malignancy_probability": round(self.malignancy_probability, 4),
            "malignancy_rule": RULE,
            "dictation_text": self.dictation.text,
            "voice": self.spec.voice,
            "words_per_minute": self.spec.words_per_minute,
            "mask": "truth_mask.nii.gz",
        }


def _seen(reading: Reading) -> dict[str, float | int | None] | None:
    description = reading.description
    return None if description is None else {**description.levels, "diameter_mm": description.diameter_mm}


def make_phantom(spec: PhantomSpec) -> PhantomCase:
    """Make a synthetic patient; the same spec gives the same patient."""
    probability = malignancy_probability(spec.nodule, spec.body)
    is_malignant = bool(spec.stream("malignancy").random() < probability)
    return PhantomCase(
        spec=spec,
        ct=make_ct(spec),
        note=write_reading(spec, "note"),
        dictation=write_reading(spec, "voice"),
        is_malignant=is_malignant,
        malignancy_probability=probability,
    )
