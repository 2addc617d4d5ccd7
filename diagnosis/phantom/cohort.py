"""Many synthetic patients: drawn from one seed, written one after another, listed in a manifest."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from diagnosis.errors import InputError
from diagnosis.phantom.case import PhantomCase, make_phantom
from diagnosis.phantom.dicom_series import write_ct_series
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
from diagnosis.phantom.speech import VOICES, speak
from diagnosis.record.geometry import LPS_TO_RAS
from diagnosis.vocabulary import Sex

MANIFEST_COLUMNS = (
    "case_id,patient_id,ct,note,note_text,voice,center_x_mm,center_y_mm,center_z_mm,diameter_mm,age_years,sex,split,"
    "malignancy"
).split(",")
N_FOLDS = 5


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
        voice=str(rng.choice(VOICES)),
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
    return ScanSpec(
        pixel_mm=round(float(rng.uniform(1.3, 1.48)), 3),
        slice_mm=float(rng.choice([1.25, 2.0, 2.5, 2.5, 3.0])),
        noise_hu=round(float(rng.uniform(8, 24)), 1),
        sharpness=round(float(rng.uniform(0.1, 0.9)), 2),
        has_padding=bool(rng.random() < 0.4),
        origin_mm=tuple(round(float(v), 1) for v in rng.uniform((-15, -190, -350), (15, 20, 150))),  # type: ignore[arg-type]
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


def write_phantom(case: PhantomCase, folder: Path, *, with_voice: bool = True) -> None:
    """Write a case folder: case.json, ct/, note.txt, voice.wav, and beside them truth.json and truth_mask.nii.gz.

    Args:
        case: what to write.
        folder: must not exist, or be empty.
        with_voice: whether the dictation is spoken.

    Raises:
        InputError: the folder holds something.
        MissingDependencyError: no program for the voice.
    """
    require_empty(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_ct_series(case.spec, case.ct, folder / "ct")
    (folder / "note.txt").write_text(case.note.text, encoding="utf-8")
    if with_voice:
        speak(case.dictation.text, case.spec.voice, folder / "voice.wav", words_per_minute=case.spec.words_per_minute)
    region = {"center_mm": list(case.ct.center_mm), "diameter_mm": case.region_diameter_mm}
    about = {
        "case_id": case.spec.case_id,
        "age_years": case.spec.body.age_years,
        "sex": case.spec.body.sex.value,
        "region": region,
    }
    _write_json(folder / "case.json", about)
    _write_json(folder / "truth.json", case.truth())
    _write_mask(case, folder / "truth_mask.nii.gz")


def require_empty(folder: Path) -> None:
    """Raise InputError if the folder holds anything: nothing is ever written over."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"phantom: the folder {folder.name} is not empty; name a new one, or empty it yourself"
        raise InputError(msg)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _write_mask(case: PhantomCase, path: Path) -> None:
    """NIfTI wants (x,y,z) and RAS; a gzip header without name and time keeps the bytes the same."""
    import gzip

    import nibabel as nib

    affine = LPS_TO_RAS @ case.ct.affine_lps[:, [2, 1, 0, 3]]
    image = nib.Nifti1Image(case.ct.mask.transpose(2, 1, 0).astype(np.uint8), affine)
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        packed.write(image.to_bytes())


def write_cohort(folder: Path, n_cases: int, seed: int, *, with_voice: bool = True) -> Iterator[PhantomCase]:
    """Write `n_cases` cases and `manifest.csv`, yielding each case once it is written.

    Args:
        folder: must not exist, or be empty.
        n_cases: how many.
        seed: the same seed gives the same cases; case k does not depend on how many there are.
        with_voice: whether dictations are spoken.

    Raises:
        InputError: the folder holds something.
        MissingDependencyError: no program for the voices.
    """
    require_empty(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.DictWriter(stream, MANIFEST_COLUMNS, lineterminator="\n")
        rows.writeheader()
        for number in range(1, n_cases + 1):
            spec = draw_spec(np.random.default_rng([seed, number]), f"phantom_{number:03d}")
            case = make_phantom(spec)
            write_phantom(case, folder / spec.case_id, with_voice=with_voice)
            rows.writerow(manifest_row(case, folder / spec.case_id))
            yield case


def manifest_row(case: PhantomCase, folder: Path) -> dict[str, object]:
    """One row of the manifest for a case that was written to `folder`, paths relative to its parent."""
    name = folder.name
    body, (x, y, z) = case.spec.body, case.ct.center_mm
    parts = {part: f"{name}/{file}" for part, file in (("ct", "ct"), ("note", "note.txt"), ("voice", "voice.wav"))}
    present = {part: path if (folder.parent / path).exists() else "" for part, path in parts.items()}
    return {
        "case_id": case.spec.case_id,
        "patient_id": f"PHANTOM-{case.spec.case_id}",
        **present,
        "note_text": "",
        "center_x_mm": x,
        "center_y_mm": y,
        "center_z_mm": z,
        "diameter_mm": "" if case.region_diameter_mm is None else case.region_diameter_mm,
        "age_years": body.age_years,
        "sex": body.sex.value,
        "split": f"fold{case.spec.seed % N_FOLDS}",
        "malignancy": int(case.is_malignant),
    }
