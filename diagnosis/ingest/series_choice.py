"""Which series an assessment uses, and a stated reason for each of the others.

The rule: a series that the geometry gate accepts; rather an original reconstruction than a derived one (MPR, MIP);
rather one that covers at least half the length of the longest; then the thinner slice distance (to 0.1 mm), then a
smooth kernel rather than a sharp one, then more slices, then the lower UID, so that the answer never depends on the
order of the files. Where the path holds more than one patient, none is chosen.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from diagnosis.ingest.dicom_series import TRANSVERSE_COSINE, Series, transverse_cosine

COVERAGE_SHARE = 0.5
DERIVED_TYPES = frozenset(
    {"REFORMATTED", "MPR", "MIP", "MINIP", "AVERAGE", "PROJECTION IMAGE", "CSA MPR", "CSAPARALLEL"}
)
SHARP_KERNELS = re.compile(r"BONE|LUNG|EDGE|DETAIL|SHARP|^Y[A-D]|^[DEL]$|^FC(3[0-9]|5\d|8\d)|^[BHTU][A-Z]?[5-9]\d")
"""GE, Philips, Canon and Siemens names of kernels that raise edges and noise."""

SEVERAL_PATIENTS = "the path holds CT of more than one patient; name the folder of one, or a series UID"


@final
@dataclass(frozen=True)
class Choice:
    """Index of the chosen series, or None, and why each of the others was passed over."""

    chosen: int | None
    why_not: tuple[str | None, ...]


@final
@dataclass(frozen=True, order=True)
class _Rank:
    """Lower is better; compared field by field in this order."""

    is_derived: bool
    is_short: bool
    spacing_mm: float
    is_sharp: bool
    minus_slices: int
    series_uid: str


def choose_series(series: Sequence[Series], is_usable: Sequence[bool], wanted_uid: str | None = None) -> Choice:
    """Choose by the rule, or the series that was asked for by UID."""
    usable = [index for index, ok in enumerate(is_usable) if ok]
    if wanted_uid is not None:
        chosen = next(
            (i for i, s in enumerate(series) if s.instances and s.instances[0].series_uid == wanted_uid), None
        )
        return Choice(
            chosen, tuple(None if i == chosen else "another series was asked for" for i in range(len(series)))
        )
    refused = [None if ok else _refusal(s) for s, ok in zip(series, is_usable, strict=True)]
    if _n_patients([series[i] for i in usable]) > 1:
        return Choice(None, tuple(why or SEVERAL_PATIENTS for why in refused))
    if not usable:
        return Choice(None, tuple(refused))
    longest = max(_length_mm(series[i]) for i in usable)
    ranks = {i: _rank(series[i], longest) for i in usable}
    chosen = min(usable, key=lambda i: ranks[i])
    why = [refused[i] or (None if i == chosen else _why(ranks[i], ranks[chosen])) for i in range(len(series))]
    return Choice(chosen, tuple(why))


def _refusal(series: Series) -> str:
    codes = ", ".join(dict.fromkeys(reason.code.value for reason in series.reasons))
    return f"refused: {codes}"


def _n_patients(candidates: Sequence[Series]) -> int:
    """Distinct patients; a blank Patient ID counts by its study."""
    firsts = [series.instances[0] for series in candidates]
    return len({first.patient_id or f"study {first.study_uid}" for first in firsts})


def _length_mm(series: Series) -> float:
    spacing = series.stack.spacing_mm[0] if series.stack and series.stack.spacing_mm else 0.0
    return spacing * len(series.planes)


def _rank(series: Series, longest_mm: float) -> _Rank:
    first = series.instances[0]
    is_derived = bool(DERIVED_TYPES.intersection(first.image_type))
    is_derived = is_derived or transverse_cosine(first.frames[0]) < TRANSVERSE_COSINE
    spacing = series.stack.spacing_mm[0] if series.stack and series.stack.spacing_mm else 0.0
    return _Rank(
        is_derived=is_derived,
        is_short=_length_mm(series) < COVERAGE_SHARE * longest_mm,
        spacing_mm=round(spacing, 1),
        is_sharp=SHARP_KERNELS.search(first.kernel.split("\\")[0]) is not None,
        minus_slices=-len(series.planes),
        series_uid=first.series_uid,
    )


def _why(rank: _Rank, best: _Rank) -> str:
    if rank.is_derived != best.is_derived:
        return "derived images (a reformation or projection); the chosen series is an original reconstruction"
    if rank.is_short != best.is_short:
        return "it covers less than half the length of the longest series"
    if rank.spacing_mm != best.spacing_mm:
        return f"its slices are {rank.spacing_mm:.1f} mm apart, those of the chosen series {best.spacing_mm:.1f} mm"
    if rank.is_sharp != best.is_sharp:
        return "its kernel is sharp; that of the chosen series is smoother"
    if rank.minus_slices != best.minus_slices:
        return f"it has {-rank.minus_slices} slices, the chosen series {-best.minus_slices}"
    return "equal to the chosen series in every respect of the rule; the lower UID was taken"
