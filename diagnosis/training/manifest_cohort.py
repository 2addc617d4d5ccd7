"""Any cohort that comes as a manifest: labels are 0, 1 or blank, `split` names the folds, or they are drawn."""

import hashlib
import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from diagnosis.bundle.training_cases import contents_of
from diagnosis.errors import ConfigurationError, InputError, ManifestError
from diagnosis.ingest.manifest import SHOWN_FAULTS, ManifestRow, read_manifest, read_manifest_case
from diagnosis.preprocessing.audio import prepare_mel
from diagnosis.preprocessing.volume import FieldOfView, sample_hu
from diagnosis.progress import OnProgress
from diagnosis.record import Case
from diagnosis.training.cohort import FEWEST_FOLDS, Cohort, TrainingCase, TrainingRegion
from diagnosis.training.config import DataConfig

FOLD_NAME: Final = re.compile(r"\w[\w.-]{0,40}")
"""Folds name folders of the work folder."""
NO_CENTER = (
    "a CT without a center, so nothing says where to look; give center_x_mm, center_y_mm and center_z_mm, or leave the "
    "CT blank"
)
NO_FOLD = "no split, and others have one; name a fold in every row"
BAD_FOLD = "a split that cannot name a folder; use letters, digits, - and _"
Fault = tuple[int, str]
"""A row's number, and what is wrong with it."""


def read_manifest_cohort(
    data: DataConfig, view: FieldOfView, seed: int, on_progress: OnProgress, n_mels: int | None = None
) -> Cohort:
    """Read all cases of a manifest; regions are sampled on `view`, which should be larger than the network's own.

    With `n_mels` the recordings of dictations are kept as so many bands, for an acoustic branch. A manifest without
    folds gets `data.n_folds` of them, drawn by patient from the seed with the main finding's classes spread evenly.

    Raises:
        ManifestError: bad rows, or rows whose files cannot be used, all named; a missing finding.
        ConfigurationError: fewer than three folds.
    """
    path, findings = Path(data.root), data.findings
    manifest = read_manifest(path, findings=findings)
    missing = [name for name in findings if name not in manifest.findings]
    if missing:
        msg = f"manifest: it has no column {missing[0]!r}; add it, or correct data.findings"
        raise ManifestError(msg)
    rows = _with_folds(manifest.rows, data, seed)
    cases: list[TrainingCase] = []
    faults: list[Fault] = []
    for done, row in enumerate(rows):
        try:
            cases.append(_training_case(row, read_manifest_case(row), findings, view, n_mels))
        except InputError as error:
            faults.append((row.number, str(error)))
        on_progress(done + 1, len(rows))
    _refuse(faults)
    return Cohort(path.stem, findings, tuple(cases))


def _with_folds(rows: tuple[ManifestRow, ...], data: DataConfig, seed: int) -> tuple[ManifestRow, ...]:
    """The rows in the folds that they name, or in drawn ones where none names any; all faults before a file is read."""
    faults = [(row.number, NO_CENTER) for row in rows if row.ct is not None and row.center_mm is None]
    unsplit = [row.number for row in rows if not row.split]
    if len(unsplit) == len(rows):
        _refuse(faults)
        return _drawn_folds(rows, data, seed)
    faults += [(number, NO_FOLD) for number in unsplit]
    faults += [(row.number, BAD_FOLD) for row in rows if row.split and not FOLD_NAME.fullmatch(row.split)]
    _refuse(faults)
    folds = {row.split for row in rows}
    if len(folds) < FEWEST_FOLDS:
        msg = (
            f"manifest: {len(folds)} folds stand in `split`, and {FEWEST_FOLDS} or more are needed, each of which is "
            "held out once; name more, or leave the column out to have folds drawn by patient"
        )
        raise ManifestError(msg)
    return rows


def _drawn_folds(rows: tuple[ManifestRow, ...], data: DataConfig, seed: int) -> tuple[ManifestRow, ...]:
    """Folds by patient, with the main finding's classes spread evenly (scikit-learn's StratifiedGroupKFold)."""
    from sklearn.model_selection import StratifiedGroupKFold

    n_patients = len({row.patient_id for row in rows})
    if not FEWEST_FOLDS <= data.n_folds <= n_patients:
        msg = (
            f"data.n_folds: {data.n_folds} folds cannot be drawn from {n_patients} patients; it is {FEWEST_FOLDS} or "
            "more, and at most the number of patients"
        )
        raise ConfigurationError(msg)
    # A label that is not known is a class of its own, so that such cases are spread evenly too.
    classes = ["" if (label := row.labels[data.findings[0]]) is None else str(label) for row in rows]
    drawn = StratifiedGroupKFold(data.n_folds, shuffle=True, random_state=seed)
    fold_of: dict[int, str] = {}
    with warnings.catch_warnings():
        # A class of fewer cases than folds is told by `require_enough`, in words of the cohort.
        warnings.filterwarnings("ignore", message="The least populated class")
        for number, (_, held_out) in enumerate(drawn.split(rows, classes, [row.patient_id for row in rows])):
            fold_of |= dict.fromkeys(held_out.tolist(), f"fold{number}")
    return tuple(replace(row, split=fold_of[position]) for position, row in enumerate(rows))


def _refuse(faults: list[Fault]) -> None:
    """Raise ManifestError with all of them, where there are any; a reason of many rows is given once."""
    if not faults:
        return
    rows_by_reason: dict[str, list[int]] = {}
    for number, reason in faults:
        rows_by_reason.setdefault(reason, []).append(number)
    told = [f"{_rows_text(numbers)}: {reason}" for reason, numbers in rows_by_reason.items()]
    more = f"; and {len(told) - SHOWN_FAULTS} more" if len(told) > SHOWN_FAULTS else ""
    msg = f"manifest: {'; '.join(told[:SHOWN_FAULTS])}{more}"
    raise ManifestError(msg)


def _rows_text(numbers: list[int]) -> str:
    """`row 2`, or `rows 2, 3, 4 and 27 more`."""
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    shown = ", ".join(str(number) for number in numbers[:SHOWN_FAULTS])
    return f"rows {shown}" + (f" and {len(numbers) - SHOWN_FAULTS} more" if len(numbers) > SHOWN_FAULTS else "")


def cohort_digest(cohort: Cohort) -> str:
    """SHA-256 of all that is learned from: a run does not go on where another cohort has begun."""
    digest = hashlib.sha256()
    for case in cohort.cases:
        told = (case.case_id, case.patient_id, case.fold, case.labels, case.diameter_mm, case.note, case.voice)
        digest.update(repr(told).encode())
        digest.update(b"" if case.region is None else case.region.hu.tobytes())
    return digest.hexdigest()


def _training_case(
    row: ManifestRow, case: Case, findings: tuple[str, ...], view: FieldOfView, n_mels: int | None
) -> TrainingCase:
    labels = tuple(row.labels.get(name) for name in findings)
    return TrainingCase(
        case_id=row.case_id,
        patient_id=row.patient_id,
        fold=row.split,
        labels=labels,
        soft_targets=tuple(None if label is None else float(label) for label in labels),
        region=_region(case, view),
        diameter_mm=case.region.diameter_mm if case.region else None,
        readers=(),
        note=case.note.text if case.note else None,
        voice=case.voice_note.text if case.voice_note and case.voice_note.words else None,
        sound=_sound(case, n_mels),
        contents=contents_of(case),
    )


def _sound(case: Case, n_mels: int | None) -> npt.NDArray[np.float32] | None:
    if n_mels is None or case.voice_note is None or case.voice_note.audio is None:
        return None
    return prepare_mel(case.voice_note.audio, n_mels)


def _region(case: Case, view: FieldOfView) -> TrainingRegion | None:
    if case.volume is None or case.region is None:
        return None
    hu, inside = sample_hu(case.volume, view.affine_at(case.region.center_mm), view.shape)
    return TrainingRegion(hu.astype(np.float16), None, inside, case.volume.spacing_mm[0])
