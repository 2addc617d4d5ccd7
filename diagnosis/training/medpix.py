"""The second task: MedPix 2.0, key slices and free text, with the same code and another configuration.

History and examination are the note, the radiologist's findings stand in for the dictation, up to as many key slices as
the field of view is deep are the CT. The findings to learn are the body region and the etiology group, one against the
rest, and whether the diagnosis is a neoplasm. Key slices are 8-bit JPEG in windows nobody knows: gray 0 to 255 takes
the place of the HU range, and no figure of this task says anything about HU.

The data set (https://github.com/CHILab1/MedPix-2.0, from https://medpix.nlm.nih.gov) states no license: this is a local
benchmark, and weights trained on it are not shipped. Expected in the folder: `cases.jsonl` and `images/`.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from diagnosis.errors import InputError
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.progress import OnProgress
from diagnosis.training.cohort import Cohort, TrainingCase, TrainingRegion

N_FOLDS = 3
"""A CT encoder is trained without each fold and each pair of folds: six of them."""
MAIN_FINDING = "neoplasm"
SHORTEST_HIDDEN = 4
"""Letters of the shortest word of a diagnosis that is taken out of the texts."""
HIDDEN = "[...]"


def read_medpix(root: Path, view: FieldOfView, on_progress: OnProgress, *, hide_diagnosis: bool) -> Cohort:
    """Read the cohort; slices are drawn on `view`, which should be larger than the network's own.

    Args:
        root: the data set's folder.
        view: its shape is (slices,height,width); its HU range takes gray 0 to 255.
        on_progress: called with (done, all).
        hide_diagnosis: whether words of a case's own diagnosis are taken out of its note and its findings.

    Raises:
        InputError: a file is missing or not what it should be.
    """
    rows = _read_rows(root)
    regions = sorted({row["body_region"] for row in rows})
    groups = sorted({row["dx_group"] for row in rows})
    findings = (MAIN_FINDING, *(_name("region", r) for r in regions), *(_name("group", g) for g in groups))
    folds = stratified_folds([(row["dx_group"], row["body_region"], row["case_id"]) for row in rows])
    cases = []
    for done, (row, fold) in enumerate(zip(rows, folds, strict=True)):
        labels = [int(row["neoplasm"])]
        labels += [int(row["body_region"] == r) for r in regions] + [int(row["dx_group"] == g) for g in groups]
        cases.append(_case(row, fold, labels, (root, view), hide_diagnosis))
        on_progress(done + 1, len(rows))
    return Cohort("medpix_ct", findings, tuple(cases))


def stratified_folds(strata: Sequence[tuple[str, str, str]]) -> list[str]:
    """Folds of (group, region, case): dealt in turn after sorting, in an order without meaning within a stratum."""

    def key(index: int) -> tuple[str, str, str]:
        group, region, case_id = strata[index]
        return group, region, hashlib.sha256(case_id.encode()).hexdigest()

    folds = [""] * len(strata)
    for position, index in enumerate(sorted(range(len(strata)), key=key)):
        folds[index] = f"fold{position % N_FOLDS}"
    return folds


def without_diagnosis(text: str, diagnosis: str) -> str:
    """The text with each word of the diagnosis (four letters or more, in any inflection) taken out."""
    stems = {word[: max(SHORTEST_HIDDEN, len(word) - 2)] for word in re.findall(r"[a-z]{4,}", diagnosis.lower())}
    if not stems:
        return text
    return re.sub(rf"\b(?:{'|'.join(sorted(map(re.escape, stems)))})\w*", HIDDEN, text, flags=re.IGNORECASE)


def _read_rows(root: Path) -> list[dict[str, Any]]:
    try:
        lines = (root / "cases.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        msg = f"MedPix cohort: cases.jsonl could not be read in {root}; correct data.root"
        raise InputError(msg) from error


def _name(kind: str, words: str) -> str:
    return f"{kind}_{re.sub(r'[^a-z0-9]+', '_', words.lower()).strip('_')}"


def _case(
    row: dict[str, Any], fold: str, labels: list[int], where: tuple[Path, FieldOfView], hide_diagnosis: bool
) -> TrainingCase:
    texts = [f"History: {row['history']}" if row["history"] else "", f"Exam: {row['exam']}" if row["exam"] else ""]
    note, voice = "\n".join(t for t in texts if t), row["findings"]
    if hide_diagnosis:
        told = f"{row['diagnosis']} {row['category']}"
        note, voice = without_diagnosis(note, told), without_diagnosis(voice, told)
    root, view = where
    return TrainingCase(
        case_id=row["case_id"],
        patient_id=row["case_id"],
        fold=fold,
        labels=tuple(labels),
        soft_targets=tuple(float(label) for label in labels),
        region=_region([root / name for name in row["images"]], view),
        diameter_mm=None,
        readers=(),
        note=note or None,
        voice=voice or None,
    )


def _region(paths: list[Path], view: FieldOfView) -> TrainingRegion | None:
    """Slices evenly drawn from a case's images; where there are fewer than the view is deep, some stand twice."""
    if not paths:
        return None
    chosen = np.linspace(0, len(paths) - 1, view.shape[0]).round().astype(int)
    read = {int(i): _gray(paths[int(i)], view.shape[1:]) for i in set(chosen)}
    unit = np.stack([read[int(i)] for i in chosen])
    low, high = view.hu_range
    hu = (low + unit * (high - low)).astype(np.float16)
    return TrainingRegion(hu, None, np.ones(hu.shape, dtype=np.bool_), view.spacing_mm[0])


def _gray(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """An image in [0,1], put on a black square and resized to `shape`."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            padded = ImageOps.pad(image.convert("L"), (shape[1], shape[0]), Image.Resampling.BILINEAR)
    except OSError as error:
        msg = "MedPix cohort: a key slice cannot be read; fetch the data set again, or correct data.root"
        raise InputError(msg) from error
    return np.asarray(padded, dtype=np.float32) / 255.0
