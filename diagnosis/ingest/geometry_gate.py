"""The geometry gate: do these image planes form one regular volume, and if not, why not, and what is to be done?

Everything is judged from Image Position and Image Orientation (Patient). Slice Thickness, Spacing Between Slices, Slice
Location, Instance Number and the Gantry/Detector Tilt tag play no part: they are wrong or missing too often.

What counts as regular
    The planes are parallel, of one size and pixel spacing. Sorted along their common normal, each distance to the next
    differs from the median by no more than `distance_tolerance_mm`, 5 % of the median or 0.1 mm (positions are often
    rounded to 0.1 mm) but never more than 20 %; and no plane lies farther than that from the best-fitting equidistant
    grid, so that small differences cannot add up. At least `MIN_SLICES` planes: two have but one distance, which
    nothing confirms. The order of the files plays no part, nor does an overlap of thick slices.

Gap or varying spacing
    A distance of at least 1.5 medians is a gap if it is a whole multiple of the median (slices are missing) or at least
    three medians, as long as such distances are few (two, or a quarter of all); any other deviation is varying spacing.

Tilt
    The planes are sheared if the line through their positions leaves the normal by more than 0.5 degrees. A sheared but
    otherwise regular stack can be repaired by shifting each plane within itself (`tilt_repair`), which invents nothing
    between planes. Gaps, duplicates and varying spacing are never interpolated away: a lesion could lie in the gap.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from diagnosis.record import geometry
from diagnosis.record.series import GeometryReason
from diagnosis.vocabulary import GeometryCode

FloatArray = npt.NDArray[np.float64]

MIN_SLICES = 3
RELATIVE_TOLERANCE = 0.05
ROUNDING_MM = 0.101
LARGEST_TOLERANCE = 0.2
TILT_TOLERANCE_DEGREES = 0.5
DUPLICATE_MM = 0.01
PARALLEL_TOLERANCE = 2e-3
"""Largest difference of a direction cosine between parallel planes: 0.1 degrees."""
IN_PLANE_TOLERANCE_MM = 0.5
"""Largest sideways offset of one plane from the line through all: half a usual pixel."""


@final
@dataclass(frozen=True)
class Stack:
    """Image planes sorted along their normal, and what is wrong with them.

    Attributes:
        order: indices of the given planes in sorted order.
        affine_lps: (4,4), or None where it cannot be stated. Its slice column follows the positions, so for a tilted
            gantry it is not orthogonal to the planes.
        spacing_mm: between neighboring planes along the normal (the median), between rows, between columns.
        reasons: empty where the stack is regular.
        tilt_degrees: angle between the normal and the line through the positions.
    """

    order: tuple[int, ...]
    affine_lps: FloatArray | None
    spacing_mm: tuple[float, float, float] | None
    reasons: tuple[GeometryReason, ...]
    tilt_degrees: float = 0.0

    @property
    def is_repairable(self) -> bool:
        """Whether tilt is all that is wrong."""
        return bool(self.reasons) and all(reason.code is GeometryCode.GANTRY_TILT for reason in self.reasons)


def distance_tolerance_mm(median: float) -> float:
    """How far a distance between planes may lie from the median."""
    return min(max(RELATIVE_TOLERANCE * median, ROUNDING_MM), LARGEST_TOLERANCE * median)


def check_orientation(orientation: FloatArray) -> bool:
    """Whether (6,) values are two perpendicular directions of unit length, to the precision that scanners write."""
    row, column = orientation[:3], orientation[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    return bool(abs(lengths[0] - 1) < 0.01 and abs(lengths[1] - 1) < 0.01 and abs(row @ column) < 0.01)


def judge_stack(positions: FloatArray, orientation: FloatArray, pixel_spacing: tuple[float, float]) -> Stack:
    """Judge parallel planes.

    Args:
        positions: (plane, 3), LPS mm of the first pixel's center.
        orientation: (6,), common to all planes, as `check_orientation` accepts it.
        pixel_spacing: mm between rows, between columns.
    """
    row, column, normal = _orthonormal(orientation)
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    positions, along = positions[order], along[order]
    distances = np.diff(along)
    is_duplicate = distances < DUPLICATE_MM
    n_distinct = int((~is_duplicate).sum()) + 1
    reasons: list[GeometryReason] = []
    if is_duplicate.any():
        reasons.append(_duplicate_reason(is_duplicate))
    if n_distinct < MIN_SLICES:
        reasons.append(_too_few_reason(n_distinct))
    if n_distinct < 2:
        return Stack(tuple(order.tolist()), None, None, tuple(reasons))
    median = float(np.median(distances[~is_duplicate]))
    reasons += _spacing_reasons(along, distances, is_duplicate, median)
    step, tilt, sideways = _line_through(positions, along, normal)
    if tilt > TILT_TOLERANCE_DEGREES:
        reasons.append(_tilt_reason(tilt, is_alone=not reasons))
    if sideways > IN_PLANE_TOLERANCE_MM:
        reasons.append(_sideways_reason(sideways))
    mean_step = step * (along[-1] - along[0]) / (len(along) - 1)
    affine = geometry.affine_from_positions(positions[0], mean_step, row, column, pixel_spacing)
    return Stack(tuple(order.tolist()), affine, (median, *pixel_spacing), tuple(reasons), tilt)


def _orthonormal(orientation: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    row = orientation[:3] / np.linalg.norm(orientation[:3])
    column = orientation[3:] - (orientation[3:] @ row) * row
    column = column / np.linalg.norm(column)
    return row, column, np.cross(row, column)


def _line_through(positions: FloatArray, along: FloatArray, normal: FloatArray) -> tuple[FloatArray, float, float]:
    """Step (3,) per mm along the normal, its angle to the normal in degrees, largest sideways offset from it in mm."""
    in_plane = positions - np.outer(along, normal)
    centered = along - along.mean()
    slope = centered @ (in_plane - in_plane.mean(axis=0)) / (centered @ centered)
    offsets = in_plane - in_plane.mean(axis=0) - np.outer(centered, slope)
    tilt = float(np.degrees(np.arctan(np.linalg.norm(slope))))
    return normal + slope, tilt, float(np.linalg.norm(offsets, axis=1).max())


def _spacing_reasons(
    along: FloatArray, distances: FloatArray, is_duplicate: npt.NDArray[np.bool_], median: float
) -> list[GeometryReason]:
    tolerance = distance_tolerance_mm(median)
    is_odd = (np.abs(distances - median) > tolerance) & ~is_duplicate
    ratio = distances / median
    is_whole = np.abs(ratio - np.round(ratio)) * median <= tolerance * np.maximum(np.round(ratio), 1)
    is_gap = is_odd & (ratio >= 1.5) & (is_whole | (ratio >= 3.0))
    if is_gap.sum() > max(2, len(distances) / 4):
        is_gap = np.zeros_like(is_gap)
    reasons = []
    if is_gap.any():
        reasons.append(_gap_reason(distances, is_gap, median))
    varies = is_odd & ~is_gap
    drift = 0.0 if is_odd.any() or is_duplicate.any() else _drift_mm(along)
    if varies.any() or drift > tolerance:
        reasons.append(_variable_reason(distances, varies, median, drift))
    return reasons


def _drift_mm(along: FloatArray) -> float:
    """Largest distance of a plane from the best-fitting equidistant grid."""
    index = np.arange(len(along)) - (len(along) - 1) / 2
    slope = index @ along / (index @ index)
    return float(np.abs(along - along.mean() - slope * index).max())


def _duplicate_reason(is_duplicate: npt.NDArray[np.bool_]) -> GeometryReason:
    first = int(np.argmax(is_duplicate)) + 1
    more = _and_more(int(is_duplicate.sum()))
    message = (
        f"slices {first} and {first + 1} lie at the same position{more}; export one acquisition and reconstruction, "
        "each slice once"
    )
    return GeometryReason(GeometryCode.DUPLICATE_POSITION, message)


def _too_few_reason(n_distinct: int) -> GeometryReason:
    noun = "position" if n_distinct == 1 else "positions"
    message = f"{n_distinct} slice {noun}, at least {MIN_SLICES} are needed for a volume; export the whole series"
    return GeometryReason(GeometryCode.TOO_FEW_SLICES, message)


def _gap_reason(distances: FloatArray, is_gap: npt.NDArray[np.bool_], median: float) -> GeometryReason:
    first = int(np.argmax(is_gap))
    message = (
        f"slices {first + 1} and {first + 2} are {distances[first]:.2f} mm apart, the others {median:.2f} mm (median)"
        f"{_and_more(int(is_gap.sum()))}; slices are missing there: export the whole series again"
    )
    return GeometryReason(GeometryCode.GAP, message)


def _variable_reason(
    distances: FloatArray, varies: npt.NDArray[np.bool_], median: float, drift: float
) -> GeometryReason:
    remedy = "export a reconstruction with one slice distance"
    if not varies.any():
        message = f"slice distances drift: a slice lies {drift:.2f} mm from an even grid; {remedy}"
        return GeometryReason(GeometryCode.VARIABLE_SPACING, message)
    first = int(np.argmax(varies))
    message = (
        f"slice distances vary from {distances.min():.2f} to {distances.max():.2f} mm (median {median:.2f} mm), first "
        f"between slices {first + 1} and {first + 2}, {distances[first]:.2f} mm; {remedy}"
    )
    return GeometryReason(GeometryCode.VARIABLE_SPACING, message)


def _tilt_reason(tilt: float, *, is_alone: bool) -> GeometryReason:
    remedy = "have the tilt repaired (on the command line: --repair resample), or export" if is_alone else "export"
    message = f"the gantry was tilted: slices are sheared by {tilt:.1f} degrees; {remedy} an untilted reconstruction"
    return GeometryReason(GeometryCode.GANTRY_TILT, message)


def _sideways_reason(sideways: float) -> GeometryReason:
    message = (
        f"slices jump sideways by up to {sideways:.1f} mm, so they belong to different acquisitions; export each one "
        "as its own series"
    )
    return GeometryReason(GeometryCode.MIXED_SERIES, message)


def _and_more(count: int) -> str:
    return "" if count == 1 else f", and so in {count - 1} further place{'s' if count > 2 else ''}"
