"""The LIDC-IDRI nodules by the protocol "leave the readers out".

Label and description must never come from the same pair of eyes. Reader 1's descriptors are rendered as the written
note; reader 2's as the dictation, spoken by a synthetic voice and transcribed like any dictation; the label is the mean
malignancy of the remaining readers: at least 3.5 is malignant, at most 2.5 benign, between is indeterminate and left
out of the score. No reader's malignancy rating is ever an input.

Source: LIDC-IDRI (Armato et al., Med Phys 2011;38:915), CC BY 3.0. Expected in the folder: `labels.csv` (one row a
nodule, `split` is the fold), `readers.csv` (one row a nodule and reader), `image/*.nii.gz`, `mask/*.nii.gz`.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from diagnosis.errors import InputError
from diagnosis.ingest.nifti import read_nifti
from diagnosis.phantom.wording import NoduleDescription, write_dictation, write_note
from diagnosis.preprocessing.volume import FieldOfView, sample_hu
from diagnosis.progress import OnProgress
from diagnosis.record import Volume
from diagnosis.training.cohort import Cohort, Reader, TrainingCase, TrainingRegion, soft_malignancy
from diagnosis.vocabulary import DESCRIPTORS

if TYPE_CHECKING:
    import pandas as pd

PROTOCOL = "leave-readers-out, pooled five folds by patient"
MALIGNANT_FROM, BENIGN_TO = 3.5, 2.5
READER_COLUMNS = (
    "subtlety",
    "internalStructure",
    "calcification",
    "sphericity",
    "margin",
    "lobulation",
    "spiculation",
    "texture",
)
"""Columns of readers.csv in the order of `vocabulary.DESCRIPTORS`."""

Transcribe = Callable[[str, str], str]
"""(key, text) to the transcript of the text as a synthetic voice spoke it."""


def leave_readers_out_label(malignancy_of_rest: list[float]) -> int | None:
    """1, 0, or None for indeterminate and for no remaining reader."""
    if not malignancy_of_rest:
        return None
    mean = float(np.mean(malignancy_of_rest))
    if mean >= MALIGNANT_FROM:
        return 1
    return 0 if mean <= BENIGN_TO else None


def describe(reader: Reader) -> NoduleDescription:
    """A reader's ratings in the form that can be put into words."""
    ratings = {d.name: round(v) for d, v in zip(DESCRIPTORS, reader.ratings, strict=True) if np.isfinite(v)}
    return NoduleDescription(**ratings, diameter_mm=reader.diameter_mm)


def read_lidc(root: Path, view: FieldOfView, transcribe: Transcribe, on_progress: OnProgress) -> Cohort:
    """Read the cohort; regions are sampled on `view`, which should be larger than the network's own.

    Args:
        root: the data set's folder.
        view: grid on which regions are kept.
        transcribe: speaks and transcribes reader 2's dictation of a scored nodule.
        on_progress: called with (done, all).

    Raises:
        InputError: the folder or one of its tables is missing.
    """
    labels, by_nodule = _tables(root)
    cases = []
    for done, row in enumerate(labels.itertuples(index=False)):
        said = by_nodule.get((row.patient_id, row.nodule_id), ())
        cases.append(_case(row, said, _region(root, row, view), transcribe))
        on_progress(done + 1, len(labels))
    return Cohort("lidc_nodules", ("malignancy",), tuple(cases))


def _readers(rows: "pd.DataFrame") -> tuple[Reader, ...]:
    ordered = rows.sort_values("reader")
    ratings = ordered[list(READER_COLUMNS)].to_numpy(dtype=float)
    diameters = ordered["in_plane_diameter_mm"].to_numpy(dtype=float)
    malignancy = ordered["malignancy"].to_numpy(dtype=float)
    return tuple(
        Reader(tuple(float(v) for v in own), float(mm) if np.isfinite(mm) else None, float(opinion))
        for own, mm, opinion in zip(ratings, diameters, malignancy, strict=True)
    )


def _case(row: Any, readers: tuple[Reader, ...], region: TrainingRegion, transcribe: Transcribe) -> TrainingCase:  # noqa: ANN401
    case_id = f"{row.patient_id}_{row.nodule_id}"
    label = leave_readers_out_label([r.malignancy for r in readers[2:]])
    ratings = [r.malignancy for r in readers] or [float(row.malignancy_1to5)]
    note = voice = None
    if label is not None:
        note, spoken = scored_texts(case_id, readers)
        voice = transcribe(case_id, spoken)
    return TrainingCase(
        case_id=case_id,
        patient_id=row.patient_id,
        fold=row.split,
        labels=(label,),
        soft_targets=(soft_malignancy(ratings),),
        region=region,
        diameter_mm=float(row.diameter_mm),
        readers=readers,
        note=note,
        voice=voice or None,
        consensus=int(row.label) if row.clear_label == 1 else None,
    )


def scored_texts(case_id: str, readers: tuple[Reader, ...]) -> tuple[str, str]:
    """The note and the dictation a nodule is scored with.

    The wording is drawn once for each nodule from a seed of its own, so that every run scores the same words, from
    one family of phrases, which `family: train` keeps out of training to measure how unseen wording is read.
    """
    note_rng, voice_rng = random.Random(f"note {case_id}"), random.Random(f"dictation {case_id}")  # noqa: S311
    note = write_note(describe(readers[0]), note_rng, family="held_out")
    return note, write_dictation(describe(readers[1]), voice_rng, family="held_out")


@final
@dataclass(frozen=True)
class ScoredDictation:
    """The words of a scored nodule's dictation as they are spoken, with the label they are scored against."""

    case_id: str
    patient_id: str
    fold: str
    label: int
    text: str


def scored_dictations(root: Path) -> tuple[ScoredDictation, ...]:
    """Every dictation that a nodule is scored with, before any transcription.

    Raises:
        InputError: the folder or one of its tables is missing.
    """
    labels, by_nodule = _tables(root)
    found = []
    for row in labels.itertuples(index=False):
        readers = by_nodule.get((row.patient_id, row.nodule_id), ())
        label = leave_readers_out_label([r.malignancy for r in readers[2:]])
        if label is not None:
            case_id = f"{row.patient_id}_{row.nodule_id}"
            text = scored_texts(case_id, readers)[1]
            found.append(ScoredDictation(case_id, str(row.patient_id), str(row.split), label, text))
    return tuple(found)


def _tables(root: Path) -> tuple["pd.DataFrame", dict[Any, tuple[Reader, ...]]]:
    """One row a nodule, and what its readers said."""
    import pandas as pd

    try:
        labels = pd.read_csv(root / "labels.csv")
        readers = pd.read_csv(root / "readers.csv")
    except OSError as error:
        msg = f"LIDC cohort: labels.csv and readers.csv were not found in {root}; correct data.root"
        raise InputError(msg) from error
    by_nodule = {key: _readers(rows) for key, rows in readers.groupby(["patient_id", "nodule_id"])}
    return labels, by_nodule


def _region(root: Path, row: Any, view: FieldOfView) -> TrainingRegion:  # noqa: ANN401
    volume = read_nifti(root / row.image)
    center = volume.position_of((np.array(volume.hu.shape) - 1) / 2)
    affine = view.affine_at((float(center[0]), float(center[1]), float(center[2])))
    hu, inside = sample_hu(volume, affine, view.shape)
    mask = _read_mask(root / row.mask)
    lesion, _ = sample_hu(mask, affine, view.shape)
    return TrainingRegion(hu.astype(np.float16), (lesion >= 0.5).astype(np.uint8), inside, volume.spacing_mm[0])


def _read_mask(path: Path) -> Volume:
    mask = read_nifti(path)
    return Volume((mask.hu > 0).astype(np.float32), mask.affine_lps)
