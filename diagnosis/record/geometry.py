"""Affine arithmetic between voxel indices (slice,row,column) and LPS millimeters."""

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

LPS_TO_RAS: FloatArray = np.diag([-1.0, -1.0, 1.0, 1.0])
"""LPS to RAS and back (an involution): x and y change sign."""


def affine_from_positions(
    first_position_mm: npt.ArrayLike,
    slice_step_mm: npt.ArrayLike,
    row_cosines: npt.ArrayLike,
    column_cosines: npt.ArrayLike,
    pixel_spacing_mm: tuple[float, float],
) -> FloatArray:
    """Affine of a DICOM image stack, (4,4), index (slice,row,column) to LPS mm.

    DICOM PS3.3 C.7.6.2.1.1: Image Orientation (Patient) gives first the direction in which the *column* index grows,
    then the one in which the *row* index grows; Pixel Spacing gives first the distance between *rows*.

    Args:
        first_position_mm: Image Position (Patient) of the first slice, (3,).
        slice_step_mm: Vector from the center of one slice to the next, (3,).
        row_cosines: First three values of Image Orientation (Patient): direction along a row.
        column_cosines: Last three values: direction along a column.
        pixel_spacing_mm: (between rows, between columns).
    """
    affine = np.eye(4)
    affine[:3, 0] = np.asarray(slice_step_mm, dtype=np.float64)
    affine[:3, 1] = np.asarray(column_cosines, dtype=np.float64) * pixel_spacing_mm[0]
    affine[:3, 2] = np.asarray(row_cosines, dtype=np.float64) * pixel_spacing_mm[1]
    affine[:3, 3] = np.asarray(first_position_mm, dtype=np.float64)
    return affine


def spacing_mm(affine: FloatArray) -> tuple[float, float, float]:
    """Distance between voxel centers along (slice,row,column)."""
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    return float(lengths[0]), float(lengths[1]), float(lengths[2])


def index_to_mm(affine: FloatArray, index: npt.ArrayLike) -> FloatArray:
    """LPS mm of (…,3) fractional indices."""
    points = np.asarray(index, dtype=np.float64)
    return np.asarray(points @ affine[:3, :3].T + affine[:3, 3])


def mm_to_index(affine: FloatArray, point_mm: npt.ArrayLike) -> FloatArray:
    """Fractional indices of (…,3) LPS points."""
    points = np.asarray(point_mm, dtype=np.float64)
    return np.asarray((points - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T)


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array itself, of any shape, made read-only, so that a record stays what its constructor checked."""
    array.setflags(write=False)
    return array
