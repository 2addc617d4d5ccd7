"""Lungs in a CT, and the space in which a lesion of the lungs can lie: the lungs, their hulls, what is closed in."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from diagnosis.candidates.working_grid import BoolArray, HuArray, WorkingGrid

LUNG_BELOW_HU = -400.0
"""Between aerated lung (about -850) and soft tissue (about 40), as the literature has it (Hu et al., IEEE TMI 2001)."""
OPEN_AIR_HU = -930.0
"""Air outside the patient averages less; a lung cut by the border of a narrow field of view averages more."""
LEAST_LUNG_ML = 300.0
"""Sinuses and mastoids hold about a fifth of it, the lungs of a child of three about twice as much."""
LEAST_PART_ML = 60.0
LUNG_MEAN_HU = (-960.0, -450.0)
"""Gas in the bowel averages below."""
CLOSING_MM = 9.0


@final
@dataclass(frozen=True, eq=False)
class LungSpace:
    """Where to search, on the grid it was made from.

    Attributes:
        lungs: aerated lung with its airways, (z,y,x).
        space: lungs, their hulls in axial and sagittal slices and what is closed in: vessels, nodules, masses on the
            wall or the mediastinum. The heart and the domes of the diaphragm are in it too.
    """

    lungs: BoolArray
    space: BoolArray


def find_lung_space(grid: WorkingGrid) -> LungSpace | None:
    """Find the lungs; None where there are none (not a chest, or the CT is not in HU).

    Args:
        grid: HU with voxels of 2 to 4 mm.
    """
    lungs = _aerated_lungs(grid)
    if lungs is None:
        return None
    radius = CLOSING_MM / grid.spacing_mm
    middle = _middle_column(grid.values)
    axial = _hull_by_slice(lungs, middle)
    # In sagittal slices a mass that has taken the back or the top of a lung is closed in by what lies above and below.
    sagittal = _hull_by_slice(lungs.transpose(2, 0, 1), None).transpose(1, 2, 0)
    return LungSpace(lungs, axial | sagittal | _closed(lungs, radius))


def _aerated_lungs(grid: WorkingGrid) -> BoolArray | None:
    air = grid.values < LUNG_BELOW_HU
    labels, count = ndimage.label(air)
    if count == 0:
        return None
    sizes_ml = np.bincount(labels.ravel(), minlength=count + 1) * grid.voxel_ml
    parts = ndimage.mean(np.maximum(grid.values, -1024), labels, np.arange(1, count + 1))
    means = np.concatenate([[0.0], parts])  # what is no air may be nowhere, and has no mean then
    at_side = np.zeros(count + 1, dtype=bool)
    for face in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        at_side[np.unique(face)] = True
    is_lung = (sizes_ml >= LEAST_PART_ML) & (means > LUNG_MEAN_HU[0]) & (means < LUNG_MEAN_HU[1])
    is_lung &= ~(at_side & (means < OPEN_AIR_HU))
    is_lung[0] = False
    if sizes_ml[is_lung].sum() < LEAST_LUNG_ML:
        return None
    return np.asarray(is_lung[labels])


def _middle_column(hu: HuArray) -> int:
    """Column through the middle of the body, which parts right from left."""
    columns = np.flatnonzero((hu > -200).sum(axis=(0, 1)) > 0)
    weights = (hu > -200).sum(axis=(0, 1))[columns]
    return int(np.average(columns, weights=weights)) if columns.size else hu.shape[2] // 2


def _hull_by_slice(lungs: BoolArray, middle: int | None) -> BoolArray:
    """Convex hull in each slice, right and left of a column apart: brings back what a mass on the wall has taken."""
    result = np.zeros_like(lungs)
    sides = (slice(None),) if middle is None else (slice(0, middle), slice(middle, None))
    for side in sides:
        for k in range(lungs.shape[0]):
            result[k, :, side] = _filled_hull(lungs[k, :, side])
    return result


def _filled_hull(mask: BoolArray) -> BoolArray:
    points = np.argwhere(mask)
    if len(points) < 12:
        return mask
    try:
        hull = ConvexHull(points)
    except QhullError:  # all points on one line
        return mask
    rows, columns = np.indices(mask.shape, dtype=np.float32)
    inside = np.ones(mask.shape, dtype=bool)
    for a, b, offset in hull.equations:
        inside &= a * rows + b * columns + offset <= 1e-6
    return inside


def _closed(mask: BoolArray, radius: float) -> BoolArray:
    """Closing by a ball, by two distance transforms: their cost does not grow with the radius."""
    pad = int(np.ceil(radius)) + 1
    padded = np.pad(mask, pad)
    grown = ndimage.distance_transform_edt(~padded) <= radius
    closed: npt.NDArray[np.bool_] = ndimage.distance_transform_edt(grown) > radius
    return np.asarray(closed[pad:-pad, pad:-pad, pad:-pad])
