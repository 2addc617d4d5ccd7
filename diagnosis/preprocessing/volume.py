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
        """HU to [0,1]."""
        low, high = self.hu_range
        return np.asarray(np.clip((hu - low) / (high - low), 0.0, 1.0), dtype=np.float32)

    def from_unit(self, unit: float) -> float:
        """[0,1] to HU."""
        low, high = self.hu_range
        return low + unit * (high - low)


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
    """Resample the region onto the grid, linearly; beyond the scanned volume its border is repeated.

    Only the block of voxels around the region is touched, so that the cost does not depend on the size of the scan.

    Raises:
        RegionError: the region's center is outside the volume.
    """
    region.require_inside(volume)
    affine = view.affine_at(region.center_mm)
    to_source = np.linalg.inv(volume.affine_lps) @ affine
    index = _source_indices(to_source, view.shape)
    size = np.array(volume.hu.shape)
    low = np.clip(np.floor(index.min(axis=1)).astype(int), 0, size - 1)
    high = np.clip(np.ceil(index.max(axis=1)).astype(int) + 1, low + 1, size)
    block = volume.hu[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    hu = ndimage.map_coordinates(block, index - low[:, None], order=1, mode="nearest", output=np.float32)
    is_inside = ((index >= -0.5) & (index <= size[:, None] - 0.5)).all(axis=0)
    return PreparedRegion(view.to_unit(hu.reshape(view.shape)), affine, float(is_inside.mean()))


def _source_indices(to_source: npt.NDArray[np.float64], shape: tuple[int, int, int]) -> npt.NDArray[np.float64]:
    """Source index of each voxel of the grid, (3,voxels)."""
    grid = np.indices(shape, dtype=np.float64).reshape(3, -1)
    return np.asarray(to_source[:3, :3] @ grid + to_source[:3, 3:4])


def restore_to_volume(attribution: VolumeAttribution, volume: Volume) -> npt.NDArray[np.float32]:
    """An attribution laid onto the CT's own voxels, (slice,row,column), linearly; zero outside its grid."""
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
    values = ndimage.map_coordinates(attribution.values, index, order=1, mode="constant", cval=0.0, output=np.float32)
    result[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = values.reshape(block_shape)
    return result
