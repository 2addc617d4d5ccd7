"""What the geometry gate says of one DICOM series."""

from dataclasses import dataclass
from typing import final

from diagnosis.vocabulary import GeometryCode, Verdict


@final
@dataclass(frozen=True)
class GeometryReason:
    """One reason for a verdict: a code for machines, a sentence with its remedy for people."""

    code: GeometryCode
    message: str


@final
@dataclass(frozen=True)
class SeriesReport:
    """The verdict on one series.

    Attributes:
        series_uid: Series Instance UID, empty where the files have none.
        description: Series Description; shown to the user who owns the files, never logged.
        n_instances: instances read as part of the series.
        verdict: regular, repaired (only when asked), or refused.
        reasons: why it was refused or repaired; empty for a regular series.
        is_chosen: whether this is the series that an assessment would use.
        why_not_chosen: the rule that passed it over, or None for the chosen one.
        spacing_mm: center-to-center (slice,row,column), where the geometry is known.
        shape: (slice,row,column), where the geometry is known.
        n_copies: further files that are copies of these instances, passed over.
        warnings: what else the reader should know of the files.
    """

    series_uid: str
    description: str
    n_instances: int
    verdict: Verdict
    reasons: tuple[GeometryReason, ...] = ()
    is_chosen: bool = False
    why_not_chosen: str | None = None
    spacing_mm: tuple[float, float, float] | None = None
    shape: tuple[int, int, int] | None = None
    n_copies: int = 0
    warnings: tuple[str, ...] = ()
