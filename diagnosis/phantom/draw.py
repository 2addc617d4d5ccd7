"""Synthetic patients drawn at random: all kinds of bodies, scans and nodules, with descriptors that go together."""

import numpy as np

from diagnosis.phantom.spec import (
    LARGEST_NODULE_MM,
    SMALLEST_NODULE_MM,
    BodySpec,
    Informative,
    Lobe,
    NoduleSpec,
    PhantomSpec,
    ScanSpec,
)
from diagnosis.phantom.speech import VOICES
from diagnosis.vocabulary import Sex


def draw_spec(rng: np.random.Generator, case_id: str = "case_001", informative: Informative = "all") -> PhantomSpec:
    """Draw a patient: about four in ten malignant by the rule of `truth`.

    Args:
        rng: all randomness; the spec carries a seed of its own from it.
        case_id: pseudonym.
        informative: which evidence carries the lesion.
    """
    return PhantomSpec(
        case_id=case_id,
        seed=int(rng.integers(2**31)),
        body=_draw_body(rng),
        scan=_draw_scan(rng),
        nodule=_draw_nodule(rng),
        informative=informative,
        voice=VOICES[int(rng.integers(len(VOICES)))],
        words_per_minute=int(rng.integers(150, 186)),
    )


def _draw_body(rng: np.random.Generator) -> BodySpec:
    sex = Sex.FEMALE if rng.random() < 0.48 else Sex.MALE
    pack_years = 0 if rng.random() < 0.4 else int(rng.integers(5, 70))
    mean_size = 0.95 if sex is Sex.FEMALE else 1.01
    return BodySpec(
        age_years=int(np.clip(rng.normal(64, 10), 35, 89)),
        sex=sex,
        pack_years=pack_years,
        size=round(float(np.clip(rng.normal(mean_size, 0.03), 0.88, 1.08)), 3),
        fat_mm=round(float(rng.uniform(8, 24)), 1),
        emphysema=round(float(rng.uniform(0, 0.9)), 2) if pack_years > 25 else 0.0,
        is_contrast_enhanced=bool(rng.random() < 0.35),
    )


def _draw_scan(rng: np.random.Generator) -> ScanSpec:
    x, y, z = rng.uniform((-15, -190, -350), (15, 20, 150))
    return ScanSpec(
        pixel_mm=round(float(rng.uniform(1.3, 1.48)), 3),
        slice_mm=float(rng.choice([1.25, 2.0, 2.5, 2.5, 3.0])),
        noise_hu=round(float(rng.uniform(8, 24)), 1),
        sharpness=round(float(rng.uniform(0.1, 0.9)), 2),
        has_padding=bool(rng.random() < 0.4),
        origin_mm=(round(float(x), 1), round(float(y), 1), round(float(z), 1)),
    )


def _draw_nodule(rng: np.random.Generator) -> NoduleSpec:
    """Descriptors that go together: a hidden "rough or smooth" axis ties spiculation, lobulation, margin and size."""
    rough = float(rng.normal())
    diameter = float(
        np.clip(np.exp(rng.normal(np.log(11) + 0.28 * rough, 0.38)), SMALLEST_NODULE_MM, LARGEST_NODULE_MM)
    )

    def level(mean: float, spread: float = 0.8) -> int:
        return int(np.clip(round(rng.normal(mean, spread)), 1, 5))

    texture = int(rng.choice([1, 2, 3, 4, 5], p=[0.09, 0.06, 0.10, 0.13, 0.62]))
    is_smooth_solid = rough < 0.3 and texture == 5
    calcification = int(rng.choice([1, 2, 3, 4, 5])) if is_smooth_solid and rng.random() < 0.3 else 6
    structure = 1
    if calcification == 6 and diameter > 9 and rng.random() < 0.12:
        structure = 4 if rough > 0 else int(rng.choice([2, 3]))
    return NoduleSpec(
        diameter_mm=round(diameter, 1),
        lobe=Lobe(str(rng.choice([lobe.value for lobe in Lobe], p=[0.30, 0.10, 0.20, 0.22, 0.18]))),
        touches_pleura=bool(rng.random() < 0.2),
        internal_structure=structure,
        calcification=calcification,
        sphericity=level(3.9 - 0.3 * rough),
        margin=min(level(3.9 - 0.8 * rough), 5 if texture >= 3 else 3),
        lobulation=level(1.7 + 0.7 * rough),
        spiculation=level(1.6 + 0.9 * rough),
        texture=texture,
    )
