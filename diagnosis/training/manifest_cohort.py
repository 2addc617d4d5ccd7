"""Any cohort that comes as a manifest: labels are 0, 1 or blank, `split` names the folds."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from diagnosis.errors import ManifestError
from diagnosis.ingest.manifest import ManifestRow, read_manifest, read_manifest_case
from diagnosis.preprocessing.audio import prepare_mel
from diagnosis.preprocessing.volume import FieldOfView, sample_hu
from diagnosis.progress import OnProgress
from diagnosis.record import Case
from diagnosis.training.cohort import Cohort, TrainingCase, TrainingRegion


def read_manifest_cohort(
    path: Path,
    findings: tuple[str, ...],
    view: FieldOfView,
    on_progress: OnProgress,
    n_mels: int | None = None,
) -> Cohort:
    """Read all cases of a manifest; regions are sampled on `view`, which should be larger than the network's own.

    With `n_mels` the recordings of dictations are kept as so many bands, for an acoustic branch.

    Raises:
        ManifestError: a bad row (named), a missing finding or split, before anything is loaded.
    """
    manifest = read_manifest(path, findings=findings)
    missing = [name for name in findings if name not in manifest.findings]
    if missing:
        msg = f"manifest: it has no column {missing[0]!r}; add it, or correct data.findings"
        raise ManifestError(msg)
    unsplit = [row.number for row in manifest.rows if not row.split]
    if unsplit:
        msg = f"manifest: row {unsplit[0]} has no split; name a fold in every row"
        raise ManifestError(msg)
    cases = []
    for done, row in enumerate(manifest.rows):
        cases.append(_training_case(row, read_manifest_case(row), findings, view, n_mels))
        on_progress(done + 1, len(manifest.rows))
    return Cohort(path.stem, findings, tuple(cases))


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
