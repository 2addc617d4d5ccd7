"""Shear correction: a tilted but otherwise regular stack, resampled onto an orthogonal grid.

Each plane is shifted within itself so that equal indices lie on one line along the normal; planes stay where they are,
so nothing is interpolated between slices. The grid grows by as much as the shear moves the planes, filled with air.
"""

import math

import numpy as np
import numpy.typing as npt

from diagnosis.errors import LimitExceededError
from diagnosis.ingest import limits
from diagnosis.ingest.dicom_pixels import AIR_HU
from diagnosis.record.volume import Volume

LARGEST_TILT_DEGREES = 45.0
"""Gantries tilt by up to 30 degrees; a larger shear is damage."""


def sheared_to_orthogonal(
    hu: npt.NDArray[np.float32], affine_lps: npt.NDArray[np.float64], history: tuple[str, ...]
) -> Volume:
    """Resample (slice,row,column) HU with a sheared affine onto the orthogonal grid of its planes.

    Args:
        hu: float32 (slice,row,column).
        affine_lps: (4,4) whose slice column is not perpendicular to the planes.
        history: what was done to the voxels before.

    Raises:
        LimitExceededError: the grid would grow beyond the limit.
    """
    from scipy import ndimage

    step, column_step, row_step = affine_lps[:3, 0], affine_lps[:3, 1], affine_lps[:3, 2]
    shift_per_slice = np.array(
        [step @ column_step / (column_step @ column_step), step @ row_step / (row_step @ row_step)]
    )
    normal_step = step - shift_per_slice[0] * column_step - shift_per_slice[1] * row_step
    total = shift_per_slice * (len(hu) - 1)
    low = np.floor(np.minimum(total, 0.0)).astype(int)
    extra = np.ceil(np.abs(total)).astype(int)
    if len(hu) * (hu.shape[1] + extra[0]) * (hu.shape[2] + extra[1]) > limits.MAX_VOXELS:
        msg = "CT: the repaired volume would be larger than the limit; export an untilted reconstruction"
        raise LimitExceededError(msg)
    out = np.full((len(hu), hu.shape[1] + extra[0], hu.shape[2] + extra[1]), AIR_HU, dtype=np.float32)
    for index, plane in enumerate(hu):
        # Output row r of slice k lies at input row r + low - k * shift; ndimage.shift samples input at output - shift.
        shift = shift_per_slice * index - low
        padded = np.full(out.shape[1:], AIR_HU, dtype=np.float32)
        padded[: hu.shape[1], : hu.shape[2]] = plane
        ndimage.shift(padded, shift, output=out[index], order=1, mode="constant", cval=AIR_HU)
    affine = affine_lps.copy()
    affine[:3, 0] = normal_step
    affine[:3, 3] = affine_lps[:3, 3] + low[0] * column_step + low[1] * row_step
    degrees = math.degrees(math.atan2(float(np.linalg.norm(step - normal_step)), float(np.linalg.norm(normal_step))))
    note = f"gantry tilt of {degrees:.1f} degrees repaired: each slice shifted within its plane (linear interpolation)"
    return Volume(out, affine, padding_hu=AIR_HU, history=(*history, note))
