"""Case folders on disk: one synthetic patient, or many drawn from one seed and listed in a manifest."""

import csv
import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import nibabel as nib
import numpy as np

from diagnosis.errors import InputError
from diagnosis.phantom.case import PhantomCase, make_phantom
from diagnosis.phantom.dicom_series import write_ct_series
from diagnosis.phantom.draw import draw_spec
from diagnosis.phantom.spec import Informative
from diagnosis.phantom.speech import speak
from diagnosis.record.geometry import LPS_TO_RAS
from diagnosis.vocabulary import Modality

MANIFEST_COLUMNS = (
    "case_id",
    "patient_id",
    "ct",
    "note",
    "note_text",
    "voice",
    "center_x_mm",
    "center_y_mm",
    "center_z_mm",
    "diameter_mm",
    "age_years",
    "sex",
    "split",
    "malignancy",
)
N_FOLDS = 5
ALL_PARTS = frozenset(Modality)
WITHOUT_VOICE = ALL_PARTS - {Modality.VOICE}
_FILES = {Modality.CT: "ct", Modality.NOTE: "note.txt", Modality.VOICE: "voice.wav"}


def write_phantom(case: PhantomCase, folder: Path, parts: frozenset[Modality] = ALL_PARTS) -> None:
    """Write a case folder: case.json, ct/, note.txt, voice.wav; beside them truth.json and truth_mask.nii.gz.

    Args:
        case: what to write.
        folder: must not exist, or be empty.
        parts: which kinds of evidence to write.

    Raises:
        InputError: the folder holds something.
        MissingDependencyError: no program for the voice.
    """
    require_empty(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if Modality.CT in parts:
        write_ct_series(case.spec, case.ct, folder / _FILES[Modality.CT])
    if Modality.NOTE in parts:
        (folder / _FILES[Modality.NOTE]).write_text(case.note.text, encoding="utf-8")
    if Modality.VOICE in parts:
        path = folder / _FILES[Modality.VOICE]
        speak(case.dictation.text, case.spec.voice, path, words_per_minute=case.spec.words_per_minute)
    about = {
        "case_id": case.spec.case_id,
        "age_years": case.spec.body.age_years,
        "sex": case.spec.body.sex.value,
        "region": {"center_mm": list(case.ct.center_mm), "diameter_mm": case.region_diameter_mm},
    }
    _write_json(folder / "case.json", about)
    _write_json(folder / "truth.json", case.truth())
    _write_mask(case, folder / "truth_mask.nii.gz")


def require_empty(folder: Path) -> None:
    """Raise InputError if the folder holds anything: nothing is ever written over."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"phantom: {folder} already exists and is not an empty folder; name a new one, or empty it yourself"
        raise InputError(msg)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _write_mask(case: PhantomCase, path: Path) -> None:
    """NIfTI wants (x,y,z) and RAS; a gzip header without name and time keeps the bytes the same."""
    affine = LPS_TO_RAS @ case.ct.affine_lps[:, [2, 1, 0, 3]]
    image = nib.Nifti1Image(case.ct.mask.transpose(2, 1, 0).astype(np.uint8), affine)
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        packed.write(image.to_bytes())


def write_cohort(
    folder: Path,
    n_cases: int,
    seed: int,
    parts: frozenset[Modality] = ALL_PARTS,
    informative: Informative = "all",
) -> Iterator[PhantomCase]:
    """Write `n_cases` cases and `manifest.csv`, yielding each case once it is written.

    Args:
        folder: must not exist, or be empty.
        n_cases: how many.
        seed: the same seed gives the same cases; case k does not depend on how many there are.
        parts: which kinds of evidence to write.
        informative: which of them carry the lesion.

    Raises:
        InputError: the folder holds something.
        MissingDependencyError: no program for the voices.
    """
    require_empty(folder)
    rows = []
    for number in range(1, n_cases + 1):
        spec = draw_spec(np.random.default_rng([seed, number]), f"phantom_{number:03d}", informative)
        case = make_phantom(spec)
        write_phantom(case, folder / spec.case_id, parts)
        rows.append(manifest_row(case, folder / spec.case_id))
        write_manifest(folder / "manifest.csv", rows)
        yield case


def write_manifest(path: Path, rows: Iterable[dict[str, object]]) -> None:
    """Write the manifest anew."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, MANIFEST_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def manifest_row(case: PhantomCase, folder: Path) -> dict[str, object]:
    """One row of the manifest for a case that was written to `folder`, paths relative to its parent."""
    x, y, z = case.ct.center_mm
    paths = {m.value: f"{folder.name}/{name}" if (folder / name).exists() else "" for m, name in _FILES.items()}
    return {
        "case_id": case.spec.case_id,
        "patient_id": f"PHANTOM-{case.spec.case_id}",
        **paths,
        "note_text": "",
        "center_x_mm": x,
        "center_y_mm": y,
        "center_z_mm": z,
        "diameter_mm": "" if case.region_diameter_mm is None else case.region_diameter_mm,
        "age_years": case.spec.body.age_years,
        "sex": case.spec.body.sex.value,
        "split": f"fold{case.spec.seed % N_FOLDS}",
        "malignancy": int(case.is_malignant),
    }
