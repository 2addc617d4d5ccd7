"""The four sample cases that ship with the product; `python -m diagnosis.phantom.samples FOLDER` makes them again."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import final

from diagnosis.phantom.case import make_phantom
from diagnosis.phantom.cohort import ALL_PARTS, WITHOUT_VOICE, manifest_row, write_manifest, write_phantom
from diagnosis.phantom.spec import BodySpec, Lobe, NoduleSpec, PhantomSpec, ScanSpec
from diagnosis.vocabulary import Modality, Sex


@final
@dataclass(frozen=True)
class Sample:
    """A sample case: the patient, and which evidence is given."""

    spec: PhantomSpec
    parts: frozenset[Modality]


SAMPLES: tuple[Sample, ...] = (
    Sample(
        PhantomSpec(
            case_id="case_001",
            seed=112,
            body=BodySpec(age_years=68, sex=Sex.MALE, pack_years=45, size=1.0, fat_mm=12, emphysema=0.5),
            scan=ScanSpec(208, 1.52, 3.0, noise_hu=7, sharpness=0.35, hu_step=2, origin_mm=(3.0, -160.0, -120.0)),
            nodule=NoduleSpec(21.0, Lobe.RIGHT_UPPER, sphericity=4, margin=2, lobulation=3, spiculation=5, texture=5),
            voice="slt",
        ),
        ALL_PARTS,
    ),
    Sample(
        PhantomSpec(
            case_id="case_002",
            seed=205,
            body=BodySpec(age_years=57, sex=Sex.FEMALE, pack_years=0, size=0.95, fat_mm=16),
            scan=ScanSpec(208, 1.50, 3.0, noise_hu=7, sharpness=0.25, hu_step=2, origin_mm=(-6.0, -150.0, 40.0)),
            nodule=NoduleSpec(
                12.0, Lobe.LEFT_LOWER, calcification=5, sphericity=5, margin=5, lobulation=1, spiculation=1
            ),
            voice="en-us",
            words_per_minute=160,
        ),
        ALL_PARTS,
    ),
    Sample(
        PhantomSpec(
            case_id="case_003",
            seed=34,
            body=BodySpec(age_years=73, sex=Sex.FEMALE, pack_years=30, size=0.96, fat_mm=12, is_contrast_enhanced=True),
            scan=ScanSpec(208, 1.50, 3.0, noise_hu=7, sharpness=0.4, origin_mm=(0.0, -12.0, -210.0)),
            nodule=NoduleSpec(18.0, Lobe.LEFT_UPPER, sphericity=4, margin=3, lobulation=3, spiculation=4, texture=3),
        ),
        WITHOUT_VOICE,
    ),
    Sample(
        PhantomSpec(
            case_id="case_004",
            seed=44,
            body=BodySpec(age_years=49, sex=Sex.MALE, pack_years=5, size=1.01, fat_mm=10),
            scan=ScanSpec(
                208, 1.54, 3.0, noise_hu=7, sharpness=0.3, has_padding=True, hu_step=2, origin_mm=(5.0, -175.0, -60.0)
            ),
            nodule=NoduleSpec(8.0, Lobe.RIGHT_LOWER, sphericity=5, margin=5, lobulation=1, spiculation=1, texture=5),
        ),
        frozenset({Modality.CT}),
    ),
)


def write_samples(folder: Path) -> None:
    """Write all sample cases and their manifest; parts of `folder` that do not belong to them are left alone.

    Raises:
        InputError: a case folder holds something already.
        MissingDependencyError: no program for the voices.
    """
    rows = []
    for sample in SAMPLES:
        case = make_phantom(sample.spec)
        write_phantom(case, folder / sample.spec.case_id, sample.parts)
        rows.append(manifest_row(case, folder / sample.spec.case_id))
    write_manifest(folder / "manifest.csv", rows)


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]))
