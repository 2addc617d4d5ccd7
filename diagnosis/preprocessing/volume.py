"""A region of the CT on a fixed grid in millimeters."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from diagnosis.record import RegionOfInterest, Volume, VolumeAttribution, geometry


@final
@dataclass(frozen=True)
class FieldOfView:
    """The grid a network looks at, and the HU range it sees.

    Attributes:
        shape: voxels along (depth,height,width), which are patient z, y, x.
        spacing_mm: voxel spacing along the same axes.
        hu_range: (low,high), mapped to 0 and 1; values outside are clipped.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    hu_range: tuple[float, float]

    def affine_at(self, center_mm: tuple[float, float, float]) -> npt.NDArray[np.float64]:
        """Affine of the grid centered on an LPS point: (depth,height,width) index to LPS mm; axes are +z, +y, +x."""
        affine = np.zeros((4, 4))
        affine[2, 0], affine[1, 1], affine[0, 2] = self.spacing_mm
        middle = (np.array(self.shape) - 1) / 2
        affine[:3, 3] = np.asarray(center_mm) - affine[:3, :3] @ middle
        affine[3, 3] = 1.0
        return affine

    def to_unit(self, hu: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """HU of any shape to [0,1], in the same shape."""
        low, high = self.hu_range
        return np.asarray(np.clip((hu - low) / (high - low), 0.0, 1.0), dtype=np.float32)


@final
@dataclass(frozen=True, eq=False)
class PreparedRegion:
    """A region ready for the network.

    Attributes:
        values: float32 (depth,height,width) in [0,1].
        affine_lps: (4,4), index of this grid to LPS mm.
        inside: fraction of the grid's voxels that lie within the scanned volume; the rest repeats its border.
    """

    values: npt.NDArray[np.float32]
    affine_lps: npt.NDArray[np.float64]
    inside: float


def prepare_region(volume: Volume, region: RegionOfInterest, view: FieldOfView) -> PreparedRegion:
    """Resample the region onto the grid; beyond the scanned volume its border is repeated.

    Raises:
        RegionError: the region's center is outside the volume.
    """
    region.require_inside(volume)
    affine = view.affine_at(region.center_mm)
    hu, inside = sample_hu(volume, affine, view.shape)
    return PreparedRegion(view.to_unit(hu), affine, float(inside.mean()))


DEPTH_SAMPLES = 4
"""Linear samples averaged over the thickness of a grid voxel, so that thin slices are averaged and not picked from."""


def sample_hu(
    volume: Volume, affine_lps: npt.NDArray[np.float64], shape: tuple[int, int, int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """HU on a grid, and which of its voxel centers lie within the scanned volume (the others repeat its border).

    Only the block of voxels around the grid is touched, so that the cost does not depend on the size of the scan.
    """
    fine = affine_lps.copy()
    fine[:3, 0] /= DEPTH_SAMPLES
    fine[:3, 3] -= fine[:3, 0] * (DEPTH_SAMPLES - 1) / 2
    index = _source_indices(volume, fine, (shape[0] * DEPTH_SAMPLES, shape[1], shape[2]))
    size = np.array(volume.hu.shape)
    low = np.clip(np.floor(index.min(axis=1)).astype(int), 0, size - 1)
    high = np.clip(np.ceil(index.max(axis=1)).astype(int) + 1, low + 1, size)
    block = volume.hu[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    hu = ndimage.map_coordinates(block, index - low[:, None], order=1, mode="nearest", output=np.float32)
    centers = _source_indices(volume, affine_lps, shape)
    inside = ((centers >= -0.5) & (centers <= size[:, None] - 0.5)).all(axis=0)
    averaged = hu.reshape(shape[0], DEPTH_SAMPLES, shape[1], shape[2]).mean(axis=1)
    return np.asarray(averaged, dtype=np.float32), inside.reshape(shape)


def _source_indices(
    volume: Volume, affine_lps: npt.NDArray[np.float64], shape: tuple[int, int, int]
) -> npt.NDArray[np.float64]:
    """Index in the volume of each voxel of a grid, (3,voxels)."""
    to_source = np.linalg.inv(volume.affine_lps) @ affine_lps
    grid = np.indices(shape, dtype=np.float64).reshape(3, -1)
    return np.asarray(to_source[:3, :3] @ grid + to_source[:3, 3:4])


def restore_to_volume(attribution: VolumeAttribution, volume: Volume) -> npt.NDArray[np.float32]:
    """An attribution laid onto the CT's own voxels, (slice,row,column), linearly; zero outside its grid.

    A slice that is thicker than those of the map gets the mean over its thickness: a thin map that lies between the
    centers of two thick slices is seen in both, and in proportion.
    """
    to_grid = np.linalg.inv(attribution.affine_lps) @ volume.affine_lps
    result = np.zeros(volume.hu.shape, dtype=np.float32)
    corners = np.array(np.meshgrid(*[[-1, n] for n in attribution.values.shape], indexing="ij")).reshape(3, -1)
    in_volume = geometry.mm_to_index(np.asarray(to_grid, dtype=np.float64), corners.T)
    size = np.array(volume.hu.shape)
    low = np.clip(np.floor(in_volume.min(axis=0)).astype(int), 0, size)
    high = np.clip(np.ceil(in_volume.max(axis=0)).astype(int) + 1, low, size)
    block_shape = tuple(int(n) for n in high - low)
    if 0 in block_shape:
        return result
    index = to_grid[:3, :3] @ (np.indices(block_shape).reshape(3, -1) + low[:, None]) + to_grid[:3, 3:4]
    across = to_grid[:3, :1]  # one slice of the CT, in voxels of the map
    n = max(1, round(float(np.linalg.norm(across))))
    total = np.zeros(index.shape[1], dtype=np.float32)
    for part in (np.arange(n) + 0.5) / n - 0.5:
        total += ndimage.map_coordinates(attribution.values, index + part * across, order=1, output=np.float32)
    result[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = (total / n).reshape(block_shape)
    return result
