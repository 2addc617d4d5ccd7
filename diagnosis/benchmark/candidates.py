"""What the search for regions finds, and what else it proposes: on synthetic patients and on real CT.

Phantoms are drawn from a seed, in turn from eight kinds of lesions (`diagnosis.phantom.kinds`). A real study counts as
one with a lesion where a table of boxes says so; of the others only the number of proposals can be told.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from diagnosis.candidates import search_candidates
from diagnosis.candidates.ranking import Ranking
from diagnosis.errors import InputError
from diagnosis.evaluation.candidates import CandidateStudy, evaluate_candidates
from diagnosis.ingest.dicom_volume import read_series
from diagnosis.ingest.lesion_boxes import read_lesion_boxes
from diagnosis.phantom.kinds import KINDS, draw_kind_spec
from diagnosis.phantom.patient import make_ct
from diagnosis.progress import OnProgress
from diagnosis.record import RegionOfInterest, Volume

REAL = "real CT"


@final
@dataclass(frozen=True)
class SearchedStudy:
    """One study: its kind (of lesion, or REAL), what was found, and how long the search took.

    Attributes:
        kind: as the figures are grouped.
        study: proposals and truth.
        seconds: of the search alone.
        reason: why nothing was proposed, or None.
    """

    kind: str
    study: CandidateStudy
    seconds: float
    reason: str | None = None


def search_phantoms(n: int, seed: int, ranking: Ranking, advance: OnProgress) -> list[SearchedStudy]:
    """Search `n` synthetic patients, one lesion each; patient k does not depend on how many there are."""
    found = []
    for number in range(n):
        kind = KINDS[number % len(KINDS)]
        spec = draw_kind_spec(kind, np.random.default_rng([seed, number]), f"phantom_{number + 1:03d}")
        ct = make_ct(spec)
        lesion = RegionOfInterest(ct.center_mm, spec.nodule.diameter_mm)
        found.append(_searched(kind, Volume(ct.hu.astype(np.float32), ct.affine_lps), (lesion,), ranking))
        advance(number + 1, n)
    return found


def search_real(
    folder: Path, boxes: Path | None, ranking: Ranking, advance: OnProgress
) -> dict[str, SearchedStudy | str]:
    """Search each folder of DICOM files in a folder; by its name, or the sentence that says why it cannot be read.

    Args:
        folder: holds one folder a study.
        boxes: CSV of the readers' boxes, see `read_lesion_boxes`.
        ranking: how candidates are ranked.
        advance: called with (done, all).
    """
    lesions = read_lesion_boxes(boxes, folder) if boxes is not None else {}
    places = sorted(path for path in folder.iterdir() if path.is_dir())
    found: dict[str, SearchedStudy | str] = {}
    for done, place in enumerate(places, start=1):
        try:
            volume = read_series(place).volume
        except InputError as error:
            found[place.name] = str(error)
        else:
            truth = (lesions[place.name],) if place.name in lesions else ()
            found[place.name] = _searched(REAL, volume, truth, ranking)
        advance(done, len(places))
    return found


def _searched(kind: str, volume: Volume, lesions: tuple[RegionOfInterest, ...], ranking: Ranking) -> SearchedStudy:
    start = time.perf_counter()
    search = search_candidates(volume, ranking=ranking)
    seconds = time.perf_counter() - start
    study = CandidateStudy(tuple(c.region for c in search.candidates), lesions)
    return SearchedStudy(kind, study, seconds, search.reason)


def figures(studies: Sequence[SearchedStudy]) -> dict[str, Any]:
    """Figures of studies with lesions as JSON values: over all, by kind, and along the ranks."""
    whole = evaluate_candidates([s.study for s in studies])
    kinds = {}
    for kind in dict.fromkeys(s.kind for s in studies):
        part = evaluate_candidates([s.study for s in studies if s.kind == kind])
        kinds[kind] = {"found": sum(r is not None for r in part.ranks), "n": part.n_lesions, "ranks": list(part.ranks)}
    return {
        "n_studies": whole.n_studies,
        "n_lesions": whole.n_lesions,
        "sensitivity": whole.sensitivity,
        "false_per_study": whole.false_per_study,
        "median_seconds": float(np.median([s.seconds for s in studies])),
        "kinds": kinds,
        "froc": [asdict(point) for point in whole.froc],
    }


def real_figures(found: dict[str, SearchedStudy | str]) -> dict[str, Any]:
    """What was proposed in each real study as JSON values."""
    rows: dict[str, Any] = {}
    for name, one in found.items():
        if isinstance(one, str):
            rows[name] = {"refused": one}
            continue
        row: dict[str, Any] = {"proposed": len(one.study.proposed), "seconds": one.seconds, "reason": one.reason}
        if one.study.lesions:
            result = evaluate_candidates([one.study])
            row |= {"ranks": list(result.ranks), "false": result.false_per_study}
        rows[name] = row
    return rows
