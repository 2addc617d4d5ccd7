"""What a synthetic patient is asked to be: body, scan, nodule, and which parts of the evidence carry the lesion."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, final

import numpy as np

from diagnosis.errors import ConfigurationError
from diagnosis.phantom.speech import Voice
from diagnosis.vocabulary import DESCRIPTOR_BY_NAME, Sex

SMALLEST_NODULE_MM = 4.0
LARGEST_NODULE_MM = 30.0
"""Larger is a mass by name; patients drawn at random have none."""
LARGEST_LESION_MM = 70.0

Informative = Literal["all", "ct", "note", "voice"]


class Lobe(StrEnum):
    """Lobe of the lung, in the words of a report."""

    RIGHT_UPPER = "right upper lobe"
    RIGHT_MIDDLE = "right middle lobe"
    RIGHT_LOWER = "right lower lobe"
    LEFT_UPPER = "left upper lobe"
    LEFT_LOWER = "left lower lobe"

    @property
    def is_right(self) -> bool:
        """Whether it lies on the patient's right."""
        return self.value.startswith("right")


@final
@dataclass(frozen=True)
class BodySpec:
    """The patient.

    Attributes:
        age_years: 18 to 100.
        sex: female patients have breasts.
        pack_years: cigarettes smoked; 0 for never.
        size: scale of the whole body, 1 for 175 cm.
        fat_mm: depth of the fat under the skin at the flank.
        emphysema: 0 none to 1 severe.
        is_contrast_enhanced: whether blood is bright.
    """

    age_years: int = 64
    sex: Sex = Sex.MALE
    pack_years: int = 20
    size: float = 1.0
    fat_mm: float = 14.0
    emphysema: float = 0.0
    is_contrast_enhanced: bool = False


@final
@dataclass(frozen=True)
class ScanSpec:
    """The scan.

    Attributes:
        size: rows and columns.
        pixel_mm: in-plane spacing.
        slice_mm: distance between slices.
        noise_hu: standard deviation of the noise at the center of the body.
        sharpness: 0 soft to 1 sharp reconstruction kernel.
        has_padding: whether voxels outside the circular field of view carry a padding value.
        hu_step: HU of one stored unit, the rescale slope: 2 loses less than the noise and makes smaller files.
        origin_mm: LPS position of the middle of the chest: scanners rarely put it at zero.
    """

    size: int = 256
    pixel_mm: float = 1.35
    slice_mm: float = 2.5
    noise_hu: float = 14.0
    sharpness: float = 0.4
    has_padding: bool = False
    hu_step: Literal[1, 2] = 1
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if not (64 <= self.size <= 1024 and 0.4 <= self.pixel_mm <= 4 and 0.5 <= self.slice_mm <= 10):
            msg = (
                f"phantom scan: {self.size} pixels of {self.pixel_mm:g} mm and slices {self.slice_mm:g} mm apart "
                "cannot be made; use 64 to 1024 pixels of 0.4 to 4 mm and slices 0.5 to 10 mm apart"
            )
            raise ConfigurationError(msg)


@final
@dataclass(frozen=True)
class NoduleSpec:
    """The planted lesion, on the scales of `diagnosis.vocabulary.DESCRIPTORS`.

    `subtlety` is not asked for: how easily a nodule is seen follows from the rest (`NoduleSpec.subtlety`).

    Attributes:
        diameter_mm: largest diameter in the plane of the slice, spicules left out.
        lobe: where it is planted.
        touches_pleura: whether it sits on the chest wall.
    """

    diameter_mm: float = 14.0
    lobe: Lobe = Lobe.RIGHT_UPPER
    touches_pleura: bool = False
    internal_structure: int = 1
    calcification: int = 6
    sphericity: int = 4
    margin: int = 4
    lobulation: int = 2
    spiculation: int = 2
    texture: int = 5

    def __post_init__(self) -> None:
        if not SMALLEST_NODULE_MM - 1 <= self.diameter_mm <= LARGEST_LESION_MM:
            msg = (
                f"phantom nodule: a diameter of {self.diameter_mm:g} mm cannot be planted; "
                f"use {SMALLEST_NODULE_MM - 1:g} to {LARGEST_LESION_MM:g} mm"
            )
            raise ConfigurationError(msg)
        for name, value in self.ratings.items():
            highest = len(DESCRIPTOR_BY_NAME[name].levels)
            if not 1 <= value <= highest:
                msg = f"phantom nodule: {name} {value} is off its scale; use 1 to {highest}"
                raise ConfigurationError(msg)

    @property
    def subtlety(self) -> int:
        """1 extremely subtle to 5 obvious: larger, denser and sharper is easier to see."""
        points = 1.1 * np.log2(self.diameter_mm / 4) + 0.45 * (self.texture - 1) + 0.2 * (self.margin - 3)
        return int(np.clip(round(1 + float(points)), 1, 5))

    @property
    def ratings(self) -> dict[str, int]:
        """The eight descriptors by name, in the order of the vocabulary."""
        return {name: self.subtlety if name == "subtlety" else int(getattr(self, name)) for name in DESCRIPTOR_BY_NAME}


@final
@dataclass(frozen=True)
class PhantomSpec:
    """One synthetic patient; `diagnosis.phantom.make_phantom` is a pure function of it.

    Attributes:
        case_id: pseudonym, and name of the case folder.
        seed: all randomness that remains: shape of the organs, noise, wording.
        informative: which evidence shows or tells the lesion: all of it, or one part alone. The other parts are then
            those of a patient without a nodule, so that an explanation that points at them is wrong.
        voice: name of the synthetic voice (`diagnosis.phantom.speech.VOICES`).
        words_per_minute: its speed.
    """

    case_id: str
    seed: int
    body: BodySpec = field(default_factory=BodySpec)
    scan: ScanSpec = field(default_factory=ScanSpec)
    nodule: NoduleSpec = field(default_factory=NoduleSpec)
    informative: Informative = "all"
    voice: Voice = "slt"
    words_per_minute: int = 165

    def tells(self, part: Literal["ct", "note", "voice"]) -> bool:
        """Whether a part of the evidence carries the lesion."""
        return self.informative in {"all", part}

    def stream(self, name: str) -> np.random.Generator:
        """Random numbers for one purpose, independent of every other: changing the noise leaves the organs alone."""
        return np.random.default_rng([self.seed, *name.encode()])
